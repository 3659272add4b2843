//! What the worker does when its bell rings and once a pulse; the same over HTTP, where there is no Redis trigger.

use crate::GROUP;
use crate::app::{PassReport, Sender};
use crate::domain::{Ending, MessageState};
use ambient::{Clock, Sleep, Timestamp};
use core::time::Duration;
use events::{EventsError, Run, Worker};
use futures::channel::oneshot;
use futures::future::{Either, join, select};
use records::{Records, RecordsError};
use serde::Serialize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use telemetry::{Level, log};

/// How often a round that sends looks for new events.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Everything that is to be done behind the routes.
#[derive(Clone)]
pub struct Work {
    /// Reads the streams.
    pub worker: Worker,
    /// Hands messages to their endpoints.
    pub sender: Sender,
    /// Where everything lies.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Waiting.
    pub sleep: Arc<dyn Sleep>,
}

/// What one round came to. Its parts do not depend on each other: one that fails stops no other.
#[derive(Debug)]
pub struct Round {
    /// The streams.
    pub events: Result<Run, EventsError>,
    /// What was due: how many messages were delivered.
    pub sent: Result<u32, RecordsError>,
    /// Housekeeping, on a pulse.
    pub maintenance: Result<(), RecordsError>,
}

/// The first part of a round that failed as a whole; the next pulse tries again.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The streams.
    #[error("the streams could not be read: {0}")]
    Events(#[from] EventsError),
    /// The messages.
    #[error("what is due could not be taken: {0}")]
    Due(#[source] RecordsError),
    /// Housekeeping.
    #[error("the housekeeping was not done: {0}")]
    Maintenance(#[source] RecordsError),
}

impl Work {
    /// New events, and the messages that they made.
    pub async fn on_bell(&self) -> Round {
        let events = self.worker.on_bell().await;
        let (events, sent) = self.send(&self.worker, events, None).await;
        Round { events, sent, maintenance: Ok(()) }
    }

    /// What the bell missed, messages to be tried again, housekeeping; where there is an `end`, nothing is begun after it.
    pub async fn on_pulse(&self, end: Option<Timestamp>) -> Round {
        let worker = self.worker.ending_at(end);
        let events = worker.on_pulse().await;
        let (events, sent) = self.send(&worker, events, end).await;
        Round { events, sent, maintenance: self.records.maintain(self.clock.now()).await }
    }

    /// Sends what is due and goes on listening until that is done: a trigger is served strictly one message after the other,
    /// so that otherwise a slow endpoint would hold up every event.
    async fn send(
        &self,
        worker: &Worker,
        mut events: Result<Run, EventsError>,
        end: Option<Timestamp>,
    ) -> (Result<Run, EventsError>, Result<u32, RecordsError>) {
        let delivered = AtomicU32::new(0);
        let report = |pass: &PassReport| {
            let count = pass.tries.iter().filter(|tried| tried.ending.is_success()).count();
            delivered.fetch_add(u32::try_from(count).unwrap_or(u32::MAX), Ordering::Relaxed);
            tell(pass);
        };
        let (done, mut is_done) = oneshot::channel::<()>();
        let sending = async {
            let outcome = self.sender.send_due(&report, end).await;
            // Its end is the signal; nobody minds if it is not heard.
            drop(done);
            outcome
        };
        let listening = async {
            loop {
                let pause = pin!(self.sleep.sleep(LOOK_EVERY));
                if let Either::Left(_) = select(&mut is_done, pause).await {
                    return;
                }
                if let Ok(run) = &mut events {
                    match worker.on_bell().await {
                        Ok(more) => add(run, more),
                        Err(error) => events = Err(error),
                    }
                }
            }
        };
        let (outcome, ()) = join(sending, listening).await;
        let sent = outcome.map(|()| delivered.load(Ordering::Relaxed));
        (events, sent)
    }
}

fn add(run: &mut Run, more: Run) {
    run.done = run.done.saturating_add(more.done);
    run.deferred = run.deferred.saturating_add(more.deferred);
    run.parked = run.parked.saturating_add(more.parked);
    run.unsettled = run.unsettled.saturating_add(more.unsettled);
    run.left_behind |= more.left_behind;
}

/// One log line a try; no address and nothing of what was sent or answered.
fn tell(pass: &PassReport) {
    for tried in &pass.tries {
        let message = tried.message.to_string();
        let (level, what) = match tried.state {
            MessageState::Delivered { .. } => (Level::Info, "webhook delivered"),
            MessageState::Failed { .. } => (Level::Error, "webhook given up"),
            MessageState::Pending | MessageState::Sending => (Level::Warn, "webhook not delivered"),
        };
        let status = match tried.ending {
            Ending::Answered { status, .. } => status.to_string(),
            Ending::Open | Ending::Failed { .. } => tried.ending.word().to_owned(),
        };
        let next = tried.next.map(|next| next.to_string()).unwrap_or_default();
        let fields = [("message_id", (&message).into()), ("outcome", (&status).into()), ("next", (&next).into())];
        log(level, GROUP, what, &tried.trace, &fields);
    }
    if let Some(reason) = &pass.disabled {
        let reason = format!("{reason:?}");
        log(
            Level::Warn,
            GROUP,
            "endpoint disabled",
            &"",
            &[("timer", (&pass.timer).into()), ("reason", (&reason).into())],
        );
    }
    if let Some(error) = &pass.error {
        let reason = error.to_string();
        log(
            Level::Warn,
            GROUP,
            "left to its timer",
            &"",
            &[("timer", (&pass.timer).into()), ("reason", (&reason).into())],
        );
    }
}

impl Round {
    /// What it did in numbers.
    ///
    /// # Errors
    /// [`RoundError`], for whoever woke the worker.
    pub fn finish(self) -> Result<Drained, RoundError> {
        let Run { done, deferred, parked, left_behind, .. } = self.events?;
        let sent = self.sent.map_err(RoundError::Due)?;
        self.maintenance.map_err(RoundError::Maintenance)?;
        Ok(Drained { done, deferred, parked, sent, left_behind })
    }
}

/// The answer of `POST /internal/webhooks/drain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Drained {
    /// Events handled.
    pub done: u32,
    /// Events put off.
    pub deferred: u32,
    /// Events moved to the dead letters.
    pub parked: u32,
    /// Messages that their endpoint took.
    pub sent: u32,
    /// Whether events were left for another round.
    pub left_behind: bool,
}
