//! Identity over HTTP, sessions: what every log-in and every refresh goes through. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use users_context::http;
use wiring::{Identity, identity};

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let Identity { users, config, metrics, .. } = identity("users-sessions").await?;
    Ok(Front::new("users-sessions", edge::public(http::sessions(users), config)).metrics(metrics))
}
