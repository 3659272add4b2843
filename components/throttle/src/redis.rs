//! The throttle in Redis: a hash a bucket, one script to begin an attempt and one to settle it.

use crate::{Bucket, Settled, Throttle, ThrottleError};
use ambient::{Clock, Random, uuid_v7};
use async_trait::async_trait;
use core::time::Duration;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;

const BEGIN: &str = include_str!("begin.lua");
const SETTLE: &str = include_str!("settle.lua");

/// Counts under a prefix of the context's own, by the clock of Redis.
pub struct RedisThrottle {
    prefix: String,
    redis: Arc<dyn Redis>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl RedisThrottle {
    /// **Shape** of `prefix`: the beginning of a Redis key inside the context's own, such as `{users/0}:throttle:`.
    pub fn new(
        prefix: impl Into<String>,
        redis: Arc<dyn Redis>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { prefix: prefix.into(), redis, clock, random }
    }

    /// The script, its keys and the name of this call, by which a repetition of it is known.
    fn call(&self, script: &str, buckets: &[Bucket]) -> Vec<Argument> {
        let count = i64::try_from(buckets.len()).unwrap_or(i64::MAX);
        let mut arguments: Vec<Argument> = vec![script.into(), count.into()];
        arguments.extend(buckets.iter().map(|bucket| Argument::from(format!("{}{}", self.prefix, bucket.name))));
        arguments.push(uuid_v7(self.clock.as_ref(), self.random.as_ref()).simple().to_string().into());
        arguments
    }

    async fn evaluate(&self, arguments: Vec<Argument>) -> Result<i64, RedisError> {
        match self.redis.execute("EVAL", arguments, Repeat::Safe).await?.first() {
            Some(Reply::Integer(answer)) => Ok(*answer),
            other => Err(RedisError::Refused(format!("the throttle's script answered {other:?}"))),
        }
    }
}

#[async_trait]
impl Throttle for RedisThrottle {
    async fn begin(&self, buckets: &[Bucket]) -> Result<(), ThrottleError> {
        if buckets.is_empty() {
            return Ok(());
        }
        let ms = |duration: Duration| Argument::from(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
        let mut arguments = self.call(BEGIN, buckets);
        for Bucket { rule, .. } in buckets {
            arguments.push(i64::from(rule.free.max(1)).into());
            arguments.extend([ms(rule.first), ms(rule.most), ms(rule.forget_after)]);
        }
        match u64::try_from(self.evaluate(arguments).await?) {
            Ok(wait_ms) if wait_ms > 0 => Err(ThrottleError::Wait { wait: Duration::from_millis(wait_ms) }),
            _ => Ok(()),
        }
    }

    async fn settle(&self, buckets: &[Bucket], settled: Settled) -> Result<(), RedisError> {
        if buckets.is_empty() {
            return Ok(());
        }
        let mut arguments = self.call(SETTLE, buckets);
        arguments.push(i64::from(settled == Settled::Succeeded).into());
        self.evaluate(arguments).await.map(|_| ())
    }
}
