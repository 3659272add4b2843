//! What the worker does when its bell rings and once a pulse; the same over HTTP, where there is no Redis trigger.

use ambient::Clock;
use core::error::Error;
use events::{EventsError, Run, Worker};
use records::{Records, RecordsError};
use serde::Serialize;
use std::sync::Arc;

/// Everything that is to be done behind the routes.
#[derive(Clone)]
pub struct Work {
    /// Reads the streams.
    pub worker: Worker,
    /// Where the read models lie.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What one round came to. Its parts do not depend on each other: one that fails does not stop the other.
#[derive(Debug)]
pub struct Round {
    /// The streams.
    pub events: Result<Run, EventsError>,
    /// Housekeeping, on a pulse.
    pub maintenance: Result<(), RecordsError>,
}

impl Work {
    /// New events.
    pub async fn on_bell(&self) -> Round {
        Round { events: self.worker.on_bell().await, maintenance: Ok(()) }
    }

    /// What the bell missed, and housekeeping.
    pub async fn on_pulse(&self) -> Round {
        let events = self.worker.on_pulse().await;
        Round { events, maintenance: self.records.maintain(self.clock.now()).await }
    }
}

impl Round {
    /// The first part that failed as a whole.
    pub fn failure(&self) -> Option<&(dyn Error + 'static)> {
        let events = self.events.as_ref().err().map(|error| error as &(dyn Error + 'static));
        let maintenance = self.maintenance.as_ref().err().map(|error| error as &(dyn Error + 'static));
        events.or(maintenance)
    }
}

/// The answer of `POST /internal/queries/drain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Drained {
    /// Events handled.
    pub done: u32,
    /// Events put off.
    pub deferred: u32,
    /// Events moved to the dead letters.
    pub parked: u32,
    /// Whether events were left for another round.
    pub left_behind: bool,
}

impl From<&Round> for Drained {
    fn from(round: &Round) -> Self {
        let Run { done, deferred, parked, left_behind, .. } = round.events.as_ref().copied().unwrap_or_default();
        Self { done, deferred, parked, left_behind }
    }
}
