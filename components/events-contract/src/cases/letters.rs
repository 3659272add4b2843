//! Dead letters: once, complete, listed, replayed to their group alone, purged.

use crate::fixture::{GROUP, IDLE, LONGER, append, bytes, event, stream};
use crate::{Failure, Fixture};
use core::time::Duration;
use events::{Backoff, DeadLetter, Delivery, WhenEmpty};

table![
    a_parked_entry_is_one_dead_letter_however_often_it_is_parked,
    a_dead_letter_tells_all_that_is_known,
    an_unreadable_entry_becomes_a_dead_letter_as_it_was,
    the_dead_letters_are_listed_newest_first_in_pages,
    a_purged_letter_is_gone,
    a_replayed_letter_goes_to_its_group_alone_and_is_forgotten_when_done,
    a_replay_that_fails_again_leaves_one_letter_with_the_new_cause,
    a_replay_whose_worker_died_comes_back,
    a_replay_can_be_put_off,
    an_edited_replay_hands_out_other_bytes_and_leaves_the_letter_as_it_is,
    an_edited_replay_that_fails_again_keeps_what_was_handed_out,
    a_replay_as_it_is_forgets_the_edited_one,
];

/// Appends events and hands them all out.
async fn handed_out(fixture: &dyn Fixture, count: u32) -> Result<Vec<Delivery>, Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..count).await?;
    Ok(log.read(GROUP, &stream(), count, WhenEmpty::Leave).await?)
}

/// Parks events and returns their letters, newest first.
async fn parked(fixture: &dyn Fixture, count: u32) -> Result<Vec<DeadLetter>, Failure> {
    for delivery in handed_out(fixture, count).await? {
        fixture.log().park(GROUP, &delivery, "no such template").await?;
    }
    Ok(fixture.letters().list(None, 100).await?.letters)
}

async fn the_one(fixture: &dyn Fixture) -> Result<DeadLetter, Failure> {
    let letters = parked(fixture, 1).await?;
    ensure_eq!(letters.len(), 1, "letters");
    letters.into_iter().next().ok_or_else(|| Failure("no letter".to_owned()))
}

async fn a_parked_entry_is_one_dead_letter_however_often_it_is_parked(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (log, deliveries) = (fixture.log(), handed_out(fixture, 2).await?);
    for delivery in deliveries.iter().chain(&deliveries) {
        log.park(GROUP, delivery, "no such template").await?;
    }
    ensure_eq!(fixture.letters().list(None, 100).await?.letters.len(), 2, "letters");
    ensure_eq!(fixture.statistics().dead_letters("notifications").await?, 2, "letters counted");
    fixture.pass(LONGER).await;
    ensure!(log.claim_abandoned(GROUP, &stream(), IDLE).await?.is_none(), "a parked entry came back");
    Ok(())
}

async fn a_dead_letter_tells_all_that_is_known(fixture: &dyn Fixture) -> Result<(), Failure> {
    let deliveries = handed_out(fixture, 1).await?;
    let delivery = deliveries.first().ok_or_else(|| Failure("nothing was handed out".to_owned()))?;
    fixture.log().park(GROUP, delivery, "no such template").await?;
    let listed = fixture.letters().list(None, 1).await?.letters;
    let letter = listed.first().ok_or_else(|| Failure("no letter".to_owned()))?;
    ensure_eq!(fixture.letters().inspect(letter.id).await?.as_ref(), Some(letter), "the letter inspected");
    let wanted = DeadLetter {
        id: letter.id,
        at: letter.at,
        group: GROUP.to_owned(),
        cause: "no such template".to_owned(),
        stream: stream(),
        entry: delivery.receipt.entry,
        deliveries: 1,
        trace: event(0).traceid,
        payload: bytes(0),
    };
    ensure_eq!(*letter, wanted, "the letter");
    Ok(())
}

async fn an_unreadable_entry_becomes_a_dead_letter_as_it_was(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    let garbage = b"\x00\xff{not an event\r\n".to_vec();
    fixture.append(&stream(), &garbage).await?;
    for delivery in log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await? {
        log.park(GROUP, &delivery, "not an event").await?;
    }
    let letters = fixture.letters().list(None, 100).await?.letters;
    let found: Vec<_> = letters.iter().map(|letter| (letter.payload.clone(), letter.trace.as_str())).collect();
    ensure_eq!(found, vec![(garbage, "")], "the letter");
    Ok(())
}

