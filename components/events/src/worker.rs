//! The loop: what a worker does when its bell rings, and what it looks after once a pulse.
//!
//! What lives here: the order of a visit and its bounds. What does not: the concurrency of first deliveries
//! ([`drain`]) and what becomes of a single one ([`settle`]).
//!
//! A visit is bounded in time, because stock Spin serves one message of an address after the other and a trigger that
//! never returns hears nothing more. What it leaves behind it rings for.

mod drain;
mod journal;
mod settle;

pub use journal::{Handled, Journal, LogJournal, Settled};

use crate::{Consumer, Delivery, EventLog, EventsError, StreamName};
use ambient::{Clock, Random, Sleep, Timestamp};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

/// The bounds of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerConfig {
    /// How long a visit goes on reading; what is in hand then is finished.
    pub budget: Duration,
    /// How long a pulse's visit goes on taking abandoned entries and replays after that.
    pub suspects_budget: Duration,
    /// How many entries one read takes.
    pub batch: u32,
    /// How many first deliveries are handled at once.
    pub concurrency: usize,
    /// How often an entry is handed out before it goes to the dead letters.
    pub max_deliveries: u32,
    /// After how long an entry that nobody settled counts as abandoned; longer than `handling_limit`.
    pub abandoned_after: Duration,
    /// How long one delivery may take; it is dropped then and comes back as an abandoned one.
    pub handling_limit: Duration,
    /// How often a worker that is busy with slow deliveries looks for new ones.
    pub poll: Duration,
    /// The shortest first wait before a retry, whatever the consumer asks for.
    pub least_wait: Duration,
    /// How often an entry may be put off before it goes to the dead letters; `None`: as long as it takes.
    pub max_retries: Option<u32>,
    /// The longest wait between two retries.
    pub retry_cap: Duration,
    /// Thousandths by which a wait may be lengthened, by chance.
    pub jitter_permille: u32,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            budget: Duration::from_secs(8),
            suspects_budget: Duration::from_secs(4),
            batch: 16,
            concurrency: 16,
            // An event that kills its worker costs twenty instances in ten minutes, each alone; one that was only in hand
            // while the host died again and again gets through (docs/reliability.md).
            max_deliveries: 20,
            abandoned_after: Duration::from_secs(30),
            handling_limit: Duration::from_secs(20),
            poll: Duration::from_millis(25),
            least_wait: Duration::ZERO,
            // A dependency that is down for a weekend costs no event.
            max_retries: None,
            retry_cap: Duration::from_secs(3600),
            jitter_permille: 200,
        }
    }
}

impl WorkerConfig {
    /// The bounds of a worker that a request wakes: what is in hand must be finished while somebody waits for the answer.
    #[must_use]
    pub fn of_a_request() -> Self {
        Self {
            budget: Duration::from_secs(4),
            suspects_budget: Duration::from_secs(2),
            handling_limit: Duration::from_secs(3),
            ..Self::default()
        }
    }
}

/// What one visit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// Deliveries that ended for good with the consumer's `Done`.
    pub done: u32,
    /// Deliveries put off.
    pub deferred: u32,
    /// Deliveries moved to the dead letters.
    pub parked: u32,
    /// Deliveries that nobody settled: they come back as abandoned ones.
    pub unsettled: u32,
    /// Whether entries were left, and the bell was rung for them.
    pub left_behind: bool,
}

/// One consumer group's worker.
#[derive(Clone)]
pub struct Worker {
    log: Arc<dyn EventLog>,
    group: String,
    streams: Vec<StreamName>,
    consumer: Arc<dyn Consumer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sleep: Arc<dyn Sleep>,
    journal: Arc<dyn Journal>,
    config: WorkerConfig,
    end: Option<Timestamp>,
}

impl Worker {
    /// A worker of the group (named as its component, such as `notifications-worker`) that hears these streams.
    pub fn new(
        log: Arc<dyn EventLog>,
        group: impl Into<String>,
        streams: Vec<StreamName>,
        consumer: Arc<dyn Consumer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        sleep: Arc<dyn Sleep>,
    ) -> Self {
        let (group, config) = (group.into(), WorkerConfig::default());
        Self { log, group, streams, consumer, clock, random, sleep, journal: Arc::new(LogJournal), config, end: None }
    }

