//! Rebuilds: after a loss of the order all that was acknowledged is there again, and nothing that was refused.

use crate::changes::{account, begin, change, commit, create, event, finish, index, key, leg, once, once_key, put};
use crate::{Failure, Fault, Fixture};
use bytes::Bytes;
use core::time::Duration;
use records::{Change, Content, IndexStep, OnceState, Outcome, RecordsError, TimerStep};

table![
    what_was_acknowledged_is_there_after_a_rebuild,
    commits_go_on_upon_a_rebuild,
    what_was_refused_does_not_come_back,
    what_replaced_bodies_entered_into_indexes_is_there_after_a_rebuild,
    what_was_erased_stays_erased,
    a_store_that_fell_back_is_rolled_forward,
    a_retry_of_a_writer_that_died_is_told_from_it,
];

/// A record of many steps, and some beside it.
async fn furnish(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let due = fixture.now().plus(Duration::from_secs(3600));
    let first = create(fixture, "thing:1")?
        .with_event(event(1))
        .with_once(once("first", 1, finish(None, "answered")))
        .with_index(put("1", "one")?)
        .with_postings([leg("a", -700, 0)?, leg("b", 700, 50)?])
        .with_timer(TimerStep::Set { name: "settle", due });
    let first = commit(&*records, first).await?.version;
    let second = change(fixture, "thing:1", Some(first), "2")?
        .with_event(event(2))
        .with_index(put("1", "uno")?)
        .with_postings([leg("b", 0, -50)?])
        .with_timer(TimerStep::Clear { name: "settle" })
        .with_timer(TimerStep::Set { name: "expire", due })
        .keeping_previous();
    commit(&*records, second).await?;
    let other = create(fixture, "thing:2")?.with_index(put("2", "two")?).with_event(event(3));
    let other = commit(&*records, other).await?.version;
    let gone = change(fixture, "thing:2", Some(other), "2")?
        .with_once(once("under-way", 1, begin(1, 60_000)))
        .with_index(IndexStep::Remove { index: index("things")?, sort: "2".into() });
    commit(&*records, gone).await?;
    records.maintain(fixture.now()).await?;
    Ok(())
}

/// What [`furnish`] made must be there.
async fn ensure_furnished(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.another();
    for (name, content) in [("thing:1", "2"), ("thing:2", "2")] {
        let loaded = records.load(&key(name)?).await?;
        ensure_eq!(
            loaded.as_ref().and_then(|record| record.content.clone()),
            Some(Bytes::from(content)),
            "the content"
        );
        ensure_eq!(loaded.map(|record| record.version.number), Some(2), "the version");
    }
    let page = records.list(&index("things")?, None, 10).await?;
    let entries: Vec<_> = page.entries.iter().map(|entry| (entry.sort.as_str(), entry.summary.as_str())).collect();
    ensure_eq!(entries, vec![("1", "uno")], "the index");
    let balances = records.balances(&[account("a")?, account("b")?]).await?;
    let balances: Vec<_> = balances.iter().map(|balance| (balance.posted_minor, balance.held_minor)).collect();
    ensure_eq!(balances, vec![(-700, 0), (700, 0)], "balances");
    let trial: Vec<_> = records.trial_balance().await?.iter().map(|line| (line.sum_minor, line.legs)).collect();
    ensure_eq!(trial, vec![(0, 3)], "the trial balance");
    let rows: Vec<_> = fixture.ledger().await?.iter().map(|row| (row.seq, row.number, row.posted_minor)).collect();
    ensure_eq!(rows, vec![(1, 1, -700), (2, 1, 700), (3, 2, 0)], "the journal");
    let first = records.once(&once_key("first")).await?;
    ensure!(
        matches!(&first, Some(OnceState::Done { answer, .. }) if answer.body == "answered"),
        "an answer: {first:?}"
    );
    let under_way = records.once(&once_key("under-way")).await?;
    ensure!(matches!(under_way, Some(OnceState::InFlight { .. })), "a request under way: {under_way:?}");
    let mut subjects: Vec<_> = fixture.events().await?.into_iter().map(|event| event.subject).collect();
    subjects.sort();
    subjects.dedup();
    ensure_eq!(subjects, vec!["thing_1".to_owned(), "thing_2".to_owned(), "thing_3".to_owned()], "events");
    ensure!(records.claim_timers(10, Duration::from_secs(1)).await?.is_empty(), "a timer is due that was cleared");
    Ok(())
}

