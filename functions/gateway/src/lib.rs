//! The front desk: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use events_redis::RedisEventLog;
use gateway_context::{Gateway, POLICIES, Peer, routes};
use platform_spin::{SpinHttp, variable};
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("gateway").await?;
    // No tokens of persons: the front desk shows nobody's data, and `/metrics` has a token of its own.
    let service = ground.service("gateway").await?.edge(|edge| edge.policies(POLICIES));
    let log = Arc::new(RedisEventLog::new("gateway", ground.redis.clone()));
    let peers = [
        Peer { name: "users", url: variable("users_url").await? },
        Peer { name: "payments", url: variable("payments_url").await? },
        Peer { name: "notifications", url: variable("notifications_url").await? },
        Peer { name: "queries", url: variable("queries_url").await? },
        Peer { name: "webhooks", url: variable("webhooks_url").await? },
        Peer { name: "operations", url: variable("operations_url").await? },
    ];
    let gateway = Gateway {
        streams: ground.streams(&peers.each_ref().map(|peer| peer.name)).into(),
        peers: Arc::new(peers),
        http: Arc::new(SpinHttp),
        service_tokens: service.tokens.clone(),
        clock: ground.clock.clone(),
        redis: ground.redis.clone(),
        statistics: log.clone(),
        inspection: log,
        metrics_token: variable("metrics_token").await?.into(),
    };
    Ok(service.front(routes(gateway)))
}
