//! What both functions of identity are made of; `users-sessions` takes this very file.

use access_token::Verifier;
use ambient::{SystemClock, SystemRandom};
use axum::Router;
use edge::{EdgeConfig, LimitTable, TokenKeys};
use edge_spin::{Front, StartError};
use leases::Leases;
use limiter_redis::RedisLimiter;
use platform_spin::{SpinHttp, SpinKeyValue, SpinRedis, SpinSleep, variable};
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::Redis;
use redis_latency::{MeasuredRedis, RedisLatency};
use request_metrics::RedisMetrics;
use service_token::ServiceTokens;
use std::sync::Arc;
use throttle::RedisThrottle;
use users_context::domain::{
    CodeKey, DeviceKey, EmailIndexKey, FactorKey, FirstAdmins, RefreshKey, SecretKey, ThrottleKey,
};
use users_context::{HasherClient, Issuer, Users};

/// Wires one function. `routes` makes its part of the context's route table; it is given what guards internal routes.
pub async fn front(
    function: &'static str,
    routes: impl FnOnce(Users, ServiceTokens, Arc<SystemClock>) -> Router,
) -> Result<Front, StartError> {
    let (clock, random, sleep) = (Arc::new(SystemClock), Arc::new(SystemRandom), Arc::new(SpinSleep));
    let (issuer_name, audience) = (variable("token_issuer").await?, variable("token_audience").await?);
    let issuer = Issuer::new(&issuer_name, &audience, &variable("token_signing_keys").await?)?;
    let latency = RedisLatency::new(clock.clone());
    let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let redis: Arc<dyn Redis> = Arc::new(MeasuredRedis::new(redis, latency.clone()));
    let secret = variable("service_token_key").await?;
    let tokens = ServiceTokens::new(secret.as_bytes());

    let places = variable("hasher_concurrency").await?.parse()?;
    let leases = Leases::new(
        "{users/0}:leases:hasher",
        places,
        HasherClient::LEASE,
        redis.clone(),
        clock.clone(),
        random.clone(),
        sleep.clone(),
    );
    let bodies = Arc::new(SpinKeyValue::new("users"));
    let records = RedisRecords::new(RecordsConfig::of("users"), redis.clone(), bodies, clock.clone(), random.clone());
    let hasher_url = variable("hasher_url").await?;
    let credential_key = SecretKey::new(variable("credential_key").await?.as_bytes())?;
    let throttle = RedisThrottle::new("{users/0}:throttle:", redis.clone(), clock.clone(), random.clone());
    let users = Users {
        records: Arc::new(records.with_sleep(sleep.clone())),
        hashing: Arc::new(HasherClient::new(&hasher_url, Arc::new(SpinHttp), tokens.clone(), leases, clock.clone())),
        clock: clock.clone(),
        random: random.clone(),
        issuer: Arc::new(issuer),
        refresh_key: RefreshKey::new(SecretKey::new(variable("refresh_token_key").await?.as_bytes())?),
        email_index_key: EmailIndexKey::new(SecretKey::new(variable("email_index_key").await?.as_bytes())?),
        code_key: CodeKey::new(&credential_key),
        device_key: DeviceKey::new(&credential_key),
        factor_key: FactorKey::new(&credential_key),
        first_admins: FirstAdmins::parse(&variable("first_admins").await?)?,
        throttle: Arc::new(throttle),
        throttle_key: ThrottleKey::new(&credential_key),
    };

    let metrics = Arc::new(RedisMetrics::new("users", redis.clone()));
    let keys = TokenKeys::fixed(users.issuer.jwks().clone());
    let limits = LimitTable::parse(&variable("rate_limits").await?)?;
    let config = EdgeConfig::new(function, clock.clone(), random, sleep)
        .bearer(Verifier::new(issuer_name, audience), keys)
        .cors_origins(&variable("cors_origins").await?)
        .trusted_hops(variable("trusted_hops").await?.parse()?)
        .policies(users_context::POLICIES)
        .limits(Arc::new(RedisLimiter::new("users", secret.as_bytes(), redis)), limits)
        .sheds_by(latency)
        .metrics(metrics.clone());
    // Both functions are one service to whoever looks at the numbers.
    Ok(Front::new(function, edge::public(routes(users, tokens, clock), config)).metrics(metrics))
}
