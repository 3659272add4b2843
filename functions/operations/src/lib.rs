//! Events and dead letters for operators: wiring, and nothing else. Its user in Redis sees streams and dead letters of all
//! contexts and nothing of their records (docs/decisions/0014).

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use events_redis::RedisEventLog;
use operations_context::{Operations, POLICIES, Service, http};
use records_redis::RedisTrail;
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

/// The contexts that tell events or hear them.
const CONTEXTS: [&str; 5] = ["users", "payments", "notifications", "queries", "webhooks"];

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("operations").await?;
    let records = ground.records();
    let service = |name| Service::new(name, Arc::new(RedisEventLog::new(name, ground.redis.clone())));
    let operations = Operations {
        services: CONTEXTS.map(service).into(),
        trail: Arc::new(RedisTrail::of(records.clone())),
        records,
        clock: ground.clock.clone(),
        random: ground.random.clone(),
    };
    let service = ground.service("operations").await?.bearer().await?.edge(|edge| edge.policies(POLICIES));
    let internal = service.internal(http::internal(operations.clone()));
    Ok(service.front(http::public(operations).merge(internal)))
}
