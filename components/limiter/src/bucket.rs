//! The arithmetic of one bucket, as one number: when it will be full (the generic cell rate algorithm).
//!
//! The script of `limiter-redis` does the same; the contract suite holds both against each other.

use crate::Quota;
use core::time::Duration;

/// A bucket: the moment at which it is full. **Units** microseconds of one clock; a bucket that is full has a moment that
/// is past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    full_at_us: i64,
}

/// What a bucket gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// So many units, at least one.
    Units(u32),
    /// Nothing; a unit is there after this long.
    Wait(Duration),
}

impl Bucket {
    /// Gives units back. A moment further away than an empty bucket needs is a clock that was set back: it is mended.
    #[must_use]
    pub fn with_returned(self, quota: Quota, returned: u32, now_us: i64) -> Self {
        let capacity_us = quota.interval_us() * i64::from(quota.units());
        let given_us = quota.interval_us() * i64::from(returned.min(quota.units()));
        Self { full_at_us: (self.full_at_us.min(now_us + capacity_us) - given_us).max(now_us) }
    }

    /// Takes up to `wanted` units, at least one.
    pub fn take(self, quota: Quota, wanted: u32, now_us: i64) -> (Self, Taken) {
        let there = self.remaining(quota, now_us);
        if there == 0 {
            let capacity_us = quota.interval_us() * i64::from(quota.units());
            let wait_us = self.full_at_us + quota.interval_us() - capacity_us - now_us;
            return (self, Taken::Wait(Duration::from_micros(u64::try_from(wait_us).unwrap_or(0))));
        }
        let units = wanted.clamp(1, there);
        let taken_us = quota.interval_us() * i64::from(units);
        (Self { full_at_us: self.full_at_us.max(now_us) + taken_us }, Taken::Units(units))
    }

    /// How many units are in it.
    pub fn remaining(self, quota: Quota, now_us: i64) -> u32 {
        let missing_us = (self.full_at_us - now_us).max(0);
        let capacity_us = quota.interval_us() * i64::from(quota.units());
        u32::try_from(((capacity_us - missing_us) / quota.interval_us()).max(0)).unwrap_or(0)
    }

    /// In how long it is full.
    pub fn full_in(self, now_us: i64) -> Duration {
        Duration::from_micros(u64::try_from(self.full_at_us - now_us).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quota(units: u32, window_s: u32) -> Quota {
        Quota::new(units, window_s).unwrap()
    }

    #[test]
    fn all_of_it_may_be_spent_at_once_and_then_flows_in_again() {
        let quota = quota(3, 60);
        let mut bucket = Bucket::default();
        for left in [2, 1, 0] {
            let (next, taken) = bucket.take(quota, 1, 0);
            assert_eq!((taken, next.remaining(quota, 0)), (Taken::Units(1), left));
            bucket = next;
        }
        assert_eq!(bucket.take(quota, 1, 0), (bucket, Taken::Wait(Duration::from_secs(20))));
        assert_eq!(bucket.take(quota, 1, 19_999_999).1, Taken::Wait(Duration::from_micros(1)));
        assert_eq!(bucket.take(quota, 1, 20_000_000).1, Taken::Units(1));
        assert_eq!(bucket.full_in(0), Duration::from_secs(60));
        assert_eq!(bucket.remaining(quota, 60_000_000), 3);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out_for_longer_than_a_window() {
        let quota = quota(3, 60);
        let far = Bucket { full_at_us: 86_400_000_000 };
        assert_eq!(far.with_returned(quota, 0, 0).take(quota, 1, 0).1, Taken::Wait(Duration::from_secs(20)));
    }

    #[test]
    fn a_quota_is_positive_and_bounded() {
        for (units, window_s) in [(0, 1), (1, 0), (1_000_001, 1), (1, 1_000_001)] {
            assert_eq!(Quota::new(units, window_s), None);
        }
        assert_eq!(quota(1_000_000, 1).interval_us(), 1);
    }

    proptest! {
        #[test]
        fn no_while_sees_more_than_the_bucket_and_what_flowed_in(
            units in 1u32..50, window_s in 1u32..60,
            steps in proptest::collection::vec((0i64..5_000_000, 1u32..10, 0u32..10), 1..200),
        ) {
            let quota = quota(units, window_s);
            let (mut bucket, mut now_us) = (Bucket::default(), 0);
            // When each unit was taken; a return strikes out the latest ones, as whoever leased them does.
            let mut spent: Vec<i64> = Vec::new();
            for (pause_us, wanted, returned) in steps {
                now_us += pause_us;
                let returned = returned.min(u32::try_from(spent.len()).unwrap());
                spent.truncate(spent.len() - usize::try_from(returned).unwrap());
                let (next, taken) = bucket.with_returned(quota, returned, now_us).take(quota, wanted, now_us);
                bucket = next;
                match taken {
                    Taken::Units(taken) => spent.extend((0..taken).map(|_| now_us)),
                    Taken::Wait(wait) => prop_assert!(!wait.is_zero() && wait <= Duration::from_secs(u64::from(window_s))),
                }
                for (place, from_us) in spent.iter().enumerate() {
                    let within = i64::try_from(spent.len() - place).unwrap();
                    let flowed = (now_us - from_us) / quota.interval_us() + 1;
                    prop_assert!(within <= i64::from(units) + flowed, "{within} units since {from_us} at {now_us}");
                }
            }
        }
    }
}
