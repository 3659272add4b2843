//! Identity over HTTP, export and erasure, and the desk where the other services hand their parts in. Wiring, and nothing
//! else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use records_redis::RedisTrail;
use std::sync::Arc;
use users_context::{Privacy, http};

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users-privacy", |users, records, service| {
        let privacy = Privacy { users, trail: Arc::new(RedisTrail::of(records)) };
        http::privacy(privacy.clone()).merge(service.internal(http::privacy_desk(privacy)))
    })
    .await
}
