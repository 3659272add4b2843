//! Answers that are lost, writers that die or sleep, and a store that comes back with less than it acknowledged.

use crate::changes::{change, commit, create, event, finish, key, once, once_key};
use crate::{Failure, Fault, Fixture, Moment};
use core::time::Duration;
use records::{Committed, Outcome, RecordsError, Refusal, Version};

table![
    a_lost_answer_is_a_commit_all_the_same,
    answers_lost_for_good_end_in_a_replay,
    answers_lost_for_good_end_in_a_conflict_with_the_derived_id,
    a_writer_that_died_before_the_script_changed_nothing,
    a_writer_that_was_overtaken_while_it_slept_changes_nothing,
    a_writer_that_slept_too_long_is_refused,
    upkeep_of_nothing_is_nothing,
    an_empty_store_is_a_loss_and_never_a_first_start,
    a_loss_is_seen_before_the_first_pulse_too,
    a_store_that_fell_back_stops_commits,
    an_instance_sees_by_itself_that_the_store_fell_back,
    instances_that_start_together_make_the_data_once,
];

async fn a_lost_answer_is_a_commit_all_the_same(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    fixture.inject(Some(Fault::LoseOneAnswer));
    let row = once("r", 1, finish(None, "{}"));
    let committed =
        commit(&*records, change(fixture, "thing:1", Some(first), "2")?.with_event(event(1)).with_once(row)).await?;
    fixture.inject(None);
    ensure_eq!(committed, Committed { version: Version { epoch: 1, number: 2 }, commit: 2 }, "the answer");
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    let loaded = fixture.another().load(&key("thing:1")?).await?.map(|record| record.version);
    ensure_eq!(loaded, Some(committed.version), "the version");
    Ok(())
}

async fn answers_lost_for_good_end_in_a_replay(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    let request = || -> Result<_, Failure> {
        let row = once("r", 1, finish(None, "answered"));
        Ok(change(fixture, "thing:1", Some(first), "2")?.with_event(event(1)).with_once(row))
    };
    fixture.inject(Some(Fault::LoseAnswers));
    let lost = records.commit(request()?).await;
    ensure!(matches!(lost, Err(RecordsError::Unavailable(_))), "the lost answer was {lost:?}");
    fixture.inject(None);
    for instance in [records, fixture.another()] {
        let outcome = instance.commit(request()?).await?;
        ensure!(
            matches!(&outcome, Outcome::Replay(answer) if answer.body == "answered"),
            "the second try: {outcome:?}"
        );
    }
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    Ok(())
}

async fn answers_lost_for_good_end_in_a_conflict_with_the_derived_id(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, create(fixture, "thing:0")?).await?;
    fixture.inject(Some(Fault::LoseAnswers));
    let lost = records.commit(create(fixture, "thing:1")?.with_event(event(1))).await;
    ensure!(matches!(lost, Err(RecordsError::Unavailable(_))), "the lost answer was {lost:?}");
    fixture.inject(None);
    let found = Some(Version { epoch: 1, number: 1 });
    let again = records.commit(create(fixture, "thing:1")?.with_event(event(1))).await?;
    ensure_eq!(again, Outcome::Conflict { found }, "the second try");
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    Ok(())
}

async fn a_writer_that_died_before_the_script_changed_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    for fault in [Fault::CrashBeforeBody, Fault::CrashBefore] {
        fixture.inject(Some(fault));
        let died = records.commit(create(fixture, "thing:1")?.with_event(event(1))).await;
        ensure!(matches!(died, Err(RecordsError::Unavailable(_))), "after {fault:?} the writer was told {died:?}");
        fixture.inject(None);
    }
    ensure_eq!(records.load(&key("thing:1")?).await?, None, "the record");
    ensure_eq!(fixture.events().await?.len(), 0, "events");
    let committed = commit(&*fixture.another(), create(fixture, "thing:1")?.with_event(event(1))).await?;
    ensure_eq!(committed.commit, 1, "the commit number of the next try");
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    Ok(())
}

async fn a_writer_that_was_overtaken_while_it_slept_changes_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    fixture.overtake(Moment::BeforeTheStep, change(fixture, "thing:1", Some(first), "faster")?.with_event(event(1)));
    let row = once("r", 1, finish(None, "late"));
    let slept = change(fixture, "thing:1", Some(first), "late")?.with_event(event(2)).with_once(row);
    let found = Some(Version { number: 2, ..first });
    ensure_eq!(records.commit(slept).await?, Outcome::Conflict { found }, "the sleeper");
    let content = fixture.another().load(&key("thing:1")?).await?.and_then(|record| record.content);
    ensure_eq!(content, Some("faster".into()), "the content");
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    ensure_eq!(records.once(&once_key("r")).await?, None, "the once-row");
    Ok(())
}

