//! How long an attempt has to wait: a pure function of how many there were.

use ambient::Timestamp;
use core::time::Duration;

/// The delays of one kind of bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many attempts may follow each other without a wait; at least one.
    pub free: u32,
    /// The wait after the last free one; it doubles with each further attempt.
    pub first: Duration,
    /// The longest wait: nobody is kept out for ever.
    pub most: Duration,
    /// How long after a wait the attempts are forgotten.
    pub forget_after: Duration,
}

impl Rule {
    /// The wait after this many attempts.
    pub fn delay(&self, attempts: u32) -> Duration {
        let Some(beyond) = attempts.checked_sub(self.free.max(1)) else { return Duration::ZERO };
        // Beyond 2^30 every wait is the longest one.
        self.first.saturating_mul(1 << beyond.min(30)).min(self.most)
    }
}

/// What a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Attempts that failed or are under way.
    pub attempts: u32,
    /// Until when nobody is let through.
    pub closed_until: Timestamp,
    /// When all of this is forgotten.
    pub forgotten_at: Timestamp,
}

impl Count {
    /// How long an attempt has to wait.
    pub fn wait(count: Option<&Self>, now: Timestamp) -> Duration {
        count.map_or(Duration::ZERO, |count| count.closed_until.since(now))
    }

    /// The bucket after one more attempt.
    #[must_use]
    pub fn counted(count: Option<&Self>, rule: &Rule, now: Timestamp) -> Self {
        let attempts = count.map_or(0, |count| count.attempts).saturating_add(1);
        let delay = rule.delay(attempts);
        Self {
            attempts,
            closed_until: now.plus(delay),
            forgotten_at: now.plus(delay.saturating_add(rule.forget_after)),
        }
    }

    /// The bucket without one attempt that does not count; `None` where it is empty then.
    #[must_use]
    pub fn given_back(&self, now: Timestamp) -> Option<Self> {
        let attempts = self.attempts.saturating_sub(1);
        (attempts > 0).then_some(Self { attempts, closed_until: now, ..*self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: Rule = Rule {
        free: 5,
        first: Duration::from_secs(1),
        most: Duration::from_secs(900),
        forget_after: Duration::from_secs(900),
    };

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds: Vec<u64> = (0..18).map(|attempts| RULE.delay(attempts).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(RULE.delay(u32::MAX), Duration::from_secs(900));
    }

    proptest! {
        #[test]
        fn a_wait_never_shrinks_and_never_exceeds_the_longest(
            attempts in 0u32..200, free in 0u32..50, first_ms in 0u64..10_000, most_ms in 0u64..1_000_000,
        ) {
            let (first, most) = (Duration::from_millis(first_ms), Duration::from_millis(most_ms));
            let rule = Rule { free, first, most, forget_after: most };
            prop_assert!(rule.delay(attempts) <= rule.delay(attempts + 1));
            prop_assert!(rule.delay(attempts) <= most);
            prop_assert!(attempts >= free.max(1) || rule.delay(attempts).is_zero());
        }

        /// Whoever guesses as fast as the throttle lets them gets no more than the free ones and one for each wait.
        #[test]
        fn guesses_in_a_time_are_bounded(pauses_ms in prop::collection::vec(0u64..2_000, 1..400)) {
            let (mut count, mut now, mut made) = (None::<Count>, Timestamp::from_unix_ms(0), 0u32);
            for pause_ms in pauses_ms {
                now = now.plus(Duration::from_millis(pause_ms));
                count = count.filter(|count| now < count.forgotten_at);
                if Count::wait(count.as_ref(), now).is_zero() {
                    count = Some(Count::counted(count.as_ref(), &RULE, now));
                    made += 1;
                }
            }
            // 5 free ones, then after 1, 3, 7, … 2^k − 1 seconds.
            let seconds = u64::try_from(now.unix_ms()).unwrap() / 1000;
            prop_assert!(u64::from(made) <= 5 + (seconds + 1).ilog2() as u64, "{} in {} s", made, seconds);
        }
    }
}
