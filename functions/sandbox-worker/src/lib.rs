//! Development only: the sandbox's notices to whom they concern, and its housekeeping, once a pulse. Wiring, and nothing
//! else.

#![cfg(target_family = "wasm")]

use ambient::{Clock, SystemClock, SystemRandom};
use edge_spin::{Call, StartError};
use platform_spin::{SpinHttp, SpinKeyValue, SpinRedis, SpinSleep, variable};
use records::Records;
use records_redis::{RecordsConfig, RedisRecords};
use sandbox_context::{Sandbox, app};
use std::sync::Arc;

edge_spin::worker!("sandbox-worker", work);

async fn work(_: Call) -> Result<(), StartError> {
    let (clock, random, sleep) = (Arc::new(SystemClock), Arc::new(SystemRandom), Arc::new(SpinSleep));
    let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let bodies = Arc::new(SpinKeyValue::new("sandbox"));
    let records = RedisRecords::new(RecordsConfig::of("sandbox"), redis, bodies, clock.clone(), random);
    let records = Arc::new(records.with_sleep(sleep.clone()));
    let sandbox = Sandbox {
        records: records.clone(),
        clock: clock.clone(),
        sleep,
        acquirer_key: variable("acquirer_key").await?.into(),
        // Letters come in by the other function.
        mail_key: "".into(),
    };
    let receiver = app::Receiver { http: Arc::new(SpinHttp), base_url: variable("notices_url").await? };
    app::announce(&sandbox, &receiver).await?;
    records.maintain(clock.now()).await?;
    Ok(())
}
