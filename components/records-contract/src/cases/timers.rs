//! Timers: due, leased, finished by the holder alone.

use crate::changes::{change, commit, create, key};
use crate::{Failure, Fixture};
use core::time::Duration;
use records::{DueTimer, Records, TimerStep};

/// A lease that ends within a case.
const SHORT: Duration = Duration::from_millis(60);
/// Longer than the short one.
const LATER: Duration = Duration::from_millis(90);
/// A lease that does not end within a case.
const LONG: Duration = Duration::from_secs(60);

table![
    what_is_due_comes_in_order_and_what_is_not_stays,
    a_lease_hides_a_timer_until_it_ends,
    only_the_holder_of_the_lease_finishes,
    a_timer_set_again_outlives_the_lease,
    a_timer_set_to_the_end_of_the_lease_is_not_the_lease,
    a_cleared_timer_is_gone,
    of_two_workers_each_timer_goes_to_one,
];

/// Creates a record with a timer that is due so long from now.
async fn set(fixture: &dyn Fixture, name: &str, timer: &'static str, in_ms: i64) -> Result<(), Failure> {
    let due = ambient::Timestamp::from_unix_ms(fixture.now().unix_ms() + in_ms);
    commit(&*fixture.records(), create(fixture, name)?.with_timer(TimerStep::Set { name: timer, due })).await.map(drop)
}

async fn claim(records: &dyn Records, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, Failure> {
    Ok(records.claim_timers(limit, lease).await?)
}

fn shown(timers: &[DueTimer]) -> Vec<(&str, &str)> {
    timers.iter().map(|timer| (timer.name.as_str(), timer.key.as_str())).collect()
}

fn only(timers: Vec<DueTimer>) -> Result<DueTimer, Failure> {
    let found = timers.len();
    timers.into_iter().next().filter(|_| found == 1).ok_or_else(|| Failure(format!("there are {found} timers due")))
}

async fn what_is_due_comes_in_order_and_what_is_not_stays(fixture: &dyn Fixture) -> Result<(), Failure> {
    set(fixture, "second", "settle", -2000).await?;
    set(fixture, "future", "expire", 60_000).await?;
    set(fixture, "first", "expire", -3000).await?;
    set(fixture, "third", "settle", -1000).await?;
    let records = fixture.records();
    ensure_eq!(shown(&claim(&*records, 2, LONG).await?), [("expire", "first"), ("settle", "second")], "the first two");
    ensure_eq!(shown(&claim(&*records, 2, LONG).await?), [("settle", "third")], "the rest");
    ensure_eq!(claim(&*records, 2, LONG).await?, [], "nothing more");
    Ok(())
}

async fn a_lease_hides_a_timer_until_it_ends(fixture: &dyn Fixture) -> Result<(), Failure> {
    set(fixture, "a", "settle", -1).await?;
    let leased = only(claim(&*fixture.records(), 9, SHORT).await?)?;
    ensure_eq!(claim(&*fixture.another(), 9, SHORT).await?, [], "while the lease runs");
    fixture.pass(LATER).await;
    let again = only(claim(&*fixture.another(), 9, SHORT).await?)?;
    ensure!(again.leased_until > leased.leased_until, "the second lease ends before the first");
    Ok(())
}

async fn only_the_holder_of_the_lease_finishes(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    set(fixture, "a", "settle", -1).await?;
    let slow = only(claim(&*records, 9, SHORT).await?)?;
    fixture.pass(LATER).await;
    let quick = only(claim(&*records, 9, SHORT).await?)?;
    records.finish_timer(&slow).await?;
    fixture.pass(LATER).await;
    let third = only(claim(&*records, 9, LONG).await?)?;
    records.finish_timer(&quick).await?;
    records.finish_timer(&third).await?;
    records.finish_timer(&third).await?;
    fixture.pass(LATER).await;
    ensure_eq!(claim(&*records, 9, LONG).await?, [], "after the end");
    Ok(())
}

async fn a_timer_set_again_outlives_the_lease(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    set(fixture, "a", "settle", -1).await?;
    let leased = only(claim(&*records, 9, LONG).await?)?;
    let version = records.load(&key("a")?).await?.map(|record| record.version);
    let due = ambient::Timestamp::from_unix_ms(fixture.now().unix_ms() - 1);
    commit(&*records, change(fixture, "a", version, "{}")?.with_timer(TimerStep::Set { name: "settle", due })).await?;
    records.finish_timer(&leased).await?;
    only(claim(&*records, 9, LONG).await?).map(drop)
}

async fn a_timer_set_to_the_end_of_the_lease_is_not_the_lease(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    set(fixture, "a", "settle", -1).await?;
    let leased = only(claim(&*records, 9, SHORT).await?)?;
    let version = records.load(&key("a")?).await?.map(|record| record.version);
    let step = TimerStep::Set { name: "settle", due: leased.leased_until };
    commit(&*records, change(fixture, "a", version, "{}")?.with_timer(step)).await?;
    records.finish_timer(&leased).await?;
    fixture.pass(LATER).await;
    only(claim(&*records, 9, LONG).await?).map(drop)
}

async fn a_cleared_timer_is_gone(fixture: &dyn Fixture) -> Result<(), Failure> {
    let records = fixture.records();
    set(fixture, "a", "settle", -1).await?;
    let version = records.load(&key("a")?).await?.map(|record| record.version);
    let steps = change(fixture, "a", version, "{}")?.with_timer(TimerStep::Clear { name: "settle" });
    commit(&*records, steps.with_timer(TimerStep::Clear { name: "expire" })).await?;
    ensure_eq!(claim(&*records, 9, LONG).await?, [], "timers");
    Ok(())
}

async fn of_two_workers_each_timer_goes_to_one(fixture: &dyn Fixture) -> Result<(), Failure> {
    for number in 0..10 {
        set(fixture, &format!("t{number}"), "settle", -1).await?;
    }
    let (one, other) = (fixture.records(), fixture.another());
    let (first, second) = futures::join!(claim(&*one, 7, LONG), claim(&*other, 7, LONG));
    let mut names: Vec<_> = first?.into_iter().chain(second?).map(|timer| timer.key.to_string()).collect();
    names.sort();
    names.dedup();
    ensure_eq!(names.len(), 10, "timers that went to somebody");
    Ok(())
}
