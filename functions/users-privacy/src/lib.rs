//! Identity over HTTP, export and erasure, and the desk where the other services hand their parts in. Wiring, and nothing
//! else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use users_context::http;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users-privacy", |users, service| {
        http::privacy(users.clone()).merge(service.internal(http::privacy_desk(users)))
    })
    .await
}
