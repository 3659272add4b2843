//! Payments' timers, once a pulse: outcomes that are unknown, holds that ran out; the sealing and checking of the journal;
//! and, woken by the doorbell too, people who take their data along or away. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

mod round;

use edge_spin::{Call, StartError};
use events::WorkerConfig;
use round::Round;
use wiring_spin::Ground;

edge_spin::worker!("payments-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let round = Round::of(Ground::of("payments").await?, WorkerConfig::default()).await?;
    round.run(call).await.map(drop)
}
