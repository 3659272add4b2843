//! Identity over HTTP, accounts and keys: wiring, and nothing else.

#![cfg(target_family = "wasm")]

mod wiring;

use edge_spin::{Front, StartError};
use users_context::http;
use wiring::{Identity, identity};

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let Identity { users, config, metrics, tokens, clock } = identity("users").await?;
    let internal = edge::internal(http::internal(users.clone()), "users", tokens, clock);
    Ok(Front::new("users", edge::public(http::accounts(users).merge(internal), config)).metrics(metrics))
}
