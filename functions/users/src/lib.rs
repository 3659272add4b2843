//! Identity over HTTP, accounts and keys: wiring, and nothing else.

#![cfg(target_family = "wasm")]

mod wiring;

use edge_spin::{Front, StartError};
use users_context::http;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users", |users, _, service| {
        http::accounts(users.clone()).merge(service.internal(http::internal(users)))
    })
    .await
}
