//! Events to read models, woken by the doorbell and once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

mod round;

use edge_spin::{Call, StartError};
use events::WorkerConfig;
use round::Round;
use wiring_spin::Ground;

edge_spin::worker!("queries-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let round = Round::of(Ground::of("queries").await?, WorkerConfig::default()).await?;
    round.run(call).await.map(drop)
}
