//! Upkeep: bodies that nobody will read again go after a day, what is current never does.

use crate::changes::{change, commit, create, key};
use crate::{Failure, Fixture, Moment};
use bytes::Bytes;
use records::{Outcome, Version};

table![
    bodies_that_were_replaced_or_lost_go_after_a_day,
    a_body_that_is_history_stays,
    a_body_that_became_history_while_its_answer_was_lost_stays,
    a_history_that_is_given_up_goes_after_a_day_and_no_other_does,
    what_is_current_is_never_deleted,
];

/// The number of bodies must be this, where the implementation keeps any.
async fn ensure_bodies(fixture: &dyn Fixture, wanted: usize, when: &str) -> Result<(), Failure> {
    if let Some(found) = fixture.bodies().await? {
        ensure!(found == wanted, "{found} bodies {when}, wanted {wanted}");
    }
    Ok(())
}

async fn bodies_that_were_replaced_or_lost_go_after_a_day(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let mut version = None;
    for content in ["1", "2", "3"] {
        version = Some(commit(&*records, change(fixture, "a", version, content)?).await?.version);
    }
    let lost = records.commit(create(fixture, "a")?).await?;
    ensure!(matches!(lost, Outcome::Conflict { .. }), "a second creation: {lost:?}");
    fixture.sweep().await?;
    ensure_bodies(fixture, 4, "before a day has passed").await?;
    fixture.age_garbage().await?;
    fixture.sweep().await?;
    ensure_bodies(fixture, 1, "after a day").await?;
    let content = fixture.another().load(&key("a")?).await?.and_then(|record| record.content);
    ensure_eq!(content, Some(Bytes::from("3")), "the content");
    Ok(())
}

async fn a_body_that_is_history_stays(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "a")?).await?.version;
    commit(&*records, change(fixture, "a", Some(first), "2")?.keeping_previous()).await?;
    fixture.age_garbage().await?;
    fixture.sweep().await?;
    ensure_bodies(fixture, 2, "after a day").await
}

async fn a_body_that_became_history_while_its_answer_was_lost_stays(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, create(fixture, "a")?).await?.version;
    let [second, third] = [2, 3].map(|number| Version { number, ..first });
    let upon_it = change(fixture, "a", Some(second), "3")?.keeping_previous();
    fixture.overtake(Moment::BeforeTheAnswer, upon_it);
    // Carried out; answer lost; the other commits upon it; asked again, it looks as if it had lost.
    let asked_again = records.commit(change(fixture, "a", Some(first), "2")?.keeping_previous()).await?;
    ensure_eq!(asked_again, Outcome::Conflict { found: Some(third) }, "the repetition");
    fixture.age_garbage().await?;
    fixture.sweep().await?;
    ensure_bodies(fixture, 3, "after a day").await?;
    let content = fixture.another().load(&key("a")?).await?.and_then(|record| record.content);
    ensure_eq!(content, Some(Bytes::from("3")), "the content");
    Ok(())
}

async fn a_history_that_is_given_up_goes_after_a_day_and_no_other_does(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    for name in ["a", "b"] {
        let mut version = commit(&*records, create(fixture, name)?).await?.version;
        for content in ["2", "3", "4"] {
            version =
                commit(&*records, change(fixture, name, Some(version), content)?.keeping_previous()).await?.version;
        }
        // The last one keeps nothing itself: what it replaces is garbage anyway.
        commit(&*records, change(fixture, name, Some(version), "bare")?).await?;
    }
    for _ in 0..2 {
        fixture.another().forget_history(&key("a")?).await?;
        ensure_bodies(fixture, 10, "before a day has passed").await?;
    }
    ensure_eq!(records.forget_history(&key("nobody")?).await?, 0, "the history of nothing");
    fixture.age_garbage().await?;
    fixture.sweep().await?;
    // Of `a` what is current; of `b` that, and the three that were kept.
    ensure_bodies(fixture, 5, "after a day").await?;
    fixture.another().forget_history(&key("a")?).await?;
    for name in ["a", "b"] {
        let content = fixture.another().load(&key(name)?).await?.and_then(|record| record.content);
        ensure_eq!(content, Some(Bytes::from("bare")), "the content");
    }
    Ok(())
}

async fn what_is_current_is_never_deleted(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    for number in 0..70 {
        let first = commit(&*records, create(fixture, &format!("t{number}"))?).await?.version;
        commit(&*records, change(fixture, &format!("t{number}"), Some(first), "2")?).await?;
    }
    fixture.age_garbage().await?;
    // More than one pulse takes.
    for _ in 0..3 {
        fixture.sweep().await?;
    }
    ensure_bodies(fixture, 70, "after three pulses").await?;
    for number in 0..70 {
        let content = fixture.another().load(&key(&format!("t{number}"))?).await?.and_then(|record| record.content);
        ensure_eq!(content, Some(Bytes::from("2")), "the content");
    }
    Ok(())
}
