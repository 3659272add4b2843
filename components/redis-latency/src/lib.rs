//! How slow Redis is, as an instance feels it: a moving average over its own calls, for whoever sheds load.
//!
//! What lives here: the average, and the wrapper around a client that feeds it. What does not: what is done about it
//! (`edge`). Instances do not compare notes: each is short-lived, and what slows Redis slows the calls of all.

use ambient::{Clock, Timestamp};
use async_trait::async_trait;
use core::time::Duration;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::{Arc, Mutex, PoisonError};

/// How much a new call weighs in the average: one of so many.
const WEIGHT: u64 = 8;
/// The most that one call counts: a clock that jumps must not close the house.
const MOST: Duration = Duration::from_secs(1);
/// After how long without a call the average counts half: nobody learns that Redis is well again by not asking it.
const HALVES_IN: Duration = Duration::from_millis(500);

/// The average; clones of the handle share it.
#[derive(Clone)]
pub struct RedisLatency {
    clock: Arc<dyn Clock>,
    /// The average in microseconds, and when it was last fed.
    average: Arc<Mutex<(u64, Timestamp)>>,
}

impl RedisLatency {
    /// An average of zero.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        Self { clock, average: Arc::new(Mutex::new((0, now))) }
    }

    /// Takes in how long one call took.
    pub fn record(&self, took: Duration) {
        let now = self.clock.now();
        let sample_us = u64::try_from(took.min(MOST).as_micros()).unwrap_or(u64::MAX);
        let mut average = self.average.lock().unwrap_or_else(PoisonError::into_inner);
        let before_us = faded(average.0, now.since(average.1));
        *average = ((before_us * (WEIGHT - 1) + sample_us) / WEIGHT, now);
    }

    /// The average, fading while nobody asks Redis anything.
    pub fn current(&self) -> Duration {
        let (average_us, fed_at) = *self.average.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_micros(faded(average_us, self.clock.now().since(fed_at)))
    }
}

/// Halves once each [`HALVES_IN`], in a straight line between.
fn faded(average_us: u64, idle: Duration) -> u64 {
    let halves_in_ms = u64::try_from(HALVES_IN.as_millis()).unwrap_or(1);
    let idle_ms = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
    let whole = average_us.checked_shr(u32::try_from(idle_ms / halves_in_ms).unwrap_or(u32::MAX)).unwrap_or(0);
    whole - whole * (idle_ms % halves_in_ms) / (2 * halves_in_ms)
}

/// A client whose calls feed an average, whatever becomes of them.
pub struct MeasuredRedis {
    redis: Arc<dyn Redis>,
    latency: RedisLatency,
}

impl MeasuredRedis {
    /// Measures the calls of a client.
    pub fn new(redis: Arc<dyn Redis>, latency: RedisLatency) -> Self {
        Self { redis, latency }
    }
}

#[async_trait]
impl Redis for MeasuredRedis {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        let began = self.latency.clock.now();
        let answer = self.redis.execute(command, arguments, repeat).await;
        self.latency.record(self.latency.clock.now().since(began));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::FixedClock;

    fn latency() -> (RedisLatency, FixedClock) {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        (RedisLatency::new(Arc::new(clock.clone())), clock)
    }

    #[test]
    fn follows_what_lasts_and_not_what_happens_once() {
        let (latency, _) = latency();
        for _ in 0..50 {
            latency.record(Duration::from_millis(1));
        }
        latency.record(Duration::from_millis(500));
        assert!(latency.current() < Duration::from_millis(70), "{:?}", latency.current());
        for _ in 0..30 {
            latency.record(Duration::from_millis(500));
        }
        assert!(latency.current() > Duration::from_millis(480), "{:?}", latency.current());
        latency.record(Duration::from_secs(86_400));
        assert!(latency.current() < Duration::from_millis(600), "a clock that jumped: {:?}", latency.current());
    }

    #[test]
    fn fades_while_nobody_asks() {
        let (latency, clock) = latency();
        for _ in 0..60 {
            latency.record(Duration::from_millis(400));
        }
        let before = latency.current();
        clock.advance_ms(250);
        assert_eq!(latency.current().as_millis(), before.as_millis() * 3 / 4);
        clock.advance_ms(250);
        assert_eq!(latency.current().as_millis(), before.as_millis() / 2);
        clock.advance_ms(86_400_000);
        assert_eq!(latency.current(), Duration::ZERO);
    }

    /// A Redis that takes its time and then says nothing.
    struct Slow(FixedClock);

    #[async_trait]
    impl Redis for Slow {
        async fn execute(&self, _: &str, _: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
            self.0.advance_ms(80);
            Err(RedisError::Unavailable("no answer".to_owned()))
        }
    }

    #[tokio::test]
    async fn calls_that_fail_count_as_long_as_they_took() {
        let (latency, clock) = latency();
        let measured = MeasuredRedis::new(Arc::new(Slow(clock)), latency.clone());
        assert!(measured.execute("GET", vec!["k".into()], Repeat::Safe).await.is_err());
        assert_eq!(latency.current(), Duration::from_millis(10));
    }
}
