//! What a case needs of the implementation under test.

use crate::Failure;
use ambient::Timestamp;
use async_trait::async_trait;
use core::time::Duration;
use events::Envelope;
use records::{Change, Journal, LedgerRow, Notes, Records, Trail};
use std::sync::Arc;

/// How commits fail from now on, until it is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The first answer of the committing step is lost on the way; it was carried out.
    LoseOneAnswer,
    /// Every answer of the committing step is lost on the way; it was carried out.
    LoseAnswers,
    /// The writer dies before its body is written: the store of the bodies does not answer.
    CrashBeforeBody,
    /// The writer dies after it wrote the body and before the committing step.
    CrashBefore,
    /// The writer sleeps this long between the body and the committing step.
    Pause(Duration),
}

/// When another writer comes in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The writer sleeps between its body and the committing step; the other commits meanwhile.
    BeforeTheStep,
    /// The committing step was carried out and its answer is lost on the way; the other commits upon it, and only then
    /// the writer asks again.
    BeforeTheAnswer,
}

/// An implementation and the faults that can be injected into it. Its context is `contract`.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The records under test, as one instance of a component sees them.
    fn records(&self) -> Arc<dyn Records>;
    /// The same records as another instance sees them, which remembers nothing yet.
    fn another(&self) -> Arc<dyn Records>;
    /// The journal of the same records, as one instance of a component sees it.
    fn journal(&self) -> Arc<dyn Journal>;
    /// Where refusals are noted, as one instance of a component sees it.
    fn notes(&self) -> Arc<dyn Notes>;
    /// The audit trail of the same records.
    fn trail(&self) -> Arc<dyn Trail>;
    /// The present by the clock that the implementation goes by.
    fn now(&self) -> Timestamp;
    /// Empties all stores and forgets all instances.
    async fn reset(&self) -> Result<(), Failure>;
    /// Makes commits fail, or lets them succeed again.
    fn inject(&self, fault: Option<Fault>);
    /// Another instance commits this change in the middle of the next commit.
    fn overtake(&self, moment: Moment, change: Change);
    /// What lies in the stream.
    async fn events(&self) -> Result<Vec<Envelope>, Failure>;
    /// What lies in the journal, all of it.
    async fn ledger(&self) -> Result<Vec<LedgerRow>, Failure> {
        let (journal, mut rows) = (self.journal(), Vec::<LedgerRow>::new());
        loop {
            let page = journal.rows(rows.last().map_or(0, |row| row.seq), 100).await?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows.extend(page);
        }
    }
    /// How many bodies there are; `None` where the implementation keeps none.
    async fn bodies(&self) -> Result<Option<usize>, Failure>;
    /// Lets time pass, by the clock or by waiting.
    async fn pass(&self, duration: Duration);
    /// Lets the cleaner look once.
    async fn sweep(&self) -> Result<(), Failure>;
    /// Rebuilds the order from the bodies, as an operator has it done after a loss; what it found wrong.
    async fn rebuild(&self) -> Result<Vec<String>, Failure>;
    /// Makes all garbage older by a day and more.
    async fn age_garbage(&self) -> Result<(), Failure>;
    /// Remembers the order (everything but the bodies).
    async fn save(&self) -> Result<(), Failure>;
    /// The order falls back to what was remembered, as a server does that lost its last writes.
    async fn fall_back(&self) -> Result<(), Failure>;
    /// The order comes back empty, as a server without its files.
    async fn lose(&self) -> Result<(), Failure>;
}
