//! Payments over HTTP: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use circuit_breaker::{BreakerConfig, RedisBreaker};
use edge_spin::{Front, StartError};
use payments_context::setup::{Means, ProviderSettings, providers};
use payments_context::{KEY_SCOPES, POLICIES, Payments, http};
use platform_spin::{SpinHttp, variable};
use records::NoJournal;
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("payments").await?;
    let settings = ProviderSettings {
        acquirer_url: variable("acquirer_url").await?,
        acquirer_key: variable("acquirer_key").await?,
        stripe_url: variable("stripe_url").await?,
        stripe_key: variable("stripe_key").await?,
        stripe_notice_secrets: variable("stripe_notice_secrets").await?,
        routes: variable("provider_routes").await?,
    };
    let means = Means {
        http: Arc::new(SpinHttp),
        clock: ground.clock.clone(),
        sleep: ground.sleep.clone(),
        random: ground.random.clone(),
    };
    let breaker = |name: &str| RedisBreaker::of("payments", name, BreakerConfig::default(), ground.redis.clone());
    let payments = Payments {
        records: ground.records(),
        // What is posted here is read and sealed by the other functions of the ledger.
        journal: Arc::new(NoJournal),
        providers: providers(&settings, &means, |name| Arc::new(breaker(name)))?,
        step_up: variable("step_up_limits").await?.parse()?,
        clock: ground.clock.clone(),
        random: ground.random.clone(),
    };
    let service =
        ground.service("payments").await?.bearer().await?.keys(KEY_SCOPES).await?.edge(|edge| edge.policies(POLICIES));
    let internal = service.internal(http::internal(payments.clone()));
    Ok(service.front(http::public(payments).merge(internal)))
}
