//! Events to read models, woken by the doorbell and once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use queries_context::{GATHERED, GROUP, HEARS, Projector, Work};
use std::sync::Arc;
use wiring_spin::{Divided, Ground};

edge_spin::worker!("queries-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let ground = Ground::of("queries").await?;
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let Divided { whole: records, parts } = ground.divided(GATHERED)?;
    if matches!(call, Call::Pulse) && ground.keep_house(GROUP, &parts).await {
        return Ok(());
    }
    let log = Arc::new(RedisEventLog::new("queries", ground.redis.clone()));
    let projector = Arc::new(Projector { records: records.clone(), clock: clock.clone(), desk: ground.desk().await? });
    let streams = ground.streams(&HEARS);
    let bounds = ground.worker_config(GROUP, WorkerConfig::default()).await?;
    let worker = Worker::new(log, GROUP, streams, projector, clock.clone(), random, sleep).with_config(bounds);
    let work = Work { worker, records, clock };

    let round = match call {
        Call::Bell => work.on_bell().await,
        Call::Pulse => work.on_pulse().await,
    };
    round.finish()?;
    Ok(())
}
