//! Housekeeping of what operators did, once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

mod round;

use edge_spin::{Call, StartError};
use wiring_spin::Ground;

edge_spin::worker!("operations-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    round::round(&Ground::of("operations").await?, call).await.map(drop)
}
