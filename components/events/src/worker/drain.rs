//! New entries: read from every stream, handled several at once, acknowledged in batches.
//!
//! Reading goes on while deliveries are in flight: one that waits for a slow provider must not hold up the others,
//! because no second message of the trigger's address is served before this one ends.

use super::{Run, Settled, Worker};
use crate::{Delivery, EventsError, Receipt, WhenEmpty};
use ambient::Timestamp;
use core::pin::Pin;
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::VecDeque;

/// What is known of one stream during a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// To be read as soon as there are hands.
    Open,
    /// A read is under way.
    Reading,
    /// Probably empty, its bell silent: read again at the next look, and before leaving.
    Quiet,
    /// Empty, its bell armed.
    Left,
}

/// One thing that came to its end.
enum Step {
    Read { source: usize, when_empty: WhenEmpty, found: Result<Vec<Delivery>, EventsError> },
    Settled { receipt: Receipt, settled: Settled },
    Acknowledged(Result<(), EventsError>),
    Look,
}

type Task<'a> = Pin<Box<dyn Future<Output = Step> + Send + 'a>>;

/// The state of one visit.
struct Visit<'a> {
    worker: &'a Worker,
    tasks: FuturesUnordered<Task<'a>>,
    sources: Vec<Source>,
    ready: VecDeque<Delivery>,
    settled: Vec<Receipt>,
    handling: usize,
    reading: usize,
    acknowledging: usize,
    looking: bool,
    failure: Option<EventsError>,
}

impl Worker {
    /// Handles what is `ready` and what the streams hold, until they are empty or the time is over.
    pub(super) async fn drain(
        &self,
        ready: VecDeque<Delivery>,
        until: Timestamp,
        run: &mut Run,
    ) -> Result<(), EventsError> {
        let mut visit = Visit {
            worker: self,
            tasks: FuturesUnordered::new(),
            sources: vec![Source::Open; self.streams.len()],
            ready,
            settled: Vec::new(),
            handling: 0,
            reading: 0,
            acknowledging: 0,
            looking: false,
            failure: None,
        };
        loop {
            let over = visit.failure.is_some() || self.is_over(until);
            visit.handle();
            visit.acknowledge();
            if !over {
                visit.read();
                visit.look_again();
            }
            if visit.is_idle() {
                break;
            }
            let Some(step) = visit.tasks.next().await else { break };
            visit.take(step, run);
        }
        run.left_behind = visit.sources.iter().any(|source| *source != Source::Left);
        visit.failure.map_or(Ok(()), Err)
    }
}

impl Visit<'_> {
    /// Starts deliveries while there are hands.
    fn handle(&mut self) {
        while self.handling < self.worker.config.concurrency.max(1) {
            let Some(delivery) = self.ready.pop_front() else { break };
            let worker = self.worker;
            self.handling += 1;
            self.tasks.push(Box::pin(async move {
                let receipt = delivery.receipt.clone();
                Step::Settled { receipt, settled: worker.settle(delivery).await }
            }));
        }
    }

    /// Acknowledges a batch, or the rest once nothing is in flight.
    fn acknowledge(&mut self) {
        let enough = self.settled.len() >= self.worker.config.batch as usize;
        let last = self.handling == 0 && self.ready.is_empty();
        if self.settled.is_empty() || !(enough || last) {
            return;
        }
        let (worker, receipts) = (self.worker, core::mem::take(&mut self.settled));
        self.acknowledging += 1;
        self.tasks
            .push(Box::pin(async move { Step::Acknowledged(worker.log.acknowledge(&worker.group, &receipts).await) }));
    }

    /// Reads every stream that may hold something, while there are hands.
    fn read(&mut self) {
        let free = self.handling < self.worker.config.concurrency.max(1) && self.ready.is_empty();
        if !free {
            return;
        }
        let at_rest = self.handling == 0;
        let when_empty = if at_rest { WhenEmpty::Leave } else { WhenEmpty::Stay };
        for (source, state) in self.sources.iter_mut().enumerate() {
            let due = *state == Source::Open || (at_rest && *state == Source::Quiet);
            let (worker, Some(stream)) = (self.worker, self.worker.streams.get(source)) else { continue };
            if !due {
                continue;
            }
            *state = Source::Reading;
            self.reading += 1;
            self.tasks.push(Box::pin(async move {
                let limit = worker.config.batch;
                let found = match worker.log.read(&worker.group, stream, limit, when_empty).await {
                    // Never subscribed, or lost with the server's memory: then from the beginning.
                    Err(EventsError::NotSubscribed { .. }) => match worker.log.subscribe(&worker.group, stream).await {
                        Ok(_) => worker.log.read(&worker.group, stream, limit, when_empty).await,
                        Err(error) => Err(error),
                    },
                    found => found,
                };
                Step::Read { source, when_empty, found }
            }));
        }
    }

    /// While deliveries are in flight and nothing else is to do, looks for new entries every now and then.
    fn look_again(&mut self) {
        if self.looking || self.handling == 0 || self.reading > 0 {
            return;
        }
        self.looking = true;
        let worker = self.worker;
        self.tasks.push(Box::pin(async move {
            worker.sleep.sleep(worker.config.poll).await;
            Step::Look
        }));
    }

    /// Whether all has come to its end; a sleep may still run.
    fn is_idle(&self) -> bool {
        self.handling == 0 && self.reading == 0 && self.acknowledging == 0 && self.ready.is_empty()
    }

    fn take(&mut self, step: Step, run: &mut Run) {
        match step {
            Step::Read { source, when_empty, found } => {
                self.reading -= 1;
                let next = match found {
                    Ok(found) => self.found(found, when_empty),
                    Err(error) => {
                        self.failure.get_or_insert(error);
                        Source::Open
                    }
                };
                if let Some(state) = self.sources.get_mut(source) {
                    *state = next;
                }
            }
            Step::Settled { receipt, settled } => {
                self.handling -= 1;
                if run.count(&settled) {
                    self.settled.push(receipt);
                }
                if let Settled::Lost(error) = settled {
                    self.failure.get_or_insert(error);
                }
            }
            Step::Acknowledged(answer) => {
                self.acknowledging -= 1;
                if let Err(error) = answer {
                    self.failure.get_or_insert(error);
                }
            }
            Step::Look => {
                self.looking = false;
                for state in self.sources.iter_mut().filter(|state| matches!(state, Source::Quiet | Source::Left)) {
                    *state = Source::Open;
                }
            }
        }
    }

    /// What a read says about its stream.
    fn found(&mut self, found: Vec<Delivery>, when_empty: WhenEmpty) -> Source {
        let count = found.len();
        self.ready.extend(found);
        if count >= self.worker.config.batch as usize {
            Source::Open
        } else if count > 0 || when_empty == WhenEmpty::Stay {
            Source::Quiet
        } else {
            Source::Left
        }
    }
}
