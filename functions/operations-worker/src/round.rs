//! One round of the worker of operations, whoever wakes it: a rebuild that was ordered, the mark of what was acknowledged, bodies
//! that nobody will read again, and the sealing of the trail. `operations-drain` takes this very file.

use ambient::Clock;
use edge_spin::{Call, StartError};
use records::{Journal, Records};
use records_redis::RedisTrail;
use telemetry::Level;
use wiring_spin::{Drained, Ground, Kept};

/// Under which name it acts.
const NAME: &str = "operations-worker";

/// What the call asks for.
pub async fn round(ground: &Ground, call: Call) -> Result<Drained<Kept>, StartError> {
    let records = ground.records();
    if ground.keep_house(call, NAME, core::slice::from_ref(&records)).await {
        return Ok(Drained::rebuilding());
    }
    let mut kept = Kept::default();
    // What cannot be sealed stays where it is until somebody has looked; it must not keep the rest from being done.
    match RedisTrail::of(records.clone()).seal().await {
        Ok(sealed) => kept.sealed = sealed.rows,
        Err(error) => {
            let reason = error.to_string();
            kept.failed.push("the trail was not sealed");
            telemetry::log(Level::Error, NAME, "the trail was not sealed", &"", &[("reason", (&reason).into())]);
        }
    }
    records.maintain(ground.clock.now()).await?;
    Ok(Drained::did(kept))
}