async fn the_dead_letters_are_listed_newest_first_in_pages(fixture: &dyn Fixture) -> Result<(), Failure> {
    let all = parked(fixture, 7).await?;
    ensure_eq!(all.first().map(|letter| letter.payload.clone()), Some(bytes(6)), "the newest");
    let (mut paged, mut after) = (Vec::new(), None);
    for _ in 0..10 {
        let page = fixture.letters().list(after, 3).await?;
        paged.extend(page.letters);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    ensure_eq!(paged, all, "the pages together");
    Ok(())
}

async fn a_purged_letter_is_gone(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (letter, letters) = (the_one(fixture).await?, fixture.letters());
    letters.replay(letter.id).await?;
    ensure!(letters.purge(letter.id).await?, "there was nothing to purge");
    ensure!(!letters.purge(letter.id).await?, "it was purged twice");
    ensure!(letters.inspect(letter.id).await?.is_none(), "it is still there");
    ensure!(!letters.replay(letter.id).await?, "a purged letter can be replayed");
    ensure!(fixture.log().claim_replay(GROUP, IDLE).await?.is_none(), "a purged letter was replayed");
    Ok(())
}

async fn a_replayed_letter_goes_to_its_group_alone_and_is_forgotten_when_done(
    fixture: &dyn Fixture,
) -> Result<(), Failure> {
    let (letter, log) = (the_one(fixture).await?, fixture.log());
    ensure!(log.claim_replay(GROUP, IDLE).await?.is_none(), "a letter was replayed unasked");
    let rings = fixture.rings(GROUP).await?;
    ensure!(fixture.letters().replay(letter.id).await?, "there is no such letter");
    ensure_eq!(fixture.rings(GROUP).await?, rings + 1, "rings after the replay was asked for");
    ensure!(log.claim_replay("queries-worker", IDLE).await?.is_none(), "another group was given the letter");
    let replayed = log.claim_replay(GROUP, IDLE).await?.ok_or_else(|| Failure("not replayed".to_owned()))?;
    ensure_eq!((replayed.payload.clone(), replayed.receipt.letter), (Some(bytes(0)), Some(letter.id)), "the replay");
    ensure!(log.claim_replay(GROUP, IDLE).await?.is_none(), "it was handed out twice at once");
    log.acknowledge(GROUP, &[replayed.receipt]).await?;
    ensure!(fixture.letters().inspect(letter.id).await?.is_none(), "the letter is still there");
    fixture.pass(LONGER).await;
    ensure!(log.claim_replay(GROUP, IDLE).await?.is_none(), "it came back");
    Ok(())
}

async fn a_replay_that_fails_again_leaves_one_letter_with_the_new_cause(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (letter, log) = (the_one(fixture).await?, fixture.log());
    fixture.letters().replay(letter.id).await?;
    let replayed = log.claim_replay(GROUP, IDLE).await?.ok_or_else(|| Failure("not replayed".to_owned()))?;
    log.park(GROUP, &replayed, "still no such template").await?;
    let letters = fixture.letters().list(None, 100).await?.letters;
    let found: Vec<_> = letters.iter().map(|l| (l.cause.as_str(), l.entry, l.payload.clone())).collect();
    ensure_eq!(found, vec![("still no such template", letter.entry, bytes(0))], "the letters");
    fixture.pass(LONGER).await;
    ensure!(log.claim_replay(GROUP, IDLE).await?.is_none(), "it is replayed unasked");
    Ok(())
}

async fn a_replay_whose_worker_died_comes_back(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (letter, log) = (the_one(fixture).await?, fixture.log());
    fixture.letters().replay(letter.id).await?;
    for deliveries in 1..4 {
        let replayed = log.claim_replay(GROUP, IDLE).await?;
        ensure_eq!(replayed.map(|d| d.receipt.deliveries), Some(deliveries), "deliveries");
        fixture.pass(LONGER).await;
    }
    Ok(())
}

async fn a_replay_can_be_put_off(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (letter, log) = (the_one(fixture).await?, fixture.log());
    fixture.letters().replay(letter.id).await?;
    let replayed = log.claim_replay(GROUP, IDLE * 100).await?.ok_or_else(|| Failure("not replayed".to_owned()))?;
    let wait = Backoff { first: Duration::from_millis(400), cap: Duration::from_secs(1), jitter_permille: 0 };
    log.defer(GROUP, &replayed.receipt, wait).await?;
    ensure!(log.claim_replay(GROUP, IDLE).await?.is_none(), "it came back at once");
    fixture.pass(LONGER).await;
    let again = log.claim_replay(GROUP, IDLE).await?;
    ensure_eq!(again.map(|d| (d.receipt.deliveries, d.receipt.retries)), Some((1, 1)), "deliveries and retries");
    Ok(())
}

async fn an_edited_replay_hands_out_other_bytes_and_leaves_the_letter_as_it_is(
    fixture: &dyn Fixture,
) -> Result<(), Failure> {
    let (letter, log) = (the_one(fixture).await?, fixture.log());
    ensure_eq!(fixture.inspection().replay_of("notifications", &letter).await?, None, "the replay before");
    for _ in 0..2 {
        ensure!(fixture.letters().replay_edited(letter.id, &bytes(7)).await?, "there is no such letter");
    }
    ensure_eq!(fixture.letters().inspect(letter.id).await?.as_ref(), Some(&letter), "the letter");
    let state = fixture.inspection().replay_of("notifications", &letter).await?;
    ensure_eq!(state.map(|s| (s.deliveries, s.retries, s.edited)), Some((0, 0, true)), "the replay asked for");
    // A worker that died with it, and one that puts it off, change nothing of what is handed out.
    for deliveries in 1..3 {
        let replayed = log.claim_replay(GROUP, IDLE).await?;
        let found = replayed.map(|d| (d.payload, d.receipt.deliveries, d.receipt.letter));
        ensure_eq!(found, Some((Some(bytes(7)), deliveries, Some(letter.id))), "the replay");
        fixture.pass(LONGER).await;
    }
    let replayed = log.claim_replay(GROUP, IDLE).await?.ok_or_else(|| Failure("not replayed".to_owned()))?;
    let wait = Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(1), jitter_permille: 0 };
    log.defer(GROUP, &replayed.receipt, wait).await?;
    fixture.pass(LONGER).await;
    let replayed = log.claim_replay(GROUP, IDLE).await?.ok_or_else(|| Failure("not replayed".to_owned()))?;
    ensure_eq!(replayed.payload, Some(bytes(7)), "the bytes after a retry");
    log.acknowledge(GROUP, &[replayed.receipt]).await?;
    ensure!(fixture.letters().inspect(letter.id).await?.is_none(), "the letter is still there");
    ensure_eq!(fixture.inspection().replay_of("notifications", &letter).await?, None, "the replay afterwards");
    ensure!(!fixture.letters().replay_edited(letter.id, &bytes(7)).await?, "a letter that is gone can be edited");
    Ok(())
}

