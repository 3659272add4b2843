//! Read models over HTTP: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use events_redis::RedisEventLog;
use queries_context::{Freshness, GATHERED, GROUP, HEARS, KEY_SCOPES, Queries, http};
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("queries").await?;
    let log = Arc::new(RedisEventLog::new("queries", ground.redis.clone()));
    let freshness = Freshness::new(log, ground.clock.clone(), GROUP, ground.streams(&HEARS));
    let queries = Queries { records: ground.divided(GATHERED)?.whole, freshness };
    let service = ground.service("queries").await?.bearer().await?.keys(KEY_SCOPES).await?;
    let internal = service.internal(http::internal(queries.clone()));
    Ok(service.front(http::public(queries).merge(internal)))
}
