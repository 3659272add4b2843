//! Events to messages and messages to their providers over HTTP, where there is no Redis trigger: what the worker does. Wiring,
//! and nothing else.

#![cfg(target_family = "wasm")]

#[path = "../../notifications-worker/src/round.rs"]
mod round;

use edge_spin::{Front, StartError};
use events::WorkerConfig;
use round::Round;
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("notifications").await?;
    let service = ground.service("notifications-drain").await?;
    let round = Arc::new(Round::of(ground, WorkerConfig::of_a_request()).await?);
    Ok(service.drain(move |call| {
        let round = Arc::clone(&round);
        async move { round.run(call).await }
    }))
}
