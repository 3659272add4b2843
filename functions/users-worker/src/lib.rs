//! Identity's housekeeping, once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

mod round;

use edge_spin::{Call, StartError};
use wiring_spin::Ground;

edge_spin::worker!("users-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    round::round(&Ground::of("users").await?, call).await.map(drop)
}