async fn an_edited_replay_that_fails_again_keeps_what_was_handed_out(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (letter, log) = (the_one(fixture).await?, fixture.log());
    fixture.letters().replay_edited(letter.id, &bytes(7)).await?;
    let replayed = log.claim_replay(GROUP, IDLE).await?.ok_or_else(|| Failure("not replayed".to_owned()))?;
    log.park(GROUP, &replayed, "still no such template").await?;
    let letters = fixture.letters().list(None, 100).await?.letters;
    let found: Vec<_> = letters.iter().map(|l| (l.cause.as_str(), l.entry, l.payload.clone())).collect();
    ensure_eq!(found, vec![("still no such template", letter.entry, bytes(7))], "the letters");
    for again in letters {
        ensure_eq!(
            fixture.inspection().replay_of("notifications", &again).await?,
            None,
            "the replay of the new letter"
        );
    }
    Ok(())
}

async fn a_replay_as_it_is_forgets_the_edited_one(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (letter, log) = (the_one(fixture).await?, fixture.log());
    fixture.letters().replay_edited(letter.id, &bytes(7)).await?;
    fixture.letters().replay(letter.id).await?;
    let replayed = log.claim_replay(GROUP, IDLE).await?.ok_or_else(|| Failure("not replayed".to_owned()))?;
    ensure_eq!(replayed.payload, Some(bytes(0)), "the bytes");
    Ok(())
}