async fn what_was_acknowledged_is_there_after_a_rebuild(fixture: &dyn Fixture) -> Result<(), Failure> {
    furnish(fixture).await?;
    fixture.lose().await?;
    ensure_eq!(fixture.rebuild().await?, Vec::<String>::new(), "problems");
    ensure_furnished(fixture).await
}

async fn commits_go_on_upon_a_rebuild(fixture: &dyn Fixture) -> Result<(), Failure> {
    furnish(fixture).await?;
    let before = fixture.records();
    fixture.lose().await?;
    // It may appear, as everything may that was neither acknowledged nor refused.
    let lost = before.commit(create(fixture, "thing:8")?).await;
    ensure!(matches!(lost, Err(RecordsError::RolledBack { .. })), "a commit upon a loss: {lost:?}");
    fixture.rebuild().await?;
    let present = before.load(&key("thing:1")?).await?.map(|record| record.version);
    // An instance of before goes on as well as a new one.
    let next = change(fixture, "thing:1", present, "3")?
        .with_event(event(9))
        .with_postings([leg("a", 5, 0)?, leg("b", -5, 0)?]);
    let committed = commit(&*before, next).await?;
    ensure_eq!(committed.version.number, 3, "the version");
    ensure!(committed.commit > 4, "commit numbers went back to {}", committed.commit);
    commit(&*fixture.another(), create(fixture, "thing:9")?).await?;
    before.maintain(fixture.now()).await?;
    let balances = before.balances(&[account("a")?]).await?;
    ensure_eq!(balances.first().map(|balance| balance.posted_minor), Some(-695), "the balance");
    let replayed = before.commit(create(fixture, "x")?.with_once(once("first", 1, finish(None, "again")))).await?;
    ensure!(matches!(&replayed, Outcome::Replay(answer) if answer.body == "answered"), "a repetition: {replayed:?}");
    Ok(())
}

async fn what_was_refused_does_not_come_back(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?.with_index(put("1", "one")?)).await?.version;
    // In vain: a second creation, a mismatch, and less than the floor.
    let second = records.commit(create(fixture, "thing:1")?.with_index(put("7", "seven")?)).await?;
    ensure!(matches!(second, Outcome::Conflict { .. }), "a second creation: {second:?}");
    commit(&*records, create(fixture, "thing:2")?.with_once(once("r", 1, finish(None, "{}")))).await?;
    let mismatch = change(fixture, "thing:1", Some(first), "bad")?.with_once(once("r", 2, finish(None, "{}")));
    ensure_eq!(records.commit(mismatch).await?, Outcome::Mismatch, "another request");
    let mut low = leg("a", -1, 0)?;
    low.floor_minor = Some(0);
    let poor =
        change(fixture, "thing:1", Some(first), "poor")?.with_postings([low, leg("b", 1, 0)?]).keeping_previous();
    let refused = records.commit(poor).await?;
    ensure!(matches!(refused, Outcome::Refused(_)), "below the floor: {refused:?}");
    records.maintain(fixture.now()).await?;
    fixture.lose().await?;
    ensure_eq!(fixture.rebuild().await?, Vec::<String>::new(), "problems");
    let loaded = fixture.another().load(&key("thing:1")?).await?;
    ensure_eq!(loaded.map(|record| record.version.number), Some(1), "the version");
    ensure_eq!(fixture.another().count(&index("things")?).await?, 1, "entries");
    ensure_eq!(fixture.ledger().await?.len(), 0, "legs");
    Ok(())
}

async fn what_replaced_bodies_entered_into_indexes_is_there_after_a_rebuild(
    fixture: &dyn Fixture,
) -> Result<(), Failure> {
    let records = fixture.records();
    let due = fixture.now().plus(Duration::from_secs(3600));
    let mut version = None;
    for (number, content) in ["1", "2", "3", "4"].into_iter().enumerate() {
        let mut step = change(fixture, "thing:1", version, content)?;
        if number == 0 {
            step = step.with_index(put("1", "one")?).with_index(put("2", "two")?);
            step = step.with_timer(TimerStep::Set { name: "expire", due });
        }
        if number == 1 {
            step = step.with_index(IndexStep::Remove { index: index("things")?, sort: "2".into() });
        }
        version = Some(commit(&*records, step).await?.version);
    }
    records.maintain(fixture.now()).await?;
    fixture.age_garbage().await?;
    fixture.sweep().await?;
    if let Some(bodies) = fixture.bodies().await? {
        ensure_eq!(bodies, 1, "bodies after a day");
    }
    fixture.lose().await?;
    ensure_eq!(fixture.rebuild().await?, Vec::<String>::new(), "problems");
    let page = fixture.another().list(&index("things")?, None, 10).await?;
    let entries: Vec<_> = page.entries.iter().map(|entry| (entry.sort.as_str(), entry.summary.as_str())).collect();
    ensure_eq!(entries, vec![("1", "one")], "the index");
    let loaded = fixture.another().load(&key("thing:1")?).await?;
    ensure_eq!(loaded.map(|record| record.version.number), Some(4), "the version");
    Ok(())
}

