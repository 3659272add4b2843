//! Read models over HTTP: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use events::Worker;
use events_redis::RedisEventLog;
use queries_context::{Freshness, GATHERED, GROUP, HEARS, KEY_SCOPES, Projector, Queries, Work, http};
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("queries").await?;
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let records = ground.divided(GATHERED)?.whole;
    let log = Arc::new(RedisEventLog::new("queries", ground.redis.clone()));
    let freshness = Freshness::new(log.clone(), clock.clone(), GROUP, ground.streams(&HEARS));
    let queries = Queries { records: records.clone(), freshness };

    // What the worker does, for hosts without a Redis trigger.
    let projector = Arc::new(Projector { records: records.clone(), clock: clock.clone(), desk: ground.desk().await? });
    let streams = ground.streams(&HEARS);
    let bounds = ground.worker_config(GROUP, http::drain_bounds()).await?;
    let worker = Worker::new(log, GROUP, streams, projector, clock.clone(), random, sleep).with_config(bounds);
    let work = Work { worker, records, clock };

    let service = ground.service("queries").await?.bearer().await?.keys(KEY_SCOPES).await?;
    let internal = service.internal(http::internal(queries.clone(), work));
    Ok(service.front(http::public(queries).merge(internal)))
}
