//! The front desk: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{SystemClock, SystemRandom};
use edge::{EdgeConfig, LimitTable};
use edge_spin::{Front, StartError};
use events_redis::RedisEventLog;
use gateway_context::{Gateway, Peer, routes};
use limiter_redis::RedisLimiter;
use platform_spin::{SpinHttp, SpinRedis, SpinSleep, variable};
use redis_client::Redis;
use redis_latency::{MeasuredRedis, RedisLatency};
use request_metrics::RedisMetrics;
use service_token::ServiceTokens;
use std::sync::Arc;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let latency = RedisLatency::new(clock.clone());
    let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let redis: Arc<dyn Redis> = Arc::new(MeasuredRedis::new(redis, latency.clone()));
    let secret = variable("service_token_key").await?;
    let gateway = Gateway {
        peers: Arc::new([
            Peer { name: "users", url: variable("users_url").await? },
            Peer { name: "payments", url: variable("payments_url").await? },
            Peer { name: "notifications", url: variable("notifications_url").await? },
            Peer { name: "queries", url: variable("queries_url").await? },
        ]),
        http: Arc::new(SpinHttp),
        service_tokens: ServiceTokens::new(secret.as_bytes()),
        clock: clock.clone(),
        redis: redis.clone(),
        statistics: Arc::new(RedisEventLog::new("gateway", redis.clone())),
        metrics_token: variable("metrics_token").await?.into(),
    };
    // No tokens of persons: the front desk shows nobody's data, and `/metrics` has a token of its own.
    let metrics = Arc::new(RedisMetrics::new("gateway", redis.clone()));
    let limits = LimitTable::parse(&variable("rate_limits").await?)?;
    let config = EdgeConfig::new("gateway", clock, random, Arc::new(SpinSleep))
        .cors_origins(&variable("cors_origins").await?)
        .trusted_hops(variable("trusted_hops").await?.parse()?)
        .policies(gateway_context::POLICIES)
        .limits(Arc::new(RedisLimiter::new("gateway", secret.as_bytes(), redis)), limits)
        .sheds_by(latency)
        .metrics(metrics.clone());
    Ok(Front::new("gateway", edge::public(routes(gateway), config)).metrics(metrics))
}
