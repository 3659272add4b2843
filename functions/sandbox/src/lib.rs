//! Development only: the acquirer and the mailbox of the sandbox over HTTP. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{SystemClock, SystemRandom};
use core::time::Duration;
use edge::EdgeConfig;
use edge_spin::{Front, StartError};
use platform_spin::{SpinKeyValue, SpinRedis, SpinSleep, variable};
use records_redis::{RecordsConfig, RedisRecords};
use sandbox_context::{Sandbox, http};
use std::sync::Arc;

/// Longer than the slowest card takes.
const DEADLINE: Duration = Duration::from_secs(30);

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let (clock, random, sleep) = (Arc::new(SystemClock), Arc::new(SystemRandom), Arc::new(SpinSleep));
    let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let bodies = Arc::new(SpinKeyValue::new("sandbox"));
    let records = RedisRecords::new(RecordsConfig::of("sandbox"), redis, bodies, clock.clone(), random.clone());
    let sandbox = Sandbox {
        records: Arc::new(records.with_sleep(sleep.clone())),
        clock: clock.clone(),
        sleep: sleep.clone(),
        acquirer_key: variable("acquirer_key").await?.into(),
        mail_key: variable("mail_key").await?.into(),
    };
    // No bearer layer: the keys of a provider are not our access tokens.
    let config = EdgeConfig::new("sandbox", clock, random, sleep).deadline(DEADLINE);
    Ok(Front::new("sandbox", edge::public(http::public(sandbox), config)))
}
