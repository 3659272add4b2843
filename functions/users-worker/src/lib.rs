//! Identity's housekeeping, once a pulse: the mark of what was acknowledged, bodies that nobody will read again.
//! Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::Clock;
use edge_spin::{Call, StartError};
use records::Records;
use wiring_spin::Ground;

edge_spin::worker!("users-worker", work);

async fn work(_: Call) -> Result<(), StartError> {
    let ground = Ground::of("users").await?;
    ground.records().maintain(ground.clock.now()).await?;
    Ok(())
}
