//! Throttle: after some failed attempts each further one has to wait, longer each time; over all instances and replicas.
//!
//! What lives here: counting attempts in named buckets, the delays, the one script that does both in Redis, and a double
//! for tests. What does not: which buckets an attempt belongs to, and what an attempt is (its context).
//!
//! An attempt is counted when it begins and forgiven when it succeeds, never the other way round: however many come at
//! once, no more get through than if each had waited for the one before.

mod memory;
mod redis;
mod rule;

pub use memory::MemoryThrottle;
pub use redis::RedisThrottle;
pub use rule::{Count, Rule};

use async_trait::async_trait;
use core::time::Duration;
use redis_client::RedisError;

/// Attempts that are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name: characters that a Redis key takes, and nothing personal.
    pub name: String,
    /// How fast it fills.
    pub rule: Rule,
}

/// Why an attempt may not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThrottleError {
    /// It is too early; nothing was counted.
    #[error("come back in {} ms", .wait.as_millis())]
    Wait {
        /// For how long.
        wait: Duration,
    },
    /// Redis does not answer. Nobody is let through unseen: what needs a throttle needs Redis anyway.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// What became of an attempt; a failure needs no word, because it is counted already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It succeeded: its first bucket is empty again, in the others it does not count. (Whoever fails for many and
    /// succeeds for one must not wipe out the failures.)
    Succeeded,
    /// It was never decided, for want of a service: it does not count.
    Undecided,
}

/// Counts attempts and lets them through.
#[async_trait]
pub trait Throttle: Send + Sync {
    /// Begins an attempt that counts in all these buckets.
    ///
    /// # Errors
    /// [`ThrottleError`]; then it must not be made.
    async fn begin(&self, buckets: &[Bucket]) -> Result<(), ThrottleError>;

    /// Settles an attempt that was begun. Where this fails it counts as a failure, and ends as one.
    ///
    /// # Errors
    /// [`RedisError`] when Redis does not answer.
    async fn settle(&self, buckets: &[Bucket], settled: Settled) -> Result<(), RedisError>;
}
