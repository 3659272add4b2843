//! Identity's housekeeping, once a pulse: the mark of what was acknowledged, bodies that nobody will read again, and the
//! sealing of the audit trail. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{Clock, Random};
use edge_spin::{Call, StartError};
use principal::TraceId;
use records::Records;
use records_redis::RedisTrail;
use telemetry::Level;
use users_context::app::audit::seal;
use wiring_spin::Ground;

edge_spin::worker!("users-worker", work);

async fn work(_: Call) -> Result<(), StartError> {
    let ground = Ground::of("users").await?;
    let records = ground.records();
    // What cannot be sealed stays where it is until an operator has looked; it must not keep the rest from being done.
    if let Err(error) = seal(&RedisTrail::of(records.clone()), &*ground.clock).await {
        let mut trace = [0; 16];
        ground.random.fill(&mut trace);
        let reason = error.to_string();
        let fields = [("reason", (&reason).into())];
        telemetry::log(
            Level::Error,
            "users-worker",
            "the audit trail was not sealed",
            &TraceId::from_bytes(trace),
            &fields,
        );
    }
    records.maintain(ground.clock.now()).await?;
    Ok(())
}
