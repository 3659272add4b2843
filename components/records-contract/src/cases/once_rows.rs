//! Once-rows: every way from nothing to an answer.

use crate::changes::{begin, change, commit, create, event, finish, once, once_key};
use crate::{Failure, Fixture};
use core::time::Duration;
use records::{Answer, Change, OnceState, OnceStep, Outcome, Records, Version};

/// A lease that ends within a case.
const SHORT_MS: u32 = 60;
/// A lease that does not.
const LONG_MS: u32 = 60_000;
/// Longer than the short one.
const LATER: Duration = Duration::from_millis(90);

table![
    a_finished_request_is_replayed_and_does_nothing,
    another_request_under_the_same_key_is_a_mismatch,
    a_twin_is_told_to_wait,
    the_same_attempt_goes_on,
    an_attempt_may_renew_its_lease,
    an_attempt_whose_lease_ended_is_fenced_off,
    an_attempt_goes_on_after_its_lease_where_nobody_took_over,
    a_single_step_takes_over_a_row_whose_lease_ended,
    of_twin_requests_exactly_one_is_carried_out,
    a_look_up_shows_what_the_row_holds,
    keys_of_others_are_other_rows,
];

/// A change of a record of its own with a once-row, so that nothing but the row can refuse it.
fn request(fixture: &dyn Fixture, name: &str, asked: u8, step: OnceStep) -> Result<Change, Failure> {
    Ok(create(fixture, name)?.with_event(event(1)).with_once(once("r", asked, step)))
}

/// How an outcome is called in a comparison.
async fn outcome(records: &dyn Records, change: Change) -> Result<&'static str, Failure> {
    Ok(match records.commit(change).await? {
        Outcome::Committed(_) => "committed",
        Outcome::Conflict { .. } => "conflict",
        Outcome::Replay(_) => "replay",
        Outcome::Mismatch => "mismatch",
        Outcome::InFlight { .. } => "in flight",
        Outcome::Refused(_) => "refused",
    })
}

async fn a_finished_request_is_replayed_and_does_nothing(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let body = "{\"id\": \"pay_1\",\n \"ü\": 1.50}";
    commit(&*records, request(fixture, "a", 1, finish(None, body))?).await?;
    let answer = Answer { status: 201, body: body.to_owned() };
    // The same record again would be a conflict, another record would be a second effect: the row comes first.
    for name in ["a", "b"] {
        let again = fixture.another().commit(request(fixture, name, 1, finish(None, "other"))?).await?;
        ensure_eq!(again, Outcome::Replay(answer.clone()), "the second request");
    }
    ensure_eq!(outcome(&*records, request(fixture, "b", 1, begin(9, LONG_MS))?).await?, "replay", "a late beginning");
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    Ok(())
}

async fn another_request_under_the_same_key_is_a_mismatch(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, request(fixture, "a", 1, begin(1, SHORT_MS))?).await?;
    ensure_eq!(outcome(&*records, request(fixture, "b", 2, begin(2, LONG_MS))?).await?, "mismatch", "while under way");
    fixture.pass(LATER).await;
    ensure_eq!(outcome(&*records, request(fixture, "b", 2, begin(2, LONG_MS))?).await?, "mismatch", "after the lease");
    commit(&*records, request(fixture, "c", 1, finish(Some(1), "{}"))?).await?;
    ensure_eq!(outcome(&*records, request(fixture, "b", 2, finish(None, "{}"))?).await?, "mismatch", "after the end");
    ensure_eq!(fixture.events().await?.len(), 2, "events");
    Ok(())
}

async fn a_twin_is_told_to_wait(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, request(fixture, "a", 1, begin(1, LONG_MS))?).await?;
    for step in [begin(2, LONG_MS), finish(None, "{}"), finish(Some(2), "{}")] {
        match fixture.another().commit(request(fixture, "b", 1, step)?).await? {
            Outcome::InFlight { retry_after_ms } => {
                ensure!((1..=u64::from(LONG_MS)).contains(&retry_after_ms), "wait {retry_after_ms} ms");
            }
            other => return Err(Failure(format!("the twin was told {other:?}"))),
        }
    }
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    Ok(())
}

async fn the_same_attempt_goes_on(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    let first = commit(&*records, request(fixture, "a", 1, begin(1, LONG_MS))?).await?.version;
    let end = change(fixture, "a", Some(first), "done")?.with_once(once("r", 1, finish(Some(1), "{}")));
    commit(&*records, end).await?;
    ensure_eq!(outcome(&*records, request(fixture, "b", 1, begin(2, LONG_MS))?).await?, "replay", "a twin afterwards");
    Ok(())
}

async fn an_attempt_may_renew_its_lease(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, request(fixture, "a", 1, begin(1, SHORT_MS))?).await?;
    commit(&*records, request(fixture, "b", 1, begin(1, LONG_MS))?).await?;
    fixture.pass(LATER).await;
    ensure_eq!(outcome(&*records, request(fixture, "c", 1, begin(2, LONG_MS))?).await?, "in flight", "a twin");
    Ok(())
}

