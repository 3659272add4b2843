//! What functions and workers of a context stand on.

use crate::Service;
use ambient::{SystemClock, SystemRandom};
use edge_spin::StartError;
use platform_spin::{SpinKeyValue, SpinRedis, SpinSleep, variable};
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::Redis;
use redis_latency::{MeasuredRedis, RedisLatency};
use std::sync::Arc;

/// Time, chance and Redis, one of each an instance.
pub struct Ground {
    /// The context: the label of its store, the prefix of its keys in Redis.
    pub context: &'static str,
    /// The time of day.
    pub clock: Arc<SystemClock>,
    /// Randomness of the host.
    pub random: Arc<SystemRandom>,
    /// Waiting.
    pub sleep: Arc<SpinSleep>,
    /// The connection to the context's Redis, each call measured.
    pub redis: Arc<dyn Redis>,
    pub(crate) latency: RedisLatency,
}

impl Ground {
    /// The ground of one context. Reads the variable `redis_url`; connects at the first call.
    ///
    /// # Errors
    /// When the variable is missing.
    pub async fn of(context: &'static str) -> Result<Self, StartError> {
        let clock = Arc::new(SystemClock);
        let latency = RedisLatency::new(clock.clone());
        let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
        let redis: Arc<dyn Redis> = Arc::new(MeasuredRedis::new(redis, latency.clone()));
        Ok(Self { context, clock, random: Arc::new(SystemRandom), sleep: Arc::new(SpinSleep), redis, latency })
    }

    /// The context's records: bodies in the store of its name, order in Redis.
    pub fn records(&self) -> Arc<RedisRecords> {
        let bodies = Arc::new(SpinKeyValue::new(self.context));
        let config = RecordsConfig::of(self.context);
        let records = RedisRecords::new(config, self.redis.clone(), bodies, self.clock.clone(), self.random.clone());
        Arc::new(records.with_sleep(self.sleep.clone()))
    }

    /// The edge of an HTTP function of the context.
    ///
    /// # Errors
    /// See [`Service`].
    pub async fn service(&self, function: &'static str) -> Result<Service, StartError> {
        Service::of(self, function).await
    }
}
