//! The cases, each a sentence that every implementation must make true.

use crate::{Failure, Fixture};
use core::pin::Pin;
use core::time::Duration;
use futures::future::join_all;
use limiter::{Demand, Limiter, Quota, Standing, Verdict};

type Case = for<'a> fn(&'a dyn Fixture) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(crate) const ALL: &[(&str, Case)] = &[$((stringify!($name), |fixture| Box::pin($name(fixture)))),*];
    };
}

cases! {
    a_bucket_gives_what_it_holds_and_then_says_when_to_come_back,
    a_unit_is_there_again_when_its_time_has_passed,
    buckets_of_different_policies_and_subjects_are_apart,
    all_buckets_give_or_none,
    the_longest_wait_is_named,
    a_larger_wish_is_granted_as_far_as_there_is,
    what_is_returned_is_there_again_and_never_more_than_the_bucket_holds,
    without_a_demand_nothing_is_limited,
    of_many_at_once_as_many_pass_as_there_are_units,
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure(what())) }
}

fn demand(policy: &str, subject: &str, units: u32, window_s: u32) -> Result<Demand, Failure> {
    let quota = Quota::new(units, window_s).ok_or_else(|| Failure("no quota".to_owned()))?;
    Ok(Demand::one(policy, subject, quota))
}

async fn decide(limiter: &dyn Limiter, demands: &[Demand]) -> Result<Verdict, Failure> {
    Ok(limiter.decide(demands).await?)
}

/// Takes one unit and answers what is left.
async fn granted(limiter: &dyn Limiter, demand: &Demand) -> Result<Standing, Failure> {
    match decide(limiter, core::slice::from_ref(demand)).await? {
        Verdict::Granted(standings) => standings.first().copied().ok_or_else(|| Failure("no standing".to_owned())),
        refused => Err(Failure(format!("{} was refused: {refused:?}", demand.policy))),
    }
}

async fn refused(limiter: &dyn Limiter, demand: &Demand) -> Result<Duration, Failure> {
    match decide(limiter, core::slice::from_ref(demand)).await? {
        Verdict::Refused { retry_after, by: 0, .. } => Ok(retry_after),
        other => Err(Failure(format!("{} was not refused: {other:?}", demand.policy))),
    }
}

async fn a_bucket_gives_what_it_holds_and_then_says_when_to_come_back(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (limiter, demand) = (fixture.limiter(), demand("holds", "a", 5, 5_000)?);
    for left in (0..5).rev() {
        let standing = granted(&*limiter, &demand).await?;
        ensure((standing.taken, standing.remaining) == (1, left), || format!("{left} should be left: {standing:?}"))?;
        let full_in_s = 1_000 * u64::from(5 - left);
        let full_in = standing.full_in.as_secs();
        ensure((full_in_s - 100..=full_in_s).contains(&full_in), || format!("full in {full_in} s, not {full_in_s}"))?;
    }
    let wait = refused(&*limiter, &demand).await?.as_secs();
    ensure((900..=1_000).contains(&wait), || format!("one unit flows in within 1000 s, not {wait}"))
}

async fn a_unit_is_there_again_when_its_time_has_passed(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (limiter, demand) = (fixture.limiter(), demand("again", "a", 2, 2)?);
    for _ in 0..2 {
        granted(&*limiter, &demand).await?;
    }
    fixture.pass(Duration::from_millis(1_100)).await;
    granted(&*limiter, &demand).await?;
    fixture.pass(Duration::from_millis(2_100)).await;
    let standing = granted(&*limiter, &demand).await?;
    ensure(standing.remaining == 1, || format!("it was full again before: {standing:?}"))
}

async fn buckets_of_different_policies_and_subjects_are_apart(fixture: &dyn Fixture) -> Result<(), Failure> {
    let limiter = fixture.limiter();
    for (policy, subject) in [("apart", "a"), ("apart", "b"), ("apart-too", "a"), ("apar", "ta")] {
        granted(&*limiter, &demand(policy, subject, 1, 5_000)?).await?;
    }
    refused(&*limiter, &demand("apart", "a", 1, 5_000)?).await.map(drop)
}

async fn all_buckets_give_or_none(fixture: &dyn Fixture) -> Result<(), Failure> {
    let limiter = fixture.limiter();
    let (full, empty) = (demand("all", "full", 3, 5_000)?, demand("all", "empty", 1, 5_000)?);
    granted(&*limiter, &empty).await?;
    for _ in 0..3 {
        let verdict = decide(&*limiter, &[full.clone(), empty.clone()]).await?;
        ensure(matches!(&verdict, Verdict::Refused { by: 1, standings, .. } if standings.len() == 2), || {
            format!("the second bucket is empty: {verdict:?}")
        })?;
    }
    let standing = granted(&*limiter, &full).await?;
    ensure(standing.remaining == 2, || format!("refused requests cost nothing: {standing:?}"))
}

async fn the_longest_wait_is_named(fixture: &dyn Fixture) -> Result<(), Failure> {
    let limiter = fixture.limiter();
    let demands = [demand("longest", "a", 1, 100)?, demand("longest", "b", 1, 9_000)?, demand("longest", "c", 1, 500)?];
    decide(&*limiter, &demands).await?;
    match decide(&*limiter, &demands).await? {
        Verdict::Refused { by: 1, retry_after, .. } if retry_after.as_secs() > 8_000 => Ok(()),
        other => Err(Failure(format!("the second waits longest: {other:?}"))),
    }
}

async fn a_larger_wish_is_granted_as_far_as_there_is(fixture: &dyn Fixture) -> Result<(), Failure> {
    let limiter = fixture.limiter();
    let wish = Demand { wanted: 4, ..demand("wish", "a", 6, 6_000)? };
    let first = granted(&*limiter, &wish).await?;
    let second = granted(&*limiter, &wish).await?;
    ensure((first.taken, first.remaining, second.taken, second.remaining) == (4, 2, 2, 0), || {
        format!("four, then the two that are left: {first:?}, {second:?}")
    })
}

async fn what_is_returned_is_there_again_and_never_more_than_the_bucket_holds(
    fixture: &dyn Fixture,
) -> Result<(), Failure> {
    let limiter = fixture.limiter();
    let one = demand("returned", "a", 5, 5_000)?;
    granted(&*limiter, &Demand { wanted: 5, ..one.clone() }).await?;
    refused(&*limiter, &one).await?;
    let standing = granted(&*limiter, &Demand { returned: 3, ..one.clone() }).await?;
    ensure(standing.remaining == 2, || format!("three came back, one went: {standing:?}"))?;
    let standing = granted(&*limiter, &Demand { returned: 4_000_000_000, ..one }).await?;
    ensure(standing.remaining == 4, || format!("a bucket holds five: {standing:?}"))
}

async fn without_a_demand_nothing_is_limited(fixture: &dyn Fixture) -> Result<(), Failure> {
    let verdict = decide(&*fixture.limiter(), &[]).await?;
    ensure(verdict == Verdict::Granted(Vec::new()), || format!("{verdict:?}"))
}

async fn of_many_at_once_as_many_pass_as_there_are_units(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (limiter, demand) = (fixture.limiter(), demand("many", "a", 20, 20_000)?);
    let verdicts = join_all((0..64).map(|_| decide(&*limiter, core::slice::from_ref(&demand)))).await;
    let mut passed = 0;
    for verdict in verdicts {
        passed += u32::from(matches!(verdict?, Verdict::Granted(_)));
    }
    ensure(passed == 20, || format!("{passed} of 64 passed a bucket of 20"))
}