    /// With other bounds.
    #[must_use]
    pub fn with_config(mut self, config: WorkerConfig) -> Self {
        self.config = config;
        self
    }

    /// The same worker, whose visits begin nothing after that moment, whatever their budgets say.
    #[must_use]
    pub fn ending_at(&self, end: Option<Timestamp>) -> Self {
        Self { end, ..self.clone() }
    }

    /// With another place for what became of each delivery than the log.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = journal;
        self
    }

    /// What the bell calls for: new entries, several at once, until there are none or the time is over.
    ///
    /// # Errors
    /// [`EventsError::Unavailable`] when the log was gone; what was in hand is settled as far as it could be, the rest
    /// comes back.
    pub async fn on_bell(&self) -> Result<Run, EventsError> {
        let mut run = Run::default();
        self.drain(VecDeque::new(), self.until(self.config.budget), &mut run).await?;
        self.ring_for_the_rest(&run).await?;
        Ok(run)
    }

    /// What the pulse calls for, once a second: makes sure of the subscriptions, takes entries whose wait is over and
    /// new ones whose bell was missed; then, one at a time and alone, what may have killed a worker before: abandoned
    /// entries and replays.
    ///
    /// # Errors
    /// As [`Self::on_bell`].
    pub async fn on_pulse(&self) -> Result<Run, EventsError> {
        for stream in &self.streams {
            self.log.subscribe(&self.group, stream).await?;
        }
        let mut run = Run::default();
        let until = self.until(self.config.budget);
        let mut suspects = Vec::new();
        loop {
            let due = self.log.claim_due(&self.group, self.config.batch).await?;
            let full = due.len() >= self.config.batch as usize;
            let (first, again): (Vec<_>, Vec<_>) = due.into_iter().partition(|d| d.receipt.deliveries <= 1);
            suspects.extend(again);
            self.drain(first.into(), until, &mut run).await?;
            if !full || self.is_over(until) {
                break;
            }
        }
        self.handle_suspects(suspects, &mut run).await?;
        self.ring_for_the_rest(&run).await?;
        Ok(run)
    }

    /// Handles, each alone, what was handed out before without an answer. Whatever happens here happens to no other.
    async fn handle_suspects(&self, suspects: Vec<Delivery>, run: &mut Run) -> Result<(), EventsError> {
        for suspect in suspects {
            self.handle_alone(suspect, run).await?;
        }
        let until = self.until(self.config.suspects_budget);
        for stream in &self.streams {
            while !self.is_over(until) {
                match self.log.claim_abandoned(&self.group, stream, self.config.abandoned_after).await {
                    Ok(Some(suspect)) => self.handle_alone(suspect, run).await?,
                    Ok(None) => break,
                    Err(EventsError::NotSubscribed { .. }) => break,
                    Err(error) => return Err(error),
                }
            }
        }
        while !self.is_over(until) {
            match self.log.claim_replay(&self.group, self.config.abandoned_after).await? {
                Some(replayed) => self.handle_alone(replayed, run).await?,
                None => break,
            }
        }
        Ok(())
    }

    async fn handle_alone(&self, delivery: Delivery, run: &mut Run) -> Result<(), EventsError> {
        let receipt = delivery.receipt.clone();
        let settled = self.settle(delivery).await;
        if run.count(&settled) {
            self.log.acknowledge(&self.group, &[receipt]).await?;
        }
        match settled {
            Settled::Lost(error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn ring_for_the_rest(&self, run: &Run) -> Result<(), EventsError> {
        if run.left_behind { self.log.ring(&self.group).await } else { Ok(()) }
    }

    fn until(&self, budget: Duration) -> Timestamp {
        let until = self.clock.now().plus(budget);
        self.end.map_or(until, |end| end.min(until))
    }

    fn is_over(&self, until: Timestamp) -> bool {
        self.clock.now() >= until
    }
}

impl Run {
    /// Counts what became of a delivery; whether it is to be acknowledged.
    fn count(&mut self, settled: &Settled) -> bool {
        let counter = match settled {
            Settled::Done => &mut self.done,
            Settled::Deferred { .. } => &mut self.deferred,
            Settled::Parked { .. } => &mut self.parked,
            Settled::TimedOut | Settled::Lost(_) => &mut self.unsettled,
        };
        *counter = counter.saturating_add(1);
        matches!(settled, Settled::Done)
    }
}
