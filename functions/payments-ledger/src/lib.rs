//! The ledger over HTTP: wiring, and nothing else. It moves no payment, so it is granted no provider and no key of one.

#![cfg(target_family = "wasm")]

use access_token::Verifier;
use ambient::{SystemClock, SystemRandom};
use edge::{EdgeConfig, LimitTable, TokenKeys};
use edge_spin::{Front, StartError};
use limiter_redis::RedisLimiter;
use payments_context::domain::StepUpLimits;
use payments_context::{Payments, Providers, http};
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
    let bodies = Arc::new(SpinKeyValue::new("payments"));
    let records =
        RedisRecords::new(RecordsConfig::of("payments"), redis.clone(), bodies, clock.clone(), random.clone());
    let records = Arc::new(records.with_sleep(sleep.clone()));
    let payments = Payments {
        records: records.clone(),
        journal: records,
        providers: Providers::none(),
        step_up: StepUpLimits::default(),
        clock: clock.clone(),
        random: random.clone(),
    };

    let metrics = Arc::new(RedisMetrics::new("payments", redis.clone()));
    let verifier = Verifier::new(variable("token_issuer").await?, variable("token_audience").await?);
    let keys = TokenKeys::fetched(Arc::new(SpinHttp), &variable("users_url").await?, clock.clone());
    let secret = variable("service_token_key").await?;
    let tokens = ServiceTokens::new(secret.as_bytes());
    let limits = LimitTable::parse(&variable("rate_limits").await?)?;
    let config = EdgeConfig::new("payments-ledger", clock.clone(), random, sleep)
        .bearer(verifier, keys)
        .cors_origins(&variable("cors_origins").await?)
        .trusted_hops(variable("trusted_hops").await?.parse()?)
        .policies(payments_context::POLICIES)
        .limits(Arc::new(RedisLimiter::new("payments", secret.as_bytes(), redis)), limits)
        .sheds_by(latency)
        .metrics(metrics.clone());
    let internal = edge::internal(http::ledger_internal(payments.clone()), "payments", tokens, clock);
    Ok(Front::new("payments-ledger", edge::public(http::ledger(payments).merge(internal), config)).metrics(metrics))
}