async fn what_was_erased_stays_erased(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?.with_index(put("1", "Ann")?)).await?.version;
    let second = commit(&*records, change(fixture, "thing:1", Some(first), "Ann")?.keeping_previous()).await?.version;
    let meta = crate::changes::meta(fixture.now());
    let gone = Change::new(key("thing:1")?, Some(second), Content::Tombstone, meta)
        .with_index(IndexStep::Remove { index: index("things")?, sort: "1".into() });
    commit(&*records, gone).await?;
    records.forget_history(&key("thing:1")?).await?;
    records.maintain(fixture.now()).await?;
    for days in 0..2 {
        if days > 0 {
            fixture.age_garbage().await?;
            fixture.sweep().await?;
        }
        fixture.lose().await?;
        ensure_eq!(fixture.rebuild().await?, Vec::<String>::new(), "problems");
        let loaded = fixture.another().load(&key("thing:1")?).await?;
        let loaded = loaded.map(|record| (record.version.number, record.content));
        ensure_eq!(loaded, Some((3, None)), "the tombstone");
        ensure_eq!(fixture.another().count(&index("things")?).await?, 0, "entries");
    }
    Ok(())
}

async fn a_store_that_fell_back_is_rolled_forward(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let early = create(fixture, "early")?.with_event(event(7)).with_postings([leg("c", -1, 0)?, leg("d", 1, 0)?]);
    commit(&*records, early).await?;
    fixture.save().await?;
    let later = create(fixture, "later")?.with_event(event(8)).with_postings([leg("c", -10, 0)?, leg("d", 10, 0)?]);
    commit(&*records, later).await?;
    records.maintain(fixture.now()).await?;
    fixture.fall_back().await?;
    let behind = fixture.another().maintain(fixture.now()).await;
    ensure!(matches!(behind, Err(RecordsError::RolledBack { .. })), "the upkeep: {behind:?}");
    ensure_eq!(fixture.rebuild().await?, Vec::<String>::new(), "problems");
    let records = fixture.another();
    for name in ["early", "later"] {
        ensure!(records.load(&key(name)?).await?.is_some(), "{name} is gone");
    }
    let balances = records.balances(&[account("c")?, account("d")?]).await?;
    let balances: Vec<_> = balances.iter().map(|balance| balance.posted_minor).collect();
    ensure_eq!(balances, vec![-11, 11], "balances");
    let subjects: Vec<_> = fixture.events().await?.into_iter().map(|event| event.subject).collect();
    ensure_eq!(subjects, vec!["thing_7".to_owned(), "thing_8".to_owned()], "events, none of them twice");
    ensure_eq!(fixture.ledger().await?.len(), 4, "legs");
    Ok(())
}

async fn a_retry_of_a_writer_that_died_is_told_from_it(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    fixture.inject(Some(Fault::CrashBefore));
    let died = records.commit(change(fixture, "thing:1", Some(first), "dead")?).await;
    ensure!(matches!(died, Err(RecordsError::Unavailable(_))), "a writer that died: {died:?}");
    fixture.inject(None);
    let second = commit(&*records, change(fixture, "thing:1", Some(first), "alive")?).await?.version;
    // Somebody built upon it: that tells which of the two it was.
    commit(&*records, change(fixture, "thing:1", Some(second), "third")?.keeping_previous()).await?;
    records.maintain(fixture.now()).await?;
    fixture.lose().await?;
    ensure_eq!(fixture.rebuild().await?, Vec::<String>::new(), "problems");
    let loaded = fixture.another().load(&key("thing:1")?).await?;
    let loaded = loaded.map(|record| (record.version.number, record.content));
    ensure_eq!(loaded, Some((3, Some(Bytes::from("third")))), "the state");
    Ok(())
}
