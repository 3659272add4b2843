//! Identity over HTTP, access: the audit trail and API keys. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../users/src/wiring.rs"]
mod wiring;

use edge_spin::{Front, StartError};
use records_redis::RedisTrail;
use std::sync::Arc;
use users_context::{Access, http};

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    wiring::front("users-access", |users, records, _| {
        let access = Access { users, trail: Arc::new(RedisTrail::of(records)) };
        http::access(access)
    })
    .await
}
