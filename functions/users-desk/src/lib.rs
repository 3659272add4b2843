//! The desk where the other services hand in their parts of exports and erasures, ask for keys of sealed data, and read what
//! users told. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use users_context::http;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users-desk", |users, records, service| {
        service.internal(http::privacy_desk(users)).merge(service.history(vec![records]))
    })
    .await
}
