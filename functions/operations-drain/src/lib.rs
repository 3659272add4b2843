//! Housekeeping of what operators did over HTTP, where there is no Redis trigger: what the worker does. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../operations-worker/src/round.rs"]
mod round;

use edge_spin::{Front, StartError};
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Arc::new(Ground::of("operations").await?);
    let service = ground.service("operations-drain").await?;
    Ok(service.drain(move |call| {
        let ground = Arc::clone(&ground);
        async move { round::round(&ground, call).await }
    }))
}