async fn an_attempt_whose_lease_ended_is_fenced_off(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, request(fixture, "a", 1, begin(1, SHORT_MS))?).await?;
    fixture.pass(LATER).await;
    commit(&*records, request(fixture, "b", 1, begin(2, LONG_MS))?).await?;
    ensure_eq!(
        outcome(&*records, request(fixture, "c", 1, finish(Some(1), "slow"))?).await?,
        "in flight",
        "the slow one"
    );
    commit(&*records, request(fixture, "d", 1, finish(Some(2), "quick"))?).await?;
    match records.commit(request(fixture, "c", 1, finish(Some(1), "slow"))?).await? {
        Outcome::Replay(answer) => ensure_eq!(answer.body, "quick", "the answer"),
        other => return Err(Failure(format!("the slow one was told {other:?}"))),
    }
    ensure_eq!(fixture.events().await?.len(), 3, "events");
    Ok(())
}

async fn an_attempt_goes_on_after_its_lease_where_nobody_took_over(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, request(fixture, "a", 1, begin(1, SHORT_MS))?).await?;
    fixture.pass(LATER).await;
    commit(&*records, request(fixture, "b", 1, finish(Some(1), "{}"))?).await?;
    Ok(())
}

async fn a_single_step_takes_over_a_row_whose_lease_ended(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, request(fixture, "a", 1, begin(1, SHORT_MS))?).await?;
    fixture.pass(LATER).await;
    commit(&*records, request(fixture, "b", 1, finish(None, "{}"))?).await?;
    ensure_eq!(outcome(&*records, request(fixture, "c", 1, finish(Some(1), "{}"))?).await?, "replay", "the first one");
    Ok(())
}

async fn of_twin_requests_exactly_one_is_carried_out(fixture: &dyn Fixture) -> Result<(), Failure> {
    // The data exists before the race, so that only the row decides.
    commit(&*fixture.records(), create(fixture, "first")?).await?;
    let instances = [fixture.records(), fixture.another(), fixture.another()];
    let mut twins = Vec::new();
    for (number, instance) in instances.iter().cycle().take(12).enumerate() {
        let twin = request(fixture, &format!("t{number}"), 1, finish(None, &number.to_string()))?;
        twins.push(async move { instance.commit(twin).await });
    }
    let (mut committed, mut replayed) = (0, Vec::new());
    for outcome in futures::future::join_all(twins).await {
        match outcome? {
            Outcome::Committed(_) => committed += 1,
            Outcome::Replay(answer) => replayed.push(answer.body),
            other => return Err(Failure(format!("a twin was told {other:?}"))),
        }
    }
    ensure_eq!((committed, replayed.len()), (1, 11), "committed and replayed");
    ensure!(replayed.windows(2).all(|pair| pair.first() == pair.last()), "two answers: {replayed:?}");
    ensure_eq!(fixture.events().await?.len(), 1, "events");
    Ok(())
}

async fn a_look_up_shows_what_the_row_holds(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    ensure_eq!(records.once(&once_key("r")).await?, None, "no row");
    commit(&*records, request(fixture, "a", 1, begin(1, LONG_MS))?).await?;
    match fixture.another().once(&once_key("r")).await? {
        Some(OnceState::InFlight { fingerprint, until }) => {
            ensure_eq!(fingerprint.0, [1; 32], "the fingerprint");
            let left = until.since(fixture.now());
            // Two clocks of one machine, and the time of the call.
            ensure!(
                left <= Duration::from_millis(u64::from(LONG_MS) + 50) && left > Duration::from_secs(50),
                "lease {left:?}"
            );
        }
        other => return Err(Failure(format!("the row holds {other:?}"))),
    }
    commit(&*records, request(fixture, "b", 1, finish(Some(1), "end"))?).await?;
    match records.once(&once_key("r")).await? {
        Some(OnceState::Done { answer, .. }) => {
            ensure_eq!(answer, Answer { status: 201, body: "end".into() }, "the answer")
        }
        other => return Err(Failure(format!("the row holds {other:?}"))),
    }
    Ok(())
}

async fn keys_of_others_are_other_rows(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    commit(&*records, request(fixture, "a", 1, finish(None, "{}"))?).await?;
    let mut foreign = once("r", 2, finish(None, "{}"));
    foreign.key.who = "usr_2".into();
    let mut kind = once("r", 2, finish(None, "{}"));
    kind.key.kind = "event";
    for (name, row) in [("b", foreign), ("c", kind), ("d", once("R", 2, finish(None, "{}")))] {
        let committed = commit(&*records, create(fixture, name)?.with_once(row)).await?;
        ensure_eq!(committed.version, Version { epoch: 1, number: 1 }, "the version");
    }
    Ok(())
}
