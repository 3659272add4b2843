//! The fixture over the double.

use crate::{Failure, Fault, Fixture, Moment};
use ambient::{Clock, CountedRandom, FixedClock, Timestamp};
use async_trait::async_trait;
use core::time::Duration;
use events::Envelope;
use records::{Change, Journal, Notes, Records, Trail};
use records_memory::{MemoryRecords, MemorySnapshot, MemoryTrail};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The double under test.
pub struct OnMemory {
    clock: FixedClock,
    held: Mutex<Held>,
}

struct Held {
    records: MemoryRecords,
    saved: Option<MemorySnapshot>,
    /// What there was before it was lost.
    whole: Option<MemorySnapshot>,
}

fn fresh(clock: &FixedClock) -> Held {
    let records = MemoryRecords::new("contract", Arc::new(clock.clone()), Arc::new(CountedRandom::default()));
    Held { records, saved: None, whole: None }
}

impl OnMemory {
    /// An empty double whose clock stands still unless a case lets time pass.
    pub fn new() -> Self {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let held = Mutex::new(fresh(&clock));
        Self { clock, held }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for OnMemory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Fixture for OnMemory {
    fn records(&self) -> Arc<dyn Records> {
        Arc::new(self.held().records.clone())
    }

    fn another(&self) -> Arc<dyn Records> {
        self.records()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(self.held().records.clone())
    }

    fn notes(&self) -> Arc<dyn Notes> {
        Arc::new(self.held().records.clone())
    }

    fn trail(&self) -> Arc<dyn Trail> {
        Arc::new(MemoryTrail::of(self.held().records.clone()))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn reset(&self) -> Result<(), Failure> {
        *self.held() = fresh(&self.clock);
        Ok(())
    }

    fn inject(&self, fault: Option<Fault>) {
        let records = &self.held().records;
        match fault {
            Some(Fault::LoseAnswers) => records.fail_next_commit_after(),
            Some(Fault::CrashBefore | Fault::CrashBeforeBody) => records.fail_next_commit_before(),
            Some(Fault::Pause(pause)) => records.pause_next_commit(pause),
            // There is no way on which one answer could be lost and asked for again; and each fault ends by itself.
            Some(Fault::LoseOneAnswer) | None => {}
        }
    }

    fn overtake(&self, moment: Moment, change: Change) {
        let records = &self.held().records;
        match moment {
            Moment::BeforeTheStep => records.overtake_next_commit_before(change),
            Moment::BeforeTheAnswer => records.overtake_next_commit_after(change),
        }
    }

    async fn events(&self) -> Result<Vec<Envelope>, Failure> {
        Ok(self.held().records.events())
    }

    async fn bodies(&self) -> Result<Option<usize>, Failure> {
        Ok(None)
    }

    async fn pass(&self, duration: Duration) {
        self.clock.advance_ms(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    }

    async fn sweep(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// The double keeps no bodies: it remembers what there was.
    async fn rebuild(&self) -> Result<Vec<String>, Failure> {
        let mut held = self.held();
        let whole = held.whole.take().ok_or_else(|| Failure("nothing was lost".into()))?;
        held.records.restore(whole);
        Ok(Vec::new())
    }

    async fn age_garbage(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn save(&self) -> Result<(), Failure> {
        let mut held = self.held();
        held.saved = Some(held.records.snapshot());
        Ok(())
    }

    async fn fall_back(&self) -> Result<(), Failure> {
        let mut held = self.held();
        let saved = held.saved.take().ok_or_else(|| Failure("nothing was saved".into()))?;
        held.whole = Some(held.records.snapshot());
        held.records.restore(saved);
        Ok(())
    }

    async fn lose(&self) -> Result<(), Failure> {
        let mut held = self.held();
        held.whole = Some(held.records.snapshot());
        held.records.lose_everything();
        Ok(())
    }
}
