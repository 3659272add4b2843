//! What the worker does when its bell rings and once a pulse; the same over HTTP, where there is no Redis trigger.

use ambient::{Clock, Timestamp};
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

/// The first part of a round that failed as a whole; the next pulse tries again.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The streams.
    #[error("the streams could not be read: {0}")]
    Events(#[from] EventsError),
    /// Housekeeping.
    #[error("the housekeeping was not done: {0}")]
    Maintenance(#[from] RecordsError),
}

impl Work {
    /// New events.
    pub async fn on_bell(&self) -> Round {
        Round { events: self.worker.on_bell().await, maintenance: Ok(()) }
    }

    /// What the bell missed, and housekeeping; where there is an `end`, nothing is begun after it.
    pub async fn on_pulse(&self, end: Option<Timestamp>) -> Round {
        let events = self.worker.ending_at(end).on_pulse().await;
        Round { events, maintenance: self.records.maintain(self.clock.now()).await }
    }
}

impl Round {
    /// What it did in numbers.
    ///
    /// # Errors
    /// [`RoundError`], for whoever woke the worker.
    pub fn finish(self) -> Result<Drained, RoundError> {
        let Run { done, deferred, parked, left_behind, .. } = self.events?;
        self.maintenance?;
        Ok(Drained { done, deferred, parked, left_behind })
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
