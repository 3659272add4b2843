//! The inbox over HTTP: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use access_token::Verifier;
use ambient::{SystemClock, SystemRandom};
use edge::{EdgeConfig, LimitTable, TokenKeys};
use edge_spin::{Front, StartError};
use events::{StreamName, Worker};
use events_redis::RedisEventLog;
use limiter_redis::RedisLimiter;
use notifications_context::{GROUP, HEARS, Notifications, Notifier, Work, http};
use platform_spin::{SpinHttp, SpinKeyValue, SpinRedis, SpinSleep, variable};
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::Redis;
use redis_latency::{MeasuredRedis, RedisLatency};
use request_metrics::RedisMetrics;
use service_token::ServiceTokens;
use std::sync::Arc;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let (clock, random, sleep) = (Arc::new(SystemClock), Arc::new(SystemRandom), Arc::new(SpinSleep));
    let latency = RedisLatency::new(clock.clone());
    let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let redis: Arc<dyn Redis> = Arc::new(MeasuredRedis::new(redis, latency.clone()));
    let bodies = Arc::new(SpinKeyValue::new("notifications"));
    let config = RecordsConfig::of("notifications");
    let records = RedisRecords::new(config, redis.clone(), bodies, clock.clone(), random.clone());
    let notifications = Notifications { records: Arc::new(records.with_sleep(sleep.clone())), clock: clock.clone() };

    // What the worker does, for hosts without a Redis trigger. Letters wait for the worker: only it may reach a provider.
    let log = Arc::new(RedisEventLog::new("notifications", redis.clone()));
    let notifier = Arc::new(Notifier { records: notifications.records.clone(), clock: clock.clone() });
    let streams = HEARS.map(|context| StreamName::new(context, 0)).into();
    let worker = Worker::new(log, GROUP, streams, notifier, clock.clone(), random.clone(), sleep.clone())
        .with_config(http::drain_bounds());
    let records = notifications.records.clone();
    let work = Work { worker, mailer: None, records, clock: clock.clone(), sleep: sleep.clone() };

    let secret = variable("service_token_key").await?;
    let tokens = ServiceTokens::new(secret.as_bytes());
    let keys = TokenKeys::fetched(Arc::new(SpinHttp), &variable("users_url").await?, clock.clone());
    let verifier = Verifier::new(variable("token_issuer").await?, variable("token_audience").await?);
    let metrics = Arc::new(RedisMetrics::new("notifications", redis.clone()));
    let limits = LimitTable::parse(&variable("rate_limits").await?)?;
    let config = EdgeConfig::new("notifications", clock.clone(), random, sleep)
        .bearer(verifier, keys)
        .cors_origins(&variable("cors_origins").await?)
        .trusted_hops(variable("trusted_hops").await?.parse()?)
        .limits(Arc::new(RedisLimiter::new("notifications", secret.as_bytes(), redis)), limits)
        .sheds_by(latency)
        .metrics(metrics.clone());
    let internal = edge::internal(http::internal(notifications.clone(), work), "notifications", tokens, clock);
    let routes = http::public(notifications).merge(internal);
    Ok(Front::new("notifications", edge::public(routes, config)).metrics(metrics))
}
