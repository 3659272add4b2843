//! Retries: put off, back when due, without using up a delivery.

use crate::fixture::{GROUP, IDLE, LONGER, append, stream};
use crate::{Failure, Fixture};
use core::time::Duration;
use events::{Backoff, Delivery, EventLog, WhenEmpty};
use futures::future::join;

table![
    an_entry_put_off_comes_back_when_it_is_due_and_not_before,
    an_entry_put_off_gives_its_delivery_back,
    an_entry_put_off_is_not_abandoned,
    the_waits_grow,
    an_entry_that_is_due_goes_to_one_of_two,
    a_worker_that_slept_cannot_put_off_what_another_took,
    an_entry_put_off_and_then_settled_is_forgotten,
];

const SHORT: Backoff =
    Backoff { first: Duration::from_millis(400), cap: Duration::from_secs(3600), jitter_permille: 0 };

/// Reads the one event that was appended.
async fn handed_out(fixture: &dyn Fixture, log: &dyn EventLog) -> Result<Delivery, Failure> {
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, [0]).await?;
    let found = log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    found.into_iter().next().ok_or_else(|| Failure("nothing was handed out".to_owned()))
}

async fn an_entry_put_off_comes_back_when_it_is_due_and_not_before(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    let first = handed_out(fixture, &*log).await?;
    log.defer(GROUP, &first.receipt, SHORT).await?;
    let early = log.claim_due(GROUP, 16).await?;
    ensure!(early.is_empty(), "before it was due: {early:?}");
    fixture.pass(LONGER).await;
    let due = log.claim_due(GROUP, 16).await?;
    ensure_eq!(due.iter().map(|d| d.payload.clone()).collect::<Vec<_>>(), vec![first.payload], "what came back");
    ensure!(log.claim_due(GROUP, 16).await?.is_empty(), "it came back twice");
    Ok(())
}

async fn an_entry_put_off_gives_its_delivery_back(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    let mut delivery = handed_out(fixture, &*log).await?;
    for retry in 1..4 {
        log.defer(GROUP, &delivery.receipt, Backoff { first: Duration::from_millis(1), ..SHORT }).await?;
        fixture.pass(Duration::from_millis(20)).await;
        let mut due = log.claim_due(GROUP, 16).await?;
        delivery = due.pop().ok_or_else(|| Failure(format!("retry {retry} did not come back")))?;
        ensure_eq!((delivery.receipt.deliveries, delivery.receipt.retries), (1, retry), "deliveries and retries");
    }
    // A worker that dies with it does use one up.
    fixture.pass(LONGER).await;
    let abandoned = log.claim_abandoned(GROUP, &stream(), IDLE).await?;
    ensure_eq!(abandoned.map(|d| d.receipt.deliveries), Some(2), "deliveries after a worker died");
    Ok(())
}

async fn an_entry_put_off_is_not_abandoned(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    let first = handed_out(fixture, &*log).await?;
    log.defer(GROUP, &first.receipt, Backoff { first: Duration::from_secs(600), ..SHORT }).await?;
    fixture.pass(LONGER).await;
    let taken = log.claim_abandoned(GROUP, &stream(), IDLE).await?;
    ensure!(taken.is_none(), "it was taken: {taken:?}");
    Ok(())
}

async fn the_waits_grow(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    let mut last = handed_out(fixture, &*log).await?;
    for _ in 0..3 {
        log.defer(GROUP, &last.receipt, Backoff { first: Duration::from_millis(1), ..SHORT }).await?;
        fixture.pass(Duration::from_millis(20)).await;
        let due = log.claim_due(GROUP, 16).await?;
        last = due.into_iter().next().ok_or_else(|| Failure("it did not come back".to_owned()))?;
    }
    // The fourth wait is eight times the first, so that a machine which is late by seconds proves nothing wrong.
    log.defer(GROUP, &last.receipt, SHORT).await?;
    fixture.pass(LONGER).await;
    ensure!(log.claim_due(GROUP, 16).await?.is_empty(), "the fourth wait was as short as the first");
    fixture.pass(SHORT.wait(4)).await;
    ensure_eq!(log.claim_due(GROUP, 16).await?.len(), 1, "entries after the fourth wait");
    Ok(())
}

async fn an_entry_that_is_due_goes_to_one_of_two(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (log, log2) = (fixture.log(), fixture.log());
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..10).await?;
    for delivery in log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await? {
        log.defer(GROUP, &delivery.receipt, Backoff { first: Duration::from_millis(1), ..SHORT }).await?;
    }
    fixture.pass(Duration::from_millis(20)).await;
    let (one, two) = join(log.claim_due(GROUP, 16), log2.claim_due(GROUP, 16)).await;
    let mut entries: Vec<_> = one?.into_iter().chain(two?).map(|d| d.receipt.entry).collect();
    entries.sort();
    let all = entries.len();
    entries.dedup();
    ensure_eq!((all, entries.len()), (10, 10), "claims, and entries among them");
    Ok(())
}

async fn a_worker_that_slept_cannot_put_off_what_another_took(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    let slow = handed_out(fixture, &*log).await?;
    fixture.pass(LONGER).await;
    let quick =
        log.claim_abandoned(GROUP, &stream(), IDLE).await?.ok_or_else(|| Failure("not abandoned".to_owned()))?;
    log.defer(GROUP, &slow.receipt, Backoff { first: Duration::from_millis(1), ..SHORT }).await?;
    fixture.pass(Duration::from_millis(20)).await;
    ensure!(log.claim_due(GROUP, 16).await?.is_empty(), "the slow one put off what the quick one handles");
    log.acknowledge(GROUP, &[quick.receipt]).await?;
    fixture.pass(LONGER).await;
    ensure!(log.claim_abandoned(GROUP, &stream(), IDLE).await?.is_none(), "it came back");
    Ok(())
}

async fn an_entry_put_off_and_then_settled_is_forgotten(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    let first = handed_out(fixture, &*log).await?;
    log.defer(GROUP, &first.receipt, Backoff { first: Duration::from_millis(1), ..SHORT }).await?;
    fixture.pass(Duration::from_millis(20)).await;
    let due = log.claim_due(GROUP, 16).await?;
    log.acknowledge(GROUP, &due.iter().map(|d| d.receipt.clone()).collect::<Vec<_>>()).await?;
    fixture.pass(LONGER).await;
    ensure!(log.claim_due(GROUP, 16).await?.is_empty(), "it came back as due");
    ensure!(log.claim_abandoned(GROUP, &stream(), IDLE).await?.is_none(), "it came back as abandoned");
    let stats = fixture.statistics().groups(&stream()).await?;
    ensure!(stats.iter().all(|s| s.pending == 0), "something is pending: {stats:?}");
    Ok(())
}
