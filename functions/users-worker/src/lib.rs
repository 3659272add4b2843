//! Identity's housekeeping, once a pulse: the mark of what was acknowledged, bodies that nobody will read again.
//! Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{Clock, SystemClock, SystemRandom};
use edge_spin::{Call, StartError};
use platform_spin::{SpinKeyValue, SpinRedis, SpinSleep, variable};
use records::Records;
use records_redis::{RecordsConfig, RedisRecords};
use std::sync::Arc;

edge_spin::worker!("users-worker", work);

async fn work(_: Call) -> Result<(), StartError> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let bodies = Arc::new(SpinKeyValue::new("users"));
    let records = RedisRecords::new(RecordsConfig::of("users"), redis, bodies, clock.clone(), random);
    records.with_sleep(Arc::new(SpinSleep)).maintain(clock.now()).await?;
    Ok(())
}
