//! The records port in memory: a test double with the rules of the real one, and switches for its faults.
//!
//! What lives here: one mutex around one state (`state`), changed only when every check has passed (`checks`). What
//! does not: bodies, scripts, connections; nothing survives the value. The contract suite `records-contract` holds it
//! to the same sentences as the adapter on Redis.

mod checks;
mod journal;
mod state;

pub use journal::MemoryTrail;

use ambient::{Clock, Random, Timestamp};
use async_trait::async_trait;
use core::time::Duration;
use events::Envelope;
use records::{
    AccountKey, Balance, Change, Cursor, DueTimer, IndexEntry, IndexName, LedgerRow, MAX_PAGE, OnceKey, OnceState,
    Outcome, Page, Record, RecordKey, Records, RecordsError, TrailRow, TrialBalance,
};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the next commit fails.
#[derive(Debug, Clone, PartialEq)]
enum Fault {
    /// Nothing is carried out and there is no answer.
    Before,
    /// Everything is carried out and there is no answer.
    After,
    /// The writer sleeps this long between its body and the committing step.
    Pause(Duration),
    /// Another writer commits this while the first sleeps between its body and the committing step.
    OvertakenBefore(Box<Change>),
    /// Another writer commits this upon the first, whose answer is lost and who asks again.
    OvertakenAfter(Box<Change>),
}

/// The whole of a store at one moment.
#[derive(Clone)]
pub struct MemorySnapshot(State);

/// Records of one context, in memory. Clones share the same state.
#[derive(Clone)]
pub struct MemoryRecords {
    context: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    state: Arc<Mutex<State>>,
    faults: Arc<Mutex<Vec<Fault>>>,
}

impl MemoryRecords {
    /// Empty records of a context such as `payments`; the clock stands for that of Redis too.
    pub fn new(context: &str, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { context: context.to_owned(), clock, random, state: Arc::default(), faults: Arc::default() }
    }

    /// Every event so far, in the order of the stream.
    pub fn events(&self) -> Vec<Envelope> {
        self.state().events.clone()
    }

    /// The contents of all records and the summaries of all indexes as they are now, for tests that look for traces.
    pub fn bodies(&self) -> Vec<String> {
        let state = self.state();
        let contents = state.records.values().filter_map(|record| record.content.as_ref());
        let contents = contents.map(|content| String::from_utf8_lossy(content).into_owned());
        contents.chain(state.indexes.values().flat_map(|entries| entries.values().cloned())).collect()
    }

    /// Every leg so far, in the order of the journal.
    pub fn ledger(&self) -> Vec<LedgerRow> {
        self.state().ledger.clone()
    }

    /// Every row of the audit trail so far.
    pub fn trail(&self) -> Vec<TrailRow> {
        self.state().trail.clone()
    }

    /// The timers that are set: name, record, due (or the end of the lease where one runs).
    pub fn timers(&self) -> Vec<(String, RecordKey, Timestamp)> {
        let timer =
            |((name, key), timer): (&(String, RecordKey), &state::Timer)| (name.clone(), key.clone(), timer.due);
        self.state().timers.iter().map(timer).collect()
    }

    /// How many changes were committed.
    pub fn commits(&self) -> u64 {
        self.state().commits
    }

    /// The next commit fails with [`RecordsError::Unavailable`] and is not carried out.
    pub fn fail_next_commit_before(&self) {
        self.fault(Fault::Before);
    }

    /// The next commit is carried out, but its answer is lost: the caller sees [`RecordsError::Unavailable`].
    pub fn fail_next_commit_after(&self) {
        self.fault(Fault::After);
    }

    /// The writer of the next commit sleeps between its body and the committing step.
    pub fn pause_next_commit(&self, pause: Duration) {
        self.fault(Fault::Pause(pause));
    }

    /// Another writer commits this change just before the next commit does, after that has written its body.
    pub fn overtake_next_commit_before(&self, change: Change) {
        self.fault(Fault::OvertakenBefore(Box::new(change)));
    }

    /// The next commit is carried out and its answer lost; another writer commits this change upon it; then the first
    /// asks again.
    pub fn overtake_next_commit_after(&self, change: Change) {
        self.fault(Fault::OvertakenAfter(Box::new(change)));
    }

    /// The store comes back empty, as a Redis without its files: loads and commits answer
    /// [`RecordsError::RolledBack`] from now on.
    pub fn lose_everything(&self) {
        self.restore(MemorySnapshot(State::default()));
    }

