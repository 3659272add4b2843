//! Events and dead letters for operators: wiring, and nothing else. Its user in Redis sees streams and dead letters of all
//! contexts and nothing of their records; what was trimmed it asks of those who keep it (docs/decisions/0014).

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use event_history::HttpHistory;
use events_redis::RedisEventLog;
use operations_context::{Operations, POLICIES, Service, http};
use platform_spin::{SpinHttp, variable};
use records_redis::RedisTrail;
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

/// The contexts that tell events or hear them.
const CONTEXTS: [&str; 5] = ["users", "payments", "notifications", "queries", "webhooks"];

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("operations").await?;
    let records = ground.records();
    let service = ground.service("operations").await?.bearer().await?.edge(|edge| edge.policies(POLICIES));
    // Who serves what a context told; queries tells nothing.
    let owners = [
        ("users", variable("users_desk_url").await?),
        ("payments", variable("payments_ledger_url").await?),
        ("notifications", variable("notifications_url").await?),
        ("webhooks", variable("webhooks_url").await?),
    ];
    let history = |url: &str| HttpHistory::new(url, Arc::new(SpinHttp), service.tokens.clone(), ground.clock.clone());
    let watched = |name| {
        let owner = owners.iter().find(|(owner, _)| *owner == name).map(|(_, url)| Arc::new(history(url)));
        let log = Arc::new(RedisEventLog::new(name, ground.redis.clone()));
        Service::new(name, ground.streams(&[name]), log).telling(owner)
    };
    let operations = Operations {
        services: CONTEXTS.map(watched).into(),
        trail: Arc::new(RedisTrail::of(records.clone())),
        records,
        clock: ground.clock.clone(),
        random: ground.random.clone(),
    };
    let internal = service.internal(http::internal(operations.clone()));
    Ok(service.front(http::public(operations).merge(internal)))
}
