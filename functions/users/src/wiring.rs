//! What the functions of identity are made of; the others take this very file.

use axum::Router;
use edge::TokenKeys;
use edge_spin::{Front, StartError};
use leases::Leases;
use platform_spin::{SpinHttp, variable};
use records_redis::RedisRecords;
use std::sync::Arc;
use throttle::RedisThrottle;
use users_context::domain::{
    CodeKey, DeviceKey, EmailIndexKey, FactorKey, FirstAdmins, PrivacyKey, RefreshKey, SecretKey, ThrottleKey,
};
use users_context::{HasherClient, Issuer, POLICIES, Users};
use wiring_spin::{Ground, Service};

/// Wires one function. `routes` makes its part of the context's route table, with the records where it needs more of
/// them than use cases do; the service guards internal routes.
pub async fn front(
    function: &'static str,
    routes: impl FnOnce(Users, Arc<RedisRecords>, &Service) -> Router,
) -> Result<Front, StartError> {
    let ground = Ground::of("users").await?;
    let service = ground.service(function).await?;
    let (clock, random, redis) = (ground.clock.clone(), ground.random.clone(), ground.redis.clone());
    let (issuer_name, audience) = (variable("token_issuer").await?, variable("token_audience").await?);
    let issuer = Issuer::new(&issuer_name, &audience, &variable("token_signing_keys").await?)?;

    let places = variable("hasher_concurrency").await?.parse()?;
    let leases = Leases::new(
        "{users/0}:leases:hasher",
        places,
        HasherClient::LEASE,
        redis.clone(),
        clock.clone(),
        random.clone(),
        ground.sleep.clone(),
    );
    let hasher_url = variable("hasher_url").await?;
    let hasher = HasherClient::new(&hasher_url, Arc::new(SpinHttp), service.tokens.clone(), leases, clock.clone());
    let credential_key = SecretKey::new(variable("credential_key").await?.as_bytes())?;
    let records = ground.records();
    let users = Users {
        records: records.clone(),
        notes: records.clone(),
        hashing: Arc::new(hasher),
        clock: clock.clone(),
        random: random.clone(),
        issuer: Arc::new(issuer),
        refresh_key: RefreshKey::new(SecretKey::new(variable("refresh_token_key").await?.as_bytes())?),
        email_index_key: EmailIndexKey::new(SecretKey::new(variable("email_index_key").await?.as_bytes())?),
        code_key: CodeKey::new(&credential_key),
        device_key: DeviceKey::new(&credential_key),
        factor_key: FactorKey::new(&credential_key),
        privacy_key: PrivacyKey::new(&credential_key),
        partitions: ground.partitions,
        first_admins: FirstAdmins::parse(&variable("first_admins").await?)?,
        throttle: Arc::new(RedisThrottle::new("{users/0}:throttle:", redis, clock, random)),
        throttle_key: ThrottleKey::new(&credential_key),
    };

    let verifier = access_token::Verifier::new(issuer_name, audience);
    let keys = TokenKeys::fixed(users.issuer.jwks().clone());
    let service = service.edge(|edge| edge.bearer(verifier, keys).policies(POLICIES));
    let routes = routes(users, records, &service);
    Ok(service.front(routes))
}