    /// What the store holds now.
    pub fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot(self.state().clone())
    }

    /// The store falls back to an earlier state: where that knows fewer commits than were acknowledged, commits answer
    /// [`RecordsError::RolledBack`] from now on, while what is there can be read.
    pub fn restore(&self, snapshot: MemorySnapshot) {
        let mut state = self.state();
        let acknowledged = state.acknowledged.max(state.commits);
        *state = State { acknowledged, ..snapshot.0 };
    }

    fn fault(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    fn next_fault(&self) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.is_empty() { None } else { Some(faults.remove(0)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Records for MemoryRecords {
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        let state = self.state();
        if state.commits == 0 {
            state.alive()?;
        }
        Ok(state.records.get(key).cloned())
    }

    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError> {
        change.check_limits()?;
        let fault = self.next_fault();
        if fault == Some(Fault::Before) {
            return Err(RecordsError::Unavailable("the commit failed before it was carried out".into()));
        }
        let now = self.clock.now();
        let body = || ambient::uuid_v7(&*self.clock, &*self.random);
        let step = |change, pause| self.state().commit(&self.context, change, body(), pause, now);
        match fault {
            Some(Fault::Pause(pause)) => step(change, pause),
            Some(Fault::After) => {
                step(change, Duration::ZERO)?;
                Err(RecordsError::Unavailable("the answer to the commit was lost".into()))
            }
            Some(Fault::OvertakenBefore(other)) => {
                step(*other, Duration::ZERO)?;
                step(change, Duration::ZERO)
            }
            Some(Fault::OvertakenAfter(other)) => {
                step(change.clone(), Duration::ZERO)?;
                step(*other, Duration::ZERO)?;
                step(change, Duration::ZERO)
            }
            Some(Fault::Before) | None => step(change, Duration::ZERO),
        }
    }

    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        Ok(self.state().once_row(key, self.clock.now()).map(state::OnceRow::shown))
    }

    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError> {
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(RecordsError::Invalid(format!("a page has 1 to {MAX_PAGE} entries")));
        }
        let after = after.map(Cursor::place).transpose()?;
        let state = self.state();
        let Some(entries) = state.indexes.get(index) else { return Ok(Page::default()) };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut rest = entries.iter().rev().filter(|(place, _)| after.as_ref().is_none_or(|after| *place < after)).map(
            |((sort, key), summary)| IndexEntry { key: key.clone(), sort: sort.clone(), summary: summary.clone() },
        );
        let entries: Vec<_> = rest.by_ref().take(limit).collect();
        let next = match (entries.last(), rest.next()) {
            (Some(last), Some(_)) => Some(Cursor::at(&last.sort, &last.key)),
            _ => None,
        };
        Ok(Page { entries, next })
    }

    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError> {
        Ok(self.state().indexes.get(index).map_or(0, |entries| entries.len() as u64))
    }

    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        let state = self.state();
        Ok(accounts.iter().map(|account| state.balance(account)).collect())
    }

    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        let line = |(currency, &(sum_minor, legs)): (&String, &(i64, u64))| TrialBalance {
            currency: currency.clone(),
            sum_minor,
            legs,
        };
        Ok(self.state().trial.iter().map(line).collect())
    }

    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        let mut state = self.state();
        state.alive()?;
        Ok(state.claim(limit, lease, self.clock.now()))
    }

    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        self.state().finish(timer);
        Ok(())
    }

    async fn maintain(&self, _now: Timestamp) -> Result<(), RecordsError> {
        self.state().alive()
    }

    async fn ready(&self) -> Result<(), RecordsError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::{CountedRandom, FixedClock};
    use records::{Content, Meta, Refusal};

    fn records() -> MemoryRecords {
        MemoryRecords::new(
            "test",
            Arc::new(FixedClock::at("2026-01-01T00:00:00.000Z")),
            Arc::new(CountedRandom::default()),
        )
    }

    fn create() -> Change {
        let meta = Meta { at: Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None };
        Change::new(RecordKey::new("thing:1").unwrap(), None, Content::Body("{}".into()), meta)
    }

    #[tokio::test]
    async fn a_commit_that_failed_before_left_nothing_and_one_that_failed_after_left_all() {
        let records = records();
        records.fail_next_commit_before();
        assert!(matches!(records.commit(create()).await, Err(RecordsError::Unavailable(_))));
        assert_eq!(records.commits(), 0);
        records.fail_next_commit_after();
        assert!(matches!(records.commit(create()).await, Err(RecordsError::Unavailable(_))));
        assert_eq!(records.commits(), 1);
        assert!(matches!(records.commit(create()).await, Ok(Outcome::Conflict { found: Some(_) })));
    }

    #[tokio::test]
    async fn a_writer_that_slept_is_refused_and_a_loss_stops_everything() {
        let records = records();
        records.pause_next_commit(Duration::from_secs(3601));
        assert_eq!(records.commit(create()).await, Ok(Outcome::Refused(Refusal::Stale)));
        assert!(matches!(records.commit(create()).await, Ok(Outcome::Committed(_))));
        records.lose_everything();
        let lost = RecordsError::RolledBack { found: 0, acknowledged: 1 };
        assert_eq!(records.commit(create()).await, Err(lost));
    }
}
