//! What the worker does when its bell rings and once a pulse; the same over HTTP, where there is no Redis trigger.

use crate::app::{Delivered, DeliveryReport, Mailer};
use ambient::Clock;
use core::error::Error;
use core::time::Duration;
use events::{EventsError, Run, Worker};
use records::{Records, RecordsError};
use serde::Serialize;
use std::sync::Arc;

/// How long one round goes on taking messages that are due.
const DELIVERY_BUDGET: Duration = Duration::from_secs(4);

/// Everything that is to be done behind the routes.
#[derive(Clone)]
pub struct Work {
    /// Reads the streams.
    pub worker: Worker,
    /// Hands messages to their provider; none where the component was not granted one: messages wait for a component
    /// that was.
    pub mailer: Option<Mailer>,
    /// Where everything lies.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What one round came to. Its parts do not depend on each other: one that fails stops no other.
#[derive(Debug)]
pub struct Round {
    /// The streams.
    pub events: Result<Run, EventsError>,
    /// The messages that were due.
    pub deliveries: Result<Vec<DeliveryReport>, RecordsError>,
    /// Housekeeping, on a pulse.
    pub maintenance: Result<(), RecordsError>,
}

impl Work {
    /// New events, then the messages that they made.
    pub async fn on_bell(&self) -> Round {
        let events = self.worker.on_bell().await;
        Round { events, deliveries: self.deliver().await, maintenance: Ok(()) }
    }

    /// What the bell missed, messages to be tried again, housekeeping.
    pub async fn on_pulse(&self) -> Round {
        let events = self.worker.on_pulse().await;
        let deliveries = self.deliver().await;
        Round { events, deliveries, maintenance: self.records.maintain(self.clock.now()).await }
    }

    async fn deliver(&self) -> Result<Vec<DeliveryReport>, RecordsError> {
        match &self.mailer {
            Some(mailer) => mailer.deliver_due(self.clock.now().plus(DELIVERY_BUDGET)).await,
            None => Ok(Vec::new()),
        }
    }
}

impl Round {
    /// The first part that failed as a whole.
    pub fn failure(&self) -> Option<&(dyn Error + 'static)> {
        let events = self.events.as_ref().err().map(|error| error as &(dyn Error + 'static));
        let deliveries = self.deliveries.as_ref().err().map(|error| error as &(dyn Error + 'static));
        let maintenance = self.maintenance.as_ref().err().map(|error| error as &(dyn Error + 'static));
        events.or(deliveries).or(maintenance)
    }
}

/// The answer of `POST /internal/notifications/drain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Drained {
    /// Events handled.
    pub done: u32,
    /// Events put off.
    pub deferred: u32,
    /// Events moved to the dead letters.
    pub parked: u32,
    /// Messages that their provider took.
    pub sent: u32,
    /// Whether events were left for another round.
    pub left_behind: bool,
}

impl From<&Round> for Drained {
    fn from(round: &Round) -> Self {
        let run = round.events.as_ref().copied().unwrap_or_default();
        let sent = round.deliveries.iter().flatten().filter(|report| matches!(report.result, Ok(Delivered::Sent))).count();
        Self {
            done: run.done,
            deferred: run.deferred,
            parked: run.parked,
            sent: u32::try_from(sent).unwrap_or(u32::MAX),
            left_behind: run.left_behind,
        }
    }
}
