//! Identity over HTTP, export and erasure. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use records_redis::RedisOwnRows;
use std::sync::Arc;
use users_context::{Privacy, http};

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users-privacy", |users, records, _| {
        http::privacy(Privacy { users, trail: Arc::new(RedisOwnRows::of(records)) })
    })
    .await
}
