//! Housekeeping of what operators did, once a pulse: a rebuild that was ordered, the mark of what was acknowledged, bodies that
//! nobody will read again, and the sealing of the trail. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Call, StartError};
use records::{Journal, Records};
use records_redis::RedisTrail;
use telemetry::Level;
use wiring_spin::Ground;

const NAME: &str = "operations-worker";

edge_spin::worker!("operations-worker", work);

async fn work(_: Call) -> Result<(), StartError> {
    let ground = Ground::of("operations").await?;
    let records = ground.records();
    if ground.keep_house(NAME, core::slice::from_ref(&records)).await {
        return Ok(());
    }
    // What cannot be sealed stays where it is until somebody has looked; it must not keep the rest from being done.
    if let Err(error) = RedisTrail::of(records.clone()).seal().await {
        let reason = error.to_string();
        telemetry::log(Level::Error, NAME, "the trail was not sealed", &"", &[("reason", (&reason).into())]);
    }
    records.maintain(ambient::Clock::now(&*ground.clock)).await?;
    Ok(())
}
