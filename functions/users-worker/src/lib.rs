//! Identity's housekeeping, once a pulse: erasures and exports whose time has come, the mark of what was acknowledged, the
//! archive of the stream, bodies that nobody will read again, and the sealing of the audit trail. Wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{Clock, Random};
use edge_spin::{Call, StartError};
use principal::TraceId;
use records::Records;
use records_redis::RedisTrail;
use std::sync::Arc;
use telemetry::Level;
use users_context::app::audit::seal;
use users_context::app::privacy::PrivacyWork;
use wiring_spin::Ground;

edge_spin::worker!("users-worker", work);

async fn work(_: Call) -> Result<(), StartError> {
    let ground = Ground::of("users").await?;
    let mut trace = [0; 16];
    ground.random.fill(&mut trace);
    let trace = TraceId::from_bytes(trace);
    let records = ground.records();
    if ground.keep_house("users-worker", core::slice::from_ref(&records)).await {
        return Ok(());
    }
    // What cannot be sealed stays where it is until an operator has looked; it must not keep the rest from being done.
    let trail = Arc::new(RedisTrail::of(records.clone()));
    if let Err(error) = seal(&*trail, &*ground.clock).await {
        let reason = error.to_string();
        let fields = [("reason", (&reason).into())];
        telemetry::log(Level::Error, "users-worker", "the audit trail was not sealed", &trace, &fields);
    }
    let privacy = PrivacyWork::new(records.clone(), trail, ground.clock.clone(), "users-worker");
    for open in privacy.on_pulse(&trace.to_string()).await? {
        let reason = open.error.to_string();
        let fields = [("record", (&open.record).into()), ("reason", (&reason).into())];
        telemetry::log(Level::Info, "users-worker", "a timer comes back", &trace, &fields);
    }
    records.maintain(ground.clock.now()).await?;
    Ok(())
}
