//! What functions and workers of a context stand on.

use crate::Service;
use ambient::{SystemClock, SystemRandom};
use edge_spin::StartError;
use event_history::Histories;
use events::{EventHistory, StreamName};
use ids::Partitions;
use platform_spin::{SpinKeyValue, SpinRedis, SpinSleep, variable};
use records::Records;
use records_divided::DividedRecords;
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::Redis;
use redis_latency::{MeasuredRedis, RedisLatency};
use std::sync::Arc;

/// The contexts whose records lie with the person to whom they belong, in as many partitions as the house has. The books
/// of the others have to be one: addresses and who has them, the ledger, the acts of operators.
const DIVIDED: [&str; 3] = ["notifications", "queries", "webhooks"];

/// The records of a context that is divided.
pub struct Divided {
    /// All of them, each where its name says.
    pub whole: Arc<dyn Records>,
    /// Partition by partition, for whoever keeps house.
    pub parts: Vec<Arc<RedisRecords>>,
}

impl Divided {
    /// What the context told, partition by partition.
    pub fn histories(&self) -> Histories {
        self.parts.iter().map(|part| Arc::clone(part) as Arc<dyn EventHistory>).collect()
    }
}

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
    /// How many partitions the data of the house has.
    pub partitions: Partitions,
    pub(crate) latency: RedisLatency,
}

impl Ground {
    /// The ground of one context. Reads the variables `redis_url` and `partitions`; connects at the first call.
    ///
    /// # Errors
    /// When one of them is missing, or there is no such count of partitions.
    pub async fn of(context: &'static str) -> Result<Self, StartError> {
        let clock = Arc::new(SystemClock);
        let latency = RedisLatency::new(clock.clone());
        let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
        let redis: Arc<dyn Redis> = Arc::new(MeasuredRedis::new(redis, latency.clone()));
        let partitions = variable("partitions").await?.parse()?;
        let (random, sleep) = (Arc::new(SystemRandom), Arc::new(SpinSleep));
        Ok(Self { context, clock, random, sleep, redis, partitions, latency })
    }

    /// The records of a context that is not divided: bodies in the store of its name, order in Redis.
    pub fn records(&self) -> Arc<RedisRecords> {
        Arc::new(self.store(RecordsConfig::in_first(self.context, self.partitions)))
    }

    /// The records of a context that is divided: bodies in the store of its name, order in Redis, by partition. `gathered`
    /// are the first words of indexes whose entries lie with the records of others (see `records-divided`).
    ///
    /// # Errors
    /// None that a running system can have.
    pub fn divided(&self, gathered: &'static [&'static str]) -> Result<Divided, StartError> {
        let mut parts: Vec<Arc<RedisRecords>> = Vec::new();
        for partition in self.partitions.all() {
            let part = self.store(RecordsConfig::part(self.context, partition, self.partitions));
            parts.push(Arc::new(match parts.first() {
                Some(first) => part.remembering_with(first),
                None => part,
            }));
        }
        let all = parts.iter().map(|part| part.clone() as Arc<dyn Records>).collect();
        let whole = Arc::new(DividedRecords::new(self.partitions, all, gathered)?);
        Ok(Divided { whole, parts })
    }

    /// The streams of these contexts: of one that is divided, one a partition.
    pub fn streams(&self, contexts: &[&str]) -> Vec<StreamName> {
        let of = |context: &str| if DIVIDED.contains(&context) { self.partitions } else { Partitions::ONE };
        contexts.iter().flat_map(|context| of(context).all().map(|place| StreamName::new(*context, place))).collect()
    }

    fn store(&self, config: RecordsConfig) -> RedisRecords {
        let bodies = Arc::new(SpinKeyValue::new(self.context));
        let records = RedisRecords::new(config, self.redis.clone(), bodies, self.clock.clone(), self.random.clone());
        records.with_sleep(self.sleep.clone())
    }

    /// The edge of an HTTP function of the context.
    ///
    /// # Errors
    /// See [`Service`].
    pub async fn service(&self, function: &'static str) -> Result<Service, StartError> {
        Service::of(self, function).await
    }
}
