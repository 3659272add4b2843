//! The desk where the other services hand in their parts of exports and erasures, and ask for keys of sealed data. Wiring,
//! and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use users_context::http;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users-desk", |users, _, service| service.internal(http::privacy_desk(users))).await
}
