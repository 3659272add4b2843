//! A circuit breaker over all instances of a component and all replicas, with a budget for retries.
//!
//! What lives here: whether a dependency may be called now, what its calls came to, whether one more try is within
//! budget. What does not: the calls. An instance lives for some seconds and sees a handful of calls, so the counts are in
//! Redis: one hash a dependency, changed by scripts by the clock of Redis.
//!
//! Closed, it counts calls and failures in windows of a minute; from 20 calls on, when half of them failed, it opens for
//! ten seconds. Then one probe is let through: a success closes it, a failure opens it again for twice as long, up to
//! five minutes. Retries are at most a tenth of the calls of a window, and three. Where Redis does not answer, calls are
//! let through and nothing is retried: a breaker protects a dependency from us, and must not be one more to fail.

mod scripts;

use async_trait::async_trait;
use core::time::Duration;
use redis_client::{Argument, Redis, Repeat, Reply};
use scripts::{ADMIT, LOOK, REPORT, RETRY};
use std::sync::Arc;

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Call,
    /// Yes, and what becomes of it decides whether others may.
    Probe,
    /// No: it would most likely fail.
    Open {
        /// When it is worth asking again.
        retry_after: Duration,
    },
}

/// What a call came to, as far as it tells of the dependency's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered, whatever the answer.
    Answered,
    /// It did not, or not in time, or with a mistake of its own.
    Failed,
}

/// The state of one dependency.
#[async_trait]
pub trait Breaker: Send + Sync {
    /// Asks before a call.
    async fn admit(&self) -> Admission;

    /// Reports after it, with what [`Breaker::admit`] said.
    async fn report(&self, admission: Admission, health: Health);

    /// Whether one more try is within the budget; counts it where it is.
    async fn may_retry(&self) -> bool;

    /// Whether calls are let through now, without taking the probe: for choosing among several dependencies.
    async fn is_closed(&self) -> bool;
}

/// The numbers of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// How long calls are counted together.
    pub window: Duration,
    /// From how many calls on a window is judged.
    pub min_calls: u32,
    /// Which part of them has to fail, in percent.
    pub failures_percent: u32,
    /// For how long it opens the first time; doubled each time a probe fails.
    pub open_for: Duration,
    /// For how long at most.
    pub open_at_most: Duration,
    /// How long a probe may take before another is let through.
    pub probe_for: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            min_calls: 20,
            failures_percent: 50,
            open_for: Duration::from_secs(10),
            open_at_most: Duration::from_secs(300),
            probe_for: Duration::from_secs(15),
        }
    }
}

/// A breaker whose state is shared through Redis.
#[derive(Clone)]
pub struct RedisBreaker {
    key: String,
    config: BreakerConfig,
    redis: Arc<dyn Redis>,
}

impl RedisBreaker {
    /// **Shape** of `key`: a Redis key inside the context's prefix, such as `{payments/0}:breaker:stripe`.
    pub fn new(key: impl Into<String>, config: BreakerConfig, redis: Arc<dyn Redis>) -> Self {
        Self { key: key.into(), config, redis }
    }

    /// The breaker of a context's dependency, under a key inside the context's prefix.
    pub fn of(context: &str, dependency: &str, config: BreakerConfig, redis: Arc<dyn Redis>) -> Self {
        Self::new(format!("{{{context}/0}}:breaker:{dependency}"), config, redis)
    }

    /// Runs a script; `None` where Redis does not answer.
    async fn run(&self, script: &str, arguments: &[i64]) -> Option<i64> {
        let mut all: Vec<Argument> = vec![script.into(), 1.into(), self.key.as_str().into()];
        all.extend(arguments.iter().map(|&argument| Argument::from(argument)));
        // A report that is counted twice after a lost answer moves a count by one: not worth an identity.
        match self.redis.execute("EVAL", all, Repeat::Safe).await.ok()?.first() {
            Some(Reply::Integer(number)) => Some(*number),
            _ => None,
        }
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[async_trait]
impl Breaker for RedisBreaker {
    async fn admit(&self) -> Admission {
        match self.run(ADMIT, &[ms(self.config.probe_for)]).await {
            None | Some(0) => Admission::Call,
            Some(-1) => Admission::Probe,
            Some(left_ms) => {
                Admission::Open { retry_after: Duration::from_millis(u64::try_from(left_ms).unwrap_or_default()) }
            }
        }
    }

    async fn report(&self, admission: Admission, health: Health) {
        let config = &self.config;
        let arguments = [
            i64::from(health == Health::Failed),
            i64::from(admission == Admission::Probe),
            ms(config.window),
            i64::from(config.min_calls),
            i64::from(config.failures_percent),
            ms(config.open_for),
            ms(config.open_at_most),
        ];
        self.run(REPORT, &arguments).await;
    }

    async fn may_retry(&self) -> bool {
        self.run(RETRY, &[ms(self.config.window)]).await == Some(1)
    }

    async fn is_closed(&self) -> bool {
        self.run(LOOK, &[]).await != Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis_client::RedisError;

    struct Gone;

    #[async_trait]
    impl Redis for Gone {
        async fn execute(&self, _: &str, _: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
            Err(RedisError::Unavailable("gone".to_owned()))
        }
    }

    #[tokio::test]
    async fn without_redis_calls_go_through_and_nothing_is_retried() {
        let breaker = RedisBreaker::new("{payments/0}:breaker:test", BreakerConfig::default(), Arc::new(Gone));
        assert_eq!(breaker.admit().await, Admission::Call);
        breaker.report(Admission::Call, Health::Failed).await;
        assert!(breaker.is_closed().await && !breaker.may_retry().await);
    }
}
