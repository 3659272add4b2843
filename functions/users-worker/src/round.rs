//! One round of the worker of users, whoever wakes it: erasures and exports whose time has come, the mark of what was
//! acknowledged, the archive of the stream, bodies that nobody will read again, and the sealing of the audit trail.
//! `users-drain` takes this very file.

use ambient::{Clock, Random};
use edge_spin::{Call, StartError};
use principal::TraceId;
use records::Records;
use records_redis::RedisTrail;
use std::sync::Arc;
use telemetry::Level;
use users_context::app::audit::seal;
use users_context::app::privacy::PrivacyWork;
use wiring_spin::{Drained, Ground, Kept};

/// Under which name it acts.
const NAME: &str = "users-worker";

/// What the call asks for.
pub async fn round(ground: &Ground, call: Call) -> Result<Drained<Kept>, StartError> {
    let mut trace = [0; 16];
    ground.random.fill(&mut trace);
    let trace = TraceId::from_bytes(trace);
    let records = ground.records();
    if ground.keep_house(call, NAME, core::slice::from_ref(&records)).await {
        return Ok(Drained::rebuilding());
    }
    let mut kept = Kept::default();
    // What cannot be sealed stays where it is until an operator has looked; it must not keep the rest from being done.
    let trail = Arc::new(RedisTrail::of(records.clone()));
    match seal(&*trail, &*ground.clock).await {
        Ok(rows) => kept.sealed = rows,
        Err(error) => {
            let reason = error.to_string();
            kept.failed.push("the audit trail was not sealed");
            let fields = [("reason", (&reason).into())];
            telemetry::log(Level::Error, NAME, "the audit trail was not sealed", &trace, &fields);
        }
    }
    let privacy = PrivacyWork::new(records.clone(), trail, ground.clock.clone(), NAME);
    let report = privacy.on_pulse(&trace.to_string(), call.end()).await?;
    for open in &report.unfinished {
        let reason = open.error.to_string();
        let fields = [("record", (&open.record).into()), ("reason", (&reason).into())];
        telemetry::log(Level::Info, NAME, "a timer comes back", &trace, &fields);
    }
    kept.finished = report.finished;
    kept.unfinished = u32::try_from(report.unfinished.len()).unwrap_or(u32::MAX);
    records.maintain(ground.clock.now()).await?;
    Ok(Drained::did(kept))
}