async fn a_writer_that_slept_too_long_is_refused(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    fixture.inject(Some(Fault::Pause(Duration::from_secs(3700))));
    let slept = records.commit(change(fixture, "thing:1", Some(first), "late")?.with_event(event(1))).await?;
    fixture.inject(None);
    ensure_eq!(slept, Outcome::Refused(Refusal::Stale), "the sleeper");
    ensure_eq!(records.load(&key("thing:1")?).await?.map(|record| record.version), Some(first), "the version");
    ensure_eq!(fixture.events().await?.len(), 0, "events");
    fixture.inject(Some(Fault::Pause(Duration::from_secs(1800))));
    let slow = records.commit(change(fixture, "thing:1", Some(first), "slow")?).await?;
    fixture.inject(None);
    ensure!(matches!(slow, Outcome::Committed(_)), "half an hour is not too long: {slow:?}");
    Ok(())
}

async fn upkeep_of_nothing_is_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    records.maintain(fixture.now()).await?;
    records.maintain(fixture.now()).await?;
    ensure_eq!(commit(&*fixture.another(), create(fixture, "thing:1")?).await?.commit, 1, "the first commit");
    Ok(records.maintain(fixture.now()).await?)
}

async fn an_empty_store_is_a_loss_and_never_a_first_start(fixture: &dyn Fixture) -> Result<(), Failure> {
    for number in 0..3 {
        commit(&*fixture.records(), create(fixture, &format!("thing:{number}"))?).await?;
    }
    fixture.records().maintain(fixture.now()).await?;
    fixture.lose().await?;
    let lost = RecordsError::RolledBack { found: 0, acknowledged: 3 };
    let instance = fixture.another();
    for _ in 0..2 {
        ensure_eq!(instance.commit(create(fixture, "thing:9")?).await, Err(lost.clone()), "a commit");
        ensure_eq!(instance.load(&key("thing:1")?).await, Err(lost.clone()), "a load");
        ensure_eq!(instance.maintain(fixture.now()).await, Err(lost.clone()), "the upkeep");
    }
    Ok(())
}

async fn a_loss_is_seen_before_the_first_pulse_too(fixture: &dyn Fixture) -> Result<(), Failure> {
    commit(&*fixture.records(), create(fixture, "thing:1")?).await?;
    fixture.lose().await?;
    for instance in [fixture.another(), fixture.records()] {
        let outcome = instance.commit(create(fixture, "thing:2")?).await;
        ensure!(matches!(outcome, Err(RecordsError::RolledBack { found: 0, .. })), "a commit: {outcome:?}");
        let loaded = instance.load(&key("thing:1")?).await;
        ensure!(matches!(loaded, Err(RecordsError::RolledBack { found: 0, .. })), "a load: {loaded:?}");
    }
    Ok(())
}

async fn a_store_that_fell_back_stops_commits(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    fixture.save().await?;
    commit(&*records, change(fixture, "thing:1", Some(first), "lost")?).await?;
    records.maintain(fixture.now()).await?;
    fixture.fall_back().await?;
    let other = fixture.another();
    let behind = RecordsError::RolledBack { found: 1, acknowledged: 2 };
    ensure_eq!(other.maintain(fixture.now()).await, Err(behind.clone()), "the upkeep");
    for _ in 0..2 {
        ensure_eq!(other.commit(create(fixture, "thing:2")?).await, Err(behind.clone()), "a commit");
        ensure_eq!(other.claim_timers(1, Duration::from_secs(1)).await, Err(behind.clone()), "a claim");
    }
    let read = other.load(&key("thing:1")?).await?.map(|record| record.version);
    ensure_eq!(read, Some(first), "what is there can be read");
    Ok(())
}

async fn an_instance_sees_by_itself_that_the_store_fell_back(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "thing:1")?).await?.version;
    fixture.save().await?;
    commit(&*records, change(fixture, "thing:1", Some(first), "lost")?).await?;
    fixture.fall_back().await?;
    let behind = RecordsError::RolledBack { found: 1, acknowledged: 2 };
    for instance in [records, fixture.another()] {
        ensure_eq!(instance.commit(create(fixture, "thing:2")?).await, Err(behind.clone()), "a commit");
    }
    Ok(())
}

async fn instances_that_start_together_make_the_data_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    let instances: Vec<_> = (0..8).map(|_| fixture.another()).collect();
    let mut starts = Vec::new();
    for (number, instance) in instances.iter().enumerate() {
        let first = create(fixture, &format!("thing:{number}"))?;
        starts.push(async move { commit(&**instance, first).await });
    }
    let mut numbers = Vec::new();
    for committed in futures::future::join_all(starts).await {
        numbers.push(committed?.commit);
    }
    numbers.sort_unstable();
    ensure_eq!(numbers, (1..=8).collect::<Vec<u64>>(), "commit numbers");
    fixture.records().maintain(fixture.now()).await?;
    Ok(())
}
