//! Entries: handed out, settled, abandoned, counted.

use crate::fixture::{GROUP, IDLE, LONGER, append, bytes, stream};
use crate::{Failure, Fixture};
use events::{EventsError, WhenEmpty};
use futures::future::join;

table![
    a_group_hears_a_stream_from_its_beginning_and_subscribes_once,
    an_entry_is_handed_out_once_and_forgotten_when_acknowledged,
    each_group_hears_every_entry,
    a_group_that_is_not_there_is_told_to_subscribe,
    an_abandoned_entry_goes_to_one_of_two_as_one_more_delivery,
    a_fresh_entry_stays_with_its_worker,
    an_entry_that_was_trimmed_comes_without_its_bytes,
    the_groups_say_how_far_they_are,
];

async fn a_group_hears_a_stream_from_its_beginning_and_subscribes_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    append(fixture, 0..3).await?;
    let log = fixture.log();
    ensure!(log.subscribe(GROUP, &stream()).await?, "the first subscription was not new");
    ensure!(!log.subscribe(GROUP, &stream()).await?, "the second subscription was new");
    let found = log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    let payloads: Vec<_> = found.iter().filter_map(|delivery| delivery.payload.clone()).collect();
    ensure_eq!(payloads, vec![bytes(0), bytes(1), bytes(2)], "entries in order");
    Ok(())
}

async fn an_entry_is_handed_out_once_and_forgotten_when_acknowledged(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..5).await?;
    let first = log.read(GROUP, &stream(), 3, WhenEmpty::Leave).await?;
    let second = log.read(GROUP, &stream(), 3, WhenEmpty::Leave).await?;
    let third = log.read(GROUP, &stream(), 3, WhenEmpty::Leave).await?;
    ensure_eq!((first.len(), second.len(), third.len()), (3, 2, 0), "reads");
    ensure!(first.iter().chain(&second).all(|d| d.receipt.deliveries == 1), "a first delivery is not the first");
    let receipts: Vec<_> = first.iter().chain(&second).map(|d| d.receipt.clone()).collect();
    log.acknowledge(GROUP, &receipts).await?;
    log.acknowledge(GROUP, &receipts).await?;
    fixture.pass(LONGER).await;
    ensure!(log.claim_abandoned(GROUP, &stream(), IDLE).await?.is_none(), "an acknowledged entry came back");
    Ok(())
}

async fn each_group_hears_every_entry(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    append(fixture, 0..2).await?;
    for group in [GROUP, "queries-worker"] {
        log.subscribe(group, &stream()).await?;
        ensure_eq!(log.read(group, &stream(), 16, WhenEmpty::Leave).await?.len(), 2, "entries of a group");
    }
    Ok(())
}

async fn a_group_that_is_not_there_is_told_to_subscribe(fixture: &dyn Fixture) -> Result<(), Failure> {
    let wanted = EventsError::NotSubscribed { group: GROUP.to_owned(), stream: stream() };
    let log = fixture.log();
    for round in ["before the first subscription", "after everything was lost"] {
        let read = log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await;
        ensure!(read == Err(wanted.clone()), "{round}, a read found {read:?}");
        let claim = log.claim_abandoned(GROUP, &stream(), IDLE).await;
        ensure!(claim == Err(wanted.clone()), "{round}, a claim found {claim:?}");
        log.subscribe(GROUP, &stream()).await?;
        fixture.lose_everything().await?;
    }
    Ok(())
}

async fn an_abandoned_entry_goes_to_one_of_two_as_one_more_delivery(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, [0]).await?;
    let lost = log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    fixture.pass(LONGER).await;
    let (log2, stream) = (fixture.log(), stream());
    let (one, two) = join(log.claim_abandoned(GROUP, &stream, IDLE), log2.claim_abandoned(GROUP, &stream, IDLE)).await;
    let claimed: Vec<_> = [one?, two?].into_iter().flatten().collect();
    ensure_eq!(claimed.len(), 1, "claims");
    ensure_eq!(
        claimed.iter().map(|d| (d.receipt.entry, d.receipt.deliveries, d.payload.clone())).collect::<Vec<_>>(),
        lost.iter().map(|d| (d.receipt.entry, 2, d.payload.clone())).collect::<Vec<_>>(),
        "the claimed entry"
    );
    Ok(())
}

async fn a_fresh_entry_stays_with_its_worker(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, [0]).await?;
    log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    ensure!(log.claim_abandoned(GROUP, &stream(), IDLE * 100).await?.is_none(), "it was taken away");
    Ok(())
}

async fn an_entry_that_was_trimmed_comes_without_its_bytes(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, [0]).await?;
    log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    fixture.trim(&stream()).await?;
    fixture.pass(LONGER).await;
    let claimed = log.claim_abandoned(GROUP, &stream(), IDLE).await?;
    ensure!(claimed.as_ref().is_some_and(|d| d.payload.is_none()), "found {claimed:?}");
    ensure!(log.claim_abandoned(GROUP, &stream(), IDLE).await?.is_none(), "it came twice");
    Ok(())
}

async fn the_groups_say_how_far_they_are(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (log, statistics) = (fixture.log(), fixture.statistics());
    ensure!(statistics.groups(&stream()).await?.is_empty(), "a stream that is not there has groups");
    log.subscribe(GROUP, &stream()).await?;
    let stats = statistics.groups(&stream()).await?;
    ensure!(stats.iter().all(|s| (s.lag, s.pending, s.oldest_age_ms) == (Some(0), 0, 0)), "an empty stream: {stats:?}");
    append(fixture, 0..5).await?;
    let first = log.read(GROUP, &stream(), 2, WhenEmpty::Leave).await?;
    fixture.pass(LONGER).await;
    let receipts: Vec<_> = first.iter().take(1).map(|d| d.receipt.clone()).collect();
    log.acknowledge(GROUP, &receipts).await?;
    let stats = statistics.groups(&stream()).await?;
    let found: Vec<_> = stats.iter().map(|s| (s.group.as_str(), s.lag, s.pending)).collect();
    ensure_eq!(found, vec![(GROUP, Some(3), 1)], "group, lag, pending");
    ensure!(stats.iter().all(|s| (500..60_000).contains(&s.oldest_age_ms)), "the oldest age: {stats:?}");
    ensure_eq!(statistics.dead_letters("notifications").await?, 0, "dead letters");
    Ok(())
}
