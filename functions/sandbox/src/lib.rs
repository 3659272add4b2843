//! Development only: the acquirer and the mailbox of the sandbox over HTTP. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use core::time::Duration;
use edge::EdgeConfig;
use edge_spin::{Front, StartError};
use platform_spin::variable;
use sandbox_context::{Sandbox, http};
use wiring_spin::Ground;

/// Longer than the slowest card takes.
const DEADLINE: Duration = Duration::from_secs(30);

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("sandbox").await?;
    let sandbox = Sandbox {
        records: ground.records(),
        clock: ground.clock.clone(),
        sleep: ground.sleep.clone(),
        acquirer_key: variable("acquirer_key").await?.into(),
        mail_key: variable("mail_key").await?.into(),
    };
    // No bearer layer, no limits: the keys of a provider are not our access tokens, and it does not limit its callers.
    let config = EdgeConfig::new("sandbox", ground.clock, ground.random, ground.sleep).deadline(DEADLINE);
    Ok(Front::new("sandbox", edge::public(http::public(sandbox), config)))
}
