//! Endpoints over HTTP: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use platform_spin::variable;
use webhooks_context::domain::OpenedReceivers;
use webhooks_context::{GATHERED, KEY_SCOPES, POLICIES, Vault, Webhooks, http};
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("webhooks").await?;
    let records = ground.divided(GATHERED)?;
    let webhooks = Webhooks {
        records: records.whole.clone(),
        vault: Vault::new(&variable("webhook_secret_key").await?, ground.random.clone())?,
        opened: OpenedReceivers::parse(&variable("webhook_receivers").await?)?,
        clock: ground.clock.clone(),
        random: ground.random.clone(),
    };
    let service = ground.service("webhooks").await?.bearer().await?.keys(KEY_SCOPES).await?;
    let service = service.edge(|config| config.policies(POLICIES));
    let internal = service.internal(http::internal(webhooks.clone()));
    let history = service.history(records.histories());
    Ok(service.front(http::public(webhooks).merge(internal).merge(history)))
}
