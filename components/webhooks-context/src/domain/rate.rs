//! How many requests a second an endpoint takes: the generic cell rate algorithm, one number an endpoint.

use ambient::Timestamp;
use core::time::Duration;

/// A bucket that flows full again within a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_s: u32,
    /// When the requests so far would have been sent at an even pace. **Units** microseconds since the epoch.
    paid_until_us: i64,
}

impl Rate {
    /// The bucket as it was left; `per_s` is at least 1.
    pub fn resumed(per_s: u32, paid_until_us: i64) -> Self {
        Self { per_s: per_s.max(1), paid_until_us }
    }

    /// What is kept until the next time.
    pub const fn paid_until_us(&self) -> i64 {
        self.paid_until_us
    }

    /// Takes one request; where there is none left, how long until there is.
    ///
    /// # Errors
    /// The wait.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        let now_us = now.unix_ms().saturating_mul(1000);
        let interval_us = 1_000_000 / i64::from(self.per_s);
        // A clock that was ahead must not close the endpoint.
        let paid = self.paid_until_us.min(now_us.saturating_add(1_000_000)).max(now_us);
        self.paid_until_us = paid;
        let ahead_us = paid.saturating_sub(now_us).saturating_add(interval_us);
        if ahead_us > 1_000_000 {
            let wait_us = u64::try_from(ahead_us.saturating_sub(1_000_000)).unwrap_or_default();
            return Err(Duration::from_micros(wait_us).max(Duration::from_millis(1)));
        }
        self.paid_until_us = paid.saturating_add(interval_us);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_second_has_more_than_twice_the_rate_and_ten_seconds_barely_more_than_ten_times(per_s in 1..50u32, step_ms in 1..40i64) {
            let mut rate = Rate::resumed(per_s, 0);
            let mut taken = Vec::new();
            let mut now_ms = 1_000_000i64;
            while now_ms < 1_010_000 {
                while rate.take(Timestamp::from_unix_ms(now_ms)).is_ok() {
                    taken.push(now_ms);
                }
                now_ms += step_ms;
            }
            prop_assert!(taken.len() <= per_s as usize * 11 + 1, "{}", taken.len());
            for first in &taken {
                let within = taken.iter().filter(|at| (*first..first + 1000).contains(*at)).count();
                prop_assert!(within <= 2 * per_s as usize + 1, "{within}");
            }
        }

        #[test]
        fn who_waits_as_told_is_served(per_s in 1..1000u32, used in 0..2000u32, clock_ahead_s in 0..100_000i64) {
            let mut rate = Rate::resumed(per_s, clock_ahead_s * 1_000_000);
            let mut now = Timestamp::from_unix_ms(1_000_000);
            for _ in 0..used {
                if let Err(wait) = rate.take(now) {
                    prop_assert!(wait <= Duration::from_millis(1001), "{:?}", wait);
                    // Rounded up, as a clock of milliseconds counts.
                    now = now.plus(wait + Duration::from_micros(999));
                    prop_assert!(rate.take(now).is_ok());
                }
            }
        }
    }
}
