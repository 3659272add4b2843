//! Records that fail at one call, counted over all kinds of calls: before the effect, or after it with the answer lost.

use ambient::Timestamp;
use async_trait::async_trait;
use core::time::Duration;
use records::{
    AccountKey, Balance, Change, Cursor, DueTimer, IndexEntry, IndexName, OnceKey, OnceState, Outcome, Page, Record,
    RecordKey, Records, RecordsError, TrialBalance,
};
use records_memory::MemoryRecords;
use std::sync::{Arc, Mutex, PoisonError};

/// When the effect of the failing call happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Never: the process died, or the store was gone.
    Before,
    /// It happened, and nobody knows.
    After,
}

#[derive(Debug, Default)]
struct Plan {
    calls: u32,
    at: Option<(u32, Loss)>,
    fired: bool,
}

/// The double with its plan. Clones share both.
#[derive(Clone)]
pub struct FaultyRecords {
    inner: MemoryRecords,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyRecords {
    pub fn new(inner: MemoryRecords) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// The `number`th call from now on fails.
    pub fn fail_at(&self, number: u32, loss: Loss) {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        *plan = Plan { calls: 0, at: Some((number, loss)), fired: false };
    }

    /// Whether the planned call was reached.
    pub fn fired(&self) -> bool {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).fired
    }

    /// How many calls there were since the plan was made.
    pub fn calls(&self) -> u32 {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).calls
    }

    /// What is to go wrong with this call.
    fn next(&self) -> Option<Loss> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.calls += 1;
        let (at, loss) = plan.at?;
        plan.fired |= plan.calls == at;
        (plan.calls == at).then_some(loss)
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, RecordsError>> + Send) -> Result<T, RecordsError> {
        let loss = self.next();
        let lost = || Err(RecordsError::Unavailable("planned".to_owned()));
        if loss == Some(Loss::Before) {
            return lost();
        }
        let answer = call.await;
        if loss == Some(Loss::After) { lost() } else { answer }
    }
}

#[async_trait]
impl Records for FaultyRecords {
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        self.call(self.inner.load(key)).await
    }

    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError> {
        self.call(self.inner.commit(change)).await
    }

    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        self.call(self.inner.once(key)).await
    }

    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError> {
        self.call(self.inner.list(index, after, limit)).await
    }

    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError> {
        self.call(self.inner.count(index)).await
    }

    async fn entries_at(&self, index: &IndexName, sorts: &[String]) -> Result<Vec<Vec<IndexEntry>>, RecordsError> {
        self.call(self.inner.entries_at(index, sorts)).await
    }

    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        self.call(self.inner.balances(accounts)).await
    }

    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        self.call(self.inner.trial_balance()).await
    }

    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        self.call(self.inner.claim_timers(limit, lease)).await
    }

    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        self.call(self.inner.finish_timer(timer)).await
    }

    async fn maintain(&self, now: Timestamp) -> Result<(), RecordsError> {
        self.call(self.inner.maintain(now)).await
    }

    async fn ready(&self) -> Result<(), RecordsError> {
        self.call(self.inner.ready()).await
    }
}
