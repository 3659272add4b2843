//! What lies where: lengths, entries, waits and what was given up, for the people who look after it.

use crate::fixture::{GROUP, append, bytes, stream};
use crate::{Failure, Fixture};
use core::time::Duration;
use events::{Backoff, EntryId, RetryStats, Span, StreamName, WhenEmpty};

table![
    a_stream_tells_how_much_lies_in_it,
    entries_are_read_from_either_end_in_pages,
    retries_and_letters_are_counted,
    the_oldest_letter_is_told,
    the_oldest_entry_in_hand_is_told,
];

async fn a_stream_tells_how_much_lies_in_it(fixture: &dyn Fixture) -> Result<(), Failure> {
    let inspection = fixture.inspection();
    ensure_eq!(inspection.stream(&stream()).await?, None, "a stream that is not there");
    append(fixture, 0..3).await?;
    fixture.pass(Duration::from_millis(20)).await;
    let stats = inspection.stream(&stream()).await?.ok_or_else(|| Failure("no stream".to_owned()))?;
    let entries = inspection.entries(&stream(), Span::Before(None), 100).await?;
    ensure_eq!(stats.length, 3, "the length");
    ensure!(stats.bytes >= bytes(0).len() as u64, "{stats:?} counts fewer bytes than one event has");
    ensure_eq!(stats.newest, entries.first().map(|entry| entry.id), "the newest");
    ensure_eq!(stats.oldest, entries.last().map(|entry| entry.id), "the oldest");
    ensure!((20..60_000).contains(&stats.oldest_age_ms), "{stats:?} has another age");
    fixture.trim(&stream()).await?;
    let stats = inspection.stream(&stream()).await?.ok_or_else(|| Failure("no stream".to_owned()))?;
    ensure_eq!((stats.length, stats.oldest, stats.oldest_age_ms), (0, None, 0), "a stream that was trimmed");
    ensure_eq!(Some(stats.last), entries.first().map(|entry| entry.id), "the last that ever lay in it");
    Ok(())
}

async fn entries_are_read_from_either_end_in_pages(fixture: &dyn Fixture) -> Result<(), Failure> {
    let inspection = fixture.inspection();
    let nowhere = StreamName::new("users", 0);
    ensure!(inspection.entries(&nowhere, Span::Before(None), 10).await?.is_empty(), "entries of no stream");
    append(fixture, 0..7).await?;
    let (mut back, mut before) = (Vec::new(), None);
    while let Some(last) = {
        let page = inspection.entries(&stream(), Span::Before(before), 3).await?;
        let last = page.last().map(|entry| entry.id);
        back.extend(page);
        last
    } {
        before = Some(last);
    }
    let payloads: Vec<_> = back.iter().map(|entry| entry.payload.clone()).collect();
    ensure_eq!(payloads, (0..7).rev().map(bytes).collect::<Vec<_>>(), "from the newest");
    let first = back.last().ok_or_else(|| Failure("no entries".to_owned()))?.id;
    let after = inspection.entries(&stream(), Span::After(first), 2).await?;
    let payloads: Vec<_> = after.into_iter().map(|entry| entry.payload).collect();
    ensure_eq!(payloads, vec![bytes(1), bytes(2)], "after the first");
    let end = EntryId { unix_ms: u64::MAX, place: u64::MAX };
    for span in [Span::Before(Some(EntryId::START)), Span::After(end)] {
        ensure!(inspection.entries(&stream(), span, 10).await?.is_empty(), "entries beyond the ends of a stream");
    }
    let all = [Span::Before(Some(end)), Span::After(EntryId::START), Span::After(EntryId::before_ms(1))];
    for span in all {
        ensure_eq!(inspection.entries(&stream(), span, 10).await?.len(), 7, "between the ends of a stream");
    }
    Ok(())
}

async fn retries_and_letters_are_counted(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (log, inspection) = (fixture.log(), fixture.inspection());
    ensure_eq!(inspection.retries("notifications", GROUP).await?, RetryStats::default(), "before anything");
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..2).await?;
    let wait = Backoff { first: Duration::from_secs(60), cap: Duration::from_secs(60), jitter_permille: 0 };
    let mut deliveries = log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?.into_iter();
    let (Some(first), Some(second)) = (deliveries.next(), deliveries.next()) else {
        return Err(Failure("two entries were appended".to_owned()));
    };
    log.defer(GROUP, &first.receipt, wait).await?;
    log.park(GROUP, &second, "no such template").await?;
    log.park(GROUP, &second, "no such template").await?;
    let stats = inspection.retries("notifications", GROUP).await?;
    ensure_eq!((stats.waiting, stats.retries, stats.parked, stats.replays), (1, 1, 1, 0), "one of each");
    ensure!(stats.next_due.is_some(), "nothing is due");
    let letter = inspection.oldest_letter("notifications").await?.ok_or_else(|| Failure("no letter".to_owned()))?;
    fixture.letters().replay(letter).await?;
    let replayed = log.claim_replay(GROUP, Duration::from_secs(60)).await?;
    let replayed = replayed.ok_or_else(|| Failure("not replayed".to_owned()))?;
    log.defer(GROUP, &replayed.receipt, wait).await?;
    let stats = inspection.retries("notifications", GROUP).await?;
    ensure_eq!((stats.waiting, stats.retries, stats.parked, stats.replays), (1, 2, 1, 1), "and a replay put off");
    Ok(())
}

async fn the_oldest_letter_is_told(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (log, inspection) = (fixture.log(), fixture.inspection());
    ensure_eq!(inspection.oldest_letter("notifications").await?, None, "the oldest of none");
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..3).await?;
    for delivery in log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await? {
        log.park(GROUP, &delivery, "no such template").await?;
    }
    let letters = fixture.letters().list(None, 100).await?.letters;
    ensure_eq!(inspection.oldest_letter("notifications").await?, letters.last().map(|letter| letter.id), "the oldest");
    Ok(())
}

async fn the_oldest_entry_in_hand_is_told(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..2).await?;
    let told = async || -> Result<(u64, u32), Failure> {
        let groups = fixture.statistics().groups(&stream()).await?;
        let group = groups.first().ok_or_else(|| Failure("no group".to_owned()))?;
        Ok((group.oldest_pending_age_ms, group.oldest_pending_deliveries))
    };
    ensure_eq!(told().await?, (0, 0), "nothing in hand");
    let deliveries = log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    fixture.pass(Duration::from_millis(30)).await;
    let (age_ms, count) = told().await?;
    ensure!(age_ms >= 30 && count == 1, "found {age_ms} ms, {count} deliveries");
    let receipts: Vec<_> = deliveries.into_iter().map(|delivery| delivery.receipt).collect();
    log.acknowledge(GROUP, &receipts).await?;
    ensure_eq!(told().await?, (0, 0), "all settled");
    Ok(())
}
