//! Consumers that count their effects, and a worker with the bounds of the suite.

use crate::Fixture;
use crate::fixture::{GROUP, IDLE, stream};
use async_trait::async_trait;
use core::future::pending;
use core::time::Duration;
use events::{Consumer, Envelope, EventId, Handled, Journal, Verdict, Worker, WorkerConfig};
use futures::future::{Either, select};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What a consumer does with an event at its nth sight (from 1).
pub(crate) enum Act {
    /// Gives this verdict.
    Say(Verdict),
    /// Takes the worker and everything in its hands down, as a trap does.
    Trap,
}

/// Counts sights and effects; an effect happens once an event, as with a once-row.
pub(crate) struct Counting<F> {
    act: F,
    sights: Mutex<BTreeMap<EventId, u32>>,
    effects: Mutex<BTreeMap<EventId, u32>>,
    trapped: Mutex<bool>,
}

impl<F: Fn(&Envelope, u32) -> Act + Send + Sync> Counting<F> {
    pub fn new(act: F) -> Arc<Self> {
        Arc::new(Self { act, sights: Mutex::default(), effects: Mutex::default(), trapped: Mutex::default() })
    }

    /// How many events had their effect, and whether each had it once.
    pub fn effects(&self) -> (usize, bool) {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        (effects.len(), effects.values().all(|times| *times == 1))
    }

    /// How often any event was seen.
    pub fn sights(&self) -> u32 {
        self.sights.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn has_trapped(&self) -> bool {
        *self.trapped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_trapped(&self, trapped: bool) {
        *self.trapped.lock().unwrap_or_else(PoisonError::into_inner) = trapped;
    }
}

#[async_trait]
impl<F: Fn(&Envelope, u32) -> Act + Send + Sync> Consumer for Counting<F> {
    async fn handle(&self, event: &Envelope) -> Verdict {
        let sight = {
            let mut sights = self.sights.lock().unwrap_or_else(PoisonError::into_inner);
            let sight = sights.entry(event.id.clone()).or_default();
            *sight += 1;
            *sight
        };
        match (self.act)(event, sight) {
            Act::Trap => {
                self.set_trapped(true);
                pending().await
            }
            Act::Say(verdict) => {
                if verdict == Verdict::Done {
                    // The once-row: a second delivery finds the effect and changes nothing.
                    let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
                    effects.entry(event.id.clone()).or_insert(1);
                }
                verdict
            }
        }
    }
}

/// Keeps nothing.
struct Silent;

impl Journal for Silent {
    fn handled(&self, _handled: &Handled<'_>) {}
}

/// A worker on the fixture's log.
pub(crate) fn worker(fixture: &dyn Fixture, consumer: Arc<dyn Consumer>) -> Worker {
    let config = WorkerConfig {
        abandoned_after: IDLE,
        handling_limit: Duration::from_secs(60),
        poll: Duration::from_millis(5),
        jitter_permille: 0,
        max_deliveries: 5,
        ..WorkerConfig::default()
    };
    Worker::new(fixture.log(), GROUP, vec![stream()], consumer, fixture.clock(), fixture.random(), fixture.sleep())
        .with_config(config)
        .with_journal(Arc::new(Silent))
}

/// A pulse's visit that ends where the consumer traps: whether it did.
pub(crate) async fn pulse_or_trap<F>(fixture: &dyn Fixture, consumer: &Arc<Counting<F>>) -> Result<bool, crate::Failure>
where
    F: Fn(&Envelope, u32) -> Act + Send + Sync + 'static,
{
    consumer.set_trapped(false);
    let worker = worker(fixture, consumer.clone());
    let visit = Box::pin(worker.on_pulse());
    let sleep = fixture.sleep();
    let trap = Box::pin(async {
        while !consumer.has_trapped() {
            sleep.sleep(Duration::from_millis(5)).await;
        }
    });
    match select(visit, trap).await {
        Either::Left((run, _)) => run.map(|_| false).map_err(Into::into),
        // Dropping the visit drops all that it had in its hands.
        Either::Right(_) => Ok(true),
    }
}
