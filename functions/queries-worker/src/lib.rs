//! Events to read models, woken by the doorbell and once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{SystemClock, SystemRandom};
use edge_spin::{Call, StartError};
use events::{StreamName, Worker};
use events_redis::RedisEventLog;
use platform_spin::{SpinKeyValue, SpinRedis, SpinSleep, variable};
use queries_context::{GROUP, HEARS, Projector, Work};
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::Redis;
use std::sync::Arc;

edge_spin::worker!("queries-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let (clock, random, sleep) = (Arc::new(SystemClock), Arc::new(SystemRandom), Arc::new(SpinSleep));
    let redis: Arc<dyn Redis> = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let bodies = Arc::new(SpinKeyValue::new("queries"));
    let config = RecordsConfig::of("queries");
    let records = RedisRecords::new(config, redis.clone(), bodies, clock.clone(), random.clone());
    let records = Arc::new(records.with_sleep(sleep.clone()));

    let log = Arc::new(RedisEventLog::new("queries", redis));
    let projector = Arc::new(Projector { records: records.clone(), clock: clock.clone() });
    let streams = HEARS.map(|context| StreamName::new(context, 0)).into();
    let worker = Worker::new(log, GROUP, streams, projector, clock.clone(), random, sleep);
    let work = Work { worker, records, clock };

    let round = match call {
        Call::Bell => work.on_bell().await,
        Call::Pulse => work.on_pulse().await,
    };
    round.finish()?;
    Ok(())
}
