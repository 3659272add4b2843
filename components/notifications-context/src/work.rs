//! What the worker does when its bell rings and once a pulse; the same over HTTP, where there is no Redis trigger.

use crate::GROUP;
use crate::app::{DeliverError, Delivered, DeliveryReport, Mailer};
use ambient::{Clock, Sleep, Timestamp};
use core::time::Duration;
use events::{EventsError, Run, Worker};
use futures::channel::oneshot;
use futures::future::{Either, join, select};
use records::{Records, RecordsError};
use serde::Serialize;
use std::pin::pin;
use std::sync::Arc;
use telemetry::{Level, log};

/// How long one round goes on taking messages that are due.
const DELIVERY_BUDGET: Duration = Duration::from_secs(4);
/// How often a round that waits for the provider looks for new events.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Everything that is to be done behind the routes.
#[derive(Clone)]
pub struct Work {
    /// Reads the streams.
    pub worker: Worker,
    /// Hands messages to their provider.
    pub mailer: Mailer,
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
    /// The messages that were due.
    pub deliveries: Result<Vec<DeliveryReport>, RecordsError>,
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
    #[error("the messages that are due could not be taken: {0}")]
    Deliveries(#[source] RecordsError),
    /// Housekeeping.
    #[error("the housekeeping was not done: {0}")]
    Maintenance(#[source] RecordsError),
}

impl Work {
    /// New events, then the messages that they made.
    pub async fn on_bell(&self) -> Round {
        let events = self.worker.on_bell().await;
        let (events, deliveries) = self.deliver(&self.worker, events, None).await;
        Round { events, deliveries, maintenance: Ok(()) }
    }

    /// What the bell missed, messages to be tried again, housekeeping; where there is an `end`, nothing is begun after it.
    pub async fn on_pulse(&self, end: Option<Timestamp>) -> Round {
        let worker = self.worker.ending_at(end);
        let events = worker.on_pulse().await;
        let (events, deliveries) = self.deliver(&worker, events, end).await;
        Round { events, deliveries, maintenance: self.records.maintain(self.clock.now()).await }
    }

    /// Delivers what is due and goes on listening until that is done: a trigger is served strictly one message after
    /// the other, so that otherwise a slow provider would hold up every inbox.
    async fn deliver(
        &self,
        worker: &Worker,
        mut events: Result<Run, EventsError>,
        end: Option<Timestamp>,
    ) -> (Result<Run, EventsError>, Result<Vec<DeliveryReport>, RecordsError>) {
        let until = self.clock.now().plus(DELIVERY_BUDGET);
        let until = end.map_or(until, |end| end.min(until));
        let (delivered, mut is_delivered) = oneshot::channel::<()>();
        let delivering = async {
            let reports = self.mailer.deliver_due(until).await;
            // Its end is the signal; nobody minds if it is not heard.
            drop(delivered);
            reports
        };
        let listening = async {
            loop {
                let pause = pin!(self.sleep.sleep(LOOK_EVERY));
                if let Either::Left(_) = select(&mut is_delivered, pause).await {
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
        let (reports, ()) = join(delivering, listening).await;
        for report in reports.iter().flatten() {
            tell(report);
        }
        (events, reports)
    }
}

fn add(run: &mut Run, more: Run) {
    run.done = run.done.saturating_add(more.done);
    run.deferred = run.deferred.saturating_add(more.deferred);
    run.parked = run.parked.saturating_add(more.parked);
    run.unsettled = run.unsettled.saturating_add(more.unsettled);
    run.left_behind |= more.left_behind;
}

/// One log line a try.
fn tell(report: &DeliveryReport) {
    let message = report.id.map(|id| id.to_string()).unwrap_or_default();
    let (level, what, detail) = match &report.result {
        Ok(Delivered::Nothing) => return,
        Ok(Delivered::Sent) => (Level::Info, "message sent", None),
        Ok(Delivered::Again { at }) => (Level::Warn, "message not taken", Some(("again_at", at.to_string()))),
        Ok(Delivered::GivenUp { reason }) => (Level::Error, "message given up", Some(("reason", reason.clone()))),
        Err(error @ (DeliverError::Records(_) | DeliverError::Template(_))) => {
            (Level::Warn, "message left to its timer", Some(("reason", error.to_string())))
        }
    };
    let mut fields = vec![("message_id", (&message).into())];
    if let Some((name, value)) = &detail {
        fields.push((*name, value.into()));
    }
    log(level, GROUP, what, &report.trace, &fields);
}

impl Round {
    /// What it did in numbers.
    ///
    /// # Errors
    /// [`RoundError`], for whoever woke the worker.
    pub fn finish(self) -> Result<Drained, RoundError> {
        let Run { done, deferred, parked, left_behind, .. } = self.events?;
        let deliveries = self.deliveries.map_err(RoundError::Deliveries)?;
        self.maintenance.map_err(RoundError::Maintenance)?;
        let sent = deliveries.iter().filter(|report| matches!(report.result, Ok(Delivered::Sent))).count();
        Ok(Drained { done, deferred, parked, sent: u32::try_from(sent).unwrap_or(u32::MAX), left_behind })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SendOutcome;
    use crate::fixtures::{Closed, House, Mailbox, NOW, ada, captured, registered};
    use crate::providers::{Carrier, Letter, Mail, Provider, Providers};
    use ambient::{CountedRandom, FixedClock};
    use async_trait::async_trait;
    use events::StreamName;
    use events_memory::MemoryEventLog;
    use futures::executor::block_on;

    /// Lets others go first, and the clock go on.
    struct Fast(FixedClock);

    #[async_trait]
    impl Sleep for Fast {
        async fn sleep(&self, duration: Duration) {
            let mut turns = 3u32;
            futures::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                turns = turns.saturating_sub(1);
                if turns == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
            self.0.advance_ms(i64::try_from(duration.as_millis()).unwrap());
        }
    }

    /// A provider that takes a letter only after a payment was captured and its receipt lies in the inbox.
    struct Slow {
        log: MemoryEventLog,
        house: crate::Notifier,
        asked: std::sync::atomic::AtomicBool,
    }

    #[async_trait]
    impl Mail for Slow {
        async fn send(&self, _letter: &Letter<'_>, _timeout: Duration) -> SendOutcome {
            if !self.asked.swap(true, std::sync::atomic::Ordering::SeqCst) {
                self.log.append(&StreamName::new("payments", 0), &captured(ada(), "p1"));
            }
            for _ in 0..10_000 {
                let unread = crate::app::unread_count(&*self.house.records, ada()).await.unwrap().unread;
                if unread == 2 {
                    return SendOutcome::Accepted { provider_id: None };
                }
                Fast(FixedClock::at(NOW)).sleep(Duration::ZERO).await;
            }
            SendOutcome::Lost { reason: "the receipt did not come".into() }
        }
    }

    fn work(house: &House, log: &MemoryEventLog, mailer: Mailer) -> Work {
        let clock = Arc::new(house.clock.clone());
        let worker = Worker::new(
            Arc::new(log.clone()),
            GROUP,
            crate::HEARS.map(|context| StreamName::new(context, 0)).into(),
            Arc::new(house.notifier.clone()),
            clock.clone(),
            Arc::new(CountedRandom::default()),
            Arc::new(Fast(house.clock.clone())),
        );
        let records = Arc::new(house.records.clone());
        Work { worker, mailer, records, clock, sleep: Arc::new(Fast(house.clock.clone())) }
    }

    #[test]
    fn one_round_carries_an_event_to_the_inbox_and_the_letter_to_its_provider() {
        let house = House::new();
        let log = MemoryEventLog::new(Arc::new(house.clock.clone()));
        let work = work(&house, &log, house.mailer.clone());
        block_on(work.on_pulse(None)).finish().unwrap();
        log.append(&StreamName::new("users", 0), &registered(ada()));
        let drained = block_on(work.on_bell()).finish().unwrap();
        assert_eq!((drained.done, drained.sent), (1, 1));
    }

    #[test]
    fn a_slow_provider_does_not_hold_up_the_inbox() {
        let house = House::new();
        let log = MemoryEventLog::new(Arc::new(house.clock.clone()));
        let slow = Slow { log: log.clone(), house: house.notifier.clone(), asked: false.into() };
        let provider = |carrier| Provider { name: "generic".into(), carrier, breaker: Arc::new(Closed::default()) };
        let all = vec![provider(Carrier::Mail(Arc::new(slow))), provider(Carrier::Sms(Arc::new(Mailbox::default())))];
        let providers = Providers::new(all, "email=generic sms=generic".parse().unwrap()).unwrap();
        let work = work(&house, &log, Mailer { providers, ..house.mailer.clone() });
        log.append(&StreamName::new("users", 0), &registered(ada()));
        let drained = block_on(work.on_pulse(None)).finish().unwrap();
        assert_eq!((drained.done, drained.sent), (2, 1), "the receipt came while the letter was under way");
    }

    #[test]
    fn a_round_that_has_to_end_leaves_what_it_has_no_time_for_to_the_next() {
        let house = House::new();
        let log = MemoryEventLog::new(Arc::new(house.clock.clone()));
        let work = work(&house, &log, house.mailer.clone());
        log.append(&StreamName::new("users", 0), &registered(ada()));
        let drained = block_on(work.on_pulse(Some(house.clock.now()))).finish().unwrap();
        assert_eq!((drained.done, drained.sent, drained.left_behind), (0, 0, true));
        let drained = block_on(work.on_pulse(Some(house.clock.now().plus(DELIVERY_BUDGET)))).finish().unwrap();
        assert_eq!((drained.done, drained.sent, drained.left_behind), (1, 1, false));
    }

    #[test]
    fn a_log_that_is_gone_stops_no_housekeeping_and_is_told() {
        let house = House::new();
        let log = MemoryEventLog::new(Arc::new(house.clock.clone()));
        log.cut(true);
        let round = block_on(work(&house, &log, house.mailer.clone()).on_pulse(None));
        assert!(round.maintenance.is_ok());
        assert!(matches!(round.finish(), Err(RoundError::Events(_))));
    }
}
