//! Identity over HTTP, sessions: what every log-in and every refresh goes through. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use users_context::http;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users-sessions", |users, _, _| http::sessions(users)).await
}
