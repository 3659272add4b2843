//! Leases over a bucket whose calls are counted.

use super::*;
use crate::{Bucket, Quota, Taken};
use ambient::FixedClock;

/// One bucket on the same clock, and what was asked of it each time: units wanted and units returned.
struct Counted {
    clock: FixedClock,
    bucket: Mutex<(Bucket, Vec<(u32, u32)>)>,
}

#[async_trait]
impl Limiter for Counted {
    async fn decide(&self, demands: &[Demand]) -> Result<Verdict, LimiterError> {
        let now_us = self.clock.now().unix_ms() * 1000;
        let mut kept = self.bucket.lock().unwrap();
        let [demand] = demands else { return Err(LimiterError("one demand only".to_owned())) };
        kept.1.push((demand.wanted, demand.returned));
        let bucket = kept.0.with_returned(demand.quota, demand.returned, now_us);
        let (bucket, taken) = bucket.take(demand.quota, demand.wanted, now_us);
        kept.0 = bucket;
        let standing = |taken| Standing {
            taken,
            remaining: bucket.remaining(demand.quota, now_us),
            full_in: bucket.full_in(now_us),
        };
        Ok(match taken {
            Taken::Units(units) => Verdict::Granted(vec![standing(units)]),
            Taken::Wait(retry_after) => Verdict::Refused { standings: vec![standing(0)], by: 0, retry_after },
        })
    }
}

struct Setup {
    clock: FixedClock,
    behind: Arc<Counted>,
    leasing: Leasing,
    demand: Demand,
}

impl Setup {
    fn new(units: u32, window_s: u32) -> Self {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let behind = Arc::new(Counted { clock: clock.clone(), bucket: Mutex::default() });
        let leasing = Leasing::new(behind.clone(), Arc::new(clock.clone()));
        let demand = Demand::one("read.user", "usr_1", Quota::new(units, window_s).unwrap());
        Self { clock, behind, leasing, demand }
    }

    async fn ask(&self) -> Verdict {
        self.leasing.decide(std::slice::from_ref(&self.demand)).await.unwrap()
    }

    fn calls(&self) -> Vec<(u32, u32)> {
        self.behind.bucket.lock().unwrap().1.clone()
    }
}

#[tokio::test]
async fn who_comes_once_takes_one_unit_and_who_comes_again_a_lease() {
    let setup = Setup::new(100, 60);
    for _ in 0..40 {
        assert!(matches!(setup.ask().await, Verdict::Granted(_)));
    }
    let calls = setup.calls();
    assert_eq!(calls[..3], [(1, 0), (2, 0), (6, 0)]);
    assert!(calls.len() <= 7, "{calls:?}");
    assert!(calls.iter().all(|(wanted, _)| *wanted <= 10), "a lease has at most a tenth: {calls:?}");
}

#[tokio::test]
async fn what_a_lease_has_left_after_a_second_goes_back() {
    let setup = Setup::new(100, 1_000);
    for _ in 0..6 {
        setup.ask().await;
    }
    setup.clock.advance_ms(1_000);
    setup.ask().await;
    let calls = setup.calls();
    let (taken, returned) = calls.iter().fold((0, 0), |sum, call| (sum.0 + call.0, sum.1 + call.1));
    assert!(returned > 0, "{calls:?}");
    assert_eq!(taken - returned, 7, "seven requests cost seven units: {calls:?}");
    assert_eq!(*calls.last().unwrap(), (1, returned), "after a quiet second it asks for one: {calls:?}");
}

#[tokio::test]
async fn no_more_requests_pass_than_the_limit_has_units() {
    let setup = Setup::new(30, 3_000);
    let mut passed = 0;
    for _ in 0..200 {
        passed += u32::from(matches!(setup.ask().await, Verdict::Granted(_)));
    }
    assert_eq!(passed, 30);
}

#[tokio::test]
async fn who_was_refused_is_refused_again_without_a_call_until_a_unit_is_there() {
    let setup = Setup::new(2, 1);
    for _ in 0..2 {
        assert!(matches!(setup.ask().await, Verdict::Granted(_)));
    }
    let mut waits = Vec::new();
    for _ in 0..5 {
        let Verdict::Refused { retry_after, .. } = setup.ask().await else { panic!("it passed") };
        waits.push(retry_after.as_millis());
        setup.clock.advance_ms(100);
    }
    assert_eq!((waits, setup.calls().len()), (vec![500, 400, 300, 200, 100], 3));
    assert!(matches!(setup.ask().await, Verdict::Granted(_)));
}

#[tokio::test]
async fn the_standing_counts_the_lease_as_there() {
    let setup = Setup::new(100, 60);
    for left in (60..100).rev() {
        let Verdict::Granted(standings) = setup.ask().await else { panic!("it was refused") };
        assert_eq!((standings[0].taken, standings[0].remaining), (1, left));
    }
}

#[tokio::test]
async fn an_instance_remembers_a_bounded_number_of_buckets() {
    let setup = Setup::new(100, 60);
    for caller in 0..3_000 {
        let demand = Demand::one("read.address", caller.to_string(), setup.demand.quota);
        setup.leasing.decide(&[demand]).await.unwrap();
    }
    assert!(setup.leasing.memory().len() <= MOST_REMEMBERED);
}
