//! Port: versioned records, each change committed with its events in one step.
//!
//! What lives here: the words of a change and of its outcome. What does not: Redis, key-value stores, scripts (see
//! `records-redis`), and the double (`records-memory`). One contract suite (`records-contract`) binds them all.
//!
//! A record is a head (which body is current) and bodies, each written once under a key never reused. A change writes
//! one body, then one atomic step checks everything (once-row, version, rules of the postings) and only then moves the
//! head, posts, appends the events, updates indexes and timers. There is no moment at which the state changed and the
//! event is missing.

mod acceptance;
mod audit;
mod chain;
mod change;
mod cursor;
mod journal;
mod ledger;
mod once;
mod outcome;
mod trail;

pub use acceptance::WrittenEvent;
pub use audit::{Audit, follows};
pub use chain::{ChainRow, Walk};
pub use change::{Change, Content, IndexName, IndexStep, InvalidName, Meta, RecordKey, TimerStep};
pub use events::EventVersion as Version;
pub use journal::{Break, Checkpoint, Finding, InvalidCheckpoint, Journal, NoJournal, Sealed, Verified};
pub use ledger::{AccountKey, Balance, LedgerRow, MAX_EXACT_MINOR, Posting, TrialBalance};
pub use once::{Answer, Fingerprint, Once, OnceKey, OnceState, OnceStep};
pub use outcome::{Committed, Cursor, DueTimer, IndexEntry, Outcome, Page, Record, RecordsError, Refusal};
pub use trail::{MAX_TRAIL_BYTES, Note, Notes, OwnTrail, Trail, TrailEntry, TrailRow, TrailWalk};

use ambient::Timestamp;
use async_trait::async_trait;
use core::time::Duration;

/// Refuses look-ups that no caller may ask for.
///
/// # Errors
/// [`RecordsError::Invalid`] for more places than [`MAX_PAGE`], or one that no entry can have.
pub fn check_places(sorts: &[String]) -> Result<(), RecordsError> {
    if sorts.len() > MAX_PAGE as usize {
        return Err(RecordsError::Invalid(format!("a look-up asks for at most {MAX_PAGE} places")));
    }
    match sorts.iter().find(|sort| sort.len() > MAX_SORT_BYTES || sort.contains('\0')) {
        Some(_) => Err(RecordsError::Invalid(format!("a sort key has at most {MAX_SORT_BYTES} bytes and no NUL"))),
        None => Ok(()),
    }
}

/// The most bytes that the content of one body may have.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// The most bytes that the summary of an index entry may have.
pub const MAX_SUMMARY_BYTES: usize = 256;
/// The most bytes that the sort key of an index entry may have.
pub const MAX_SORT_BYTES: usize = 200;
/// The most legs, events, index steps and timer steps that one change may have, each.
pub const MAX_STEPS: usize = 64;
/// The most entries of one page, and the most places that one look-up asks for.
pub const MAX_PAGE: u32 = 100;
/// The most entries of one place of an index that a look-up tells.
pub const MAX_TWINS: u32 = 8;

/// The records of one context in one partition.
#[async_trait]
pub trait Records: Send + Sync {
    /// The current state of a record; `None` where there never was one. A tombstone is a record without content.
    /// Two round trips: the head, the body.
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError>;

    /// Carries out a change, or says why not; see [`Outcome`]. Two round trips: the body, the script.
    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError>;

    /// What is known of a once-row: one round trip, to be sent beside a load, before a decision is made.
    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError>;

    /// A page of an index, newest (greatest sort key) first; at most `limit` (1 to 100) entries.
    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError>;

    /// How many entries an index has, in O(1).
    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError>;

    /// How many entries each of several indexes has, in the order asked. One round trip where the store can; this
    /// default asks for one after the other.
    async fn counts(&self, indexes: &[IndexName]) -> Result<Vec<u64>, RecordsError> {
        let mut counts = Vec::with_capacity(indexes.len());
        for index in indexes {
            counts.push(self.count(index).await?);
        }
        Ok(counts)
    }

    /// The entries that an index has at each of these places (sort keys), in the order asked: at most [`MAX_PAGE`] places,
    /// of each at most [`MAX_TWINS`] entries, greatest record first. One round trip where the store can; this default
    /// asks for one place after the other.
    async fn entries_at(&self, index: &IndexName, sorts: &[String]) -> Result<Vec<Vec<IndexEntry>>, RecordsError> {
        check_places(sorts)?;
        let mut found = Vec::with_capacity(sorts.len());
        for sort in sorts {
            // Just behind every entry of the place: members are ordered by bytes, and the separator is the least of them.
            let behind = RecordKey::new("-").map_err(|error| RecordsError::Invalid(error.to_string()))?;
            let behind = Cursor::at(&format!("{sort}\u{1}"), &behind);
            let mut entries = self.list(index, Some(&behind), MAX_TWINS).await?.entries;
            entries.retain(|entry| entry.sort == *sort);
            found.push(entries);
        }
        Ok(found)
    }

    /// The balances of accounts, in the order asked; zero where nothing was ever posted. O(1) each.
    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError>;

    /// The running trial balance, a line per currency; each `sum_minor` is zero at every instant.
    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError>;

    /// Takes timers that are due, each for `lease`: whoever does not finish one in that time loses it to the next.
    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError>;

    /// Ends a claimed timer; does nothing when the lease was lost or the timer was set again in the meantime.
    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError>;

    /// Housekeeping, once a pulse by one leased worker: the high-water mark of commits against a rollback of Redis.
    /// Bodies that lost or were replaced are the adapter's own affair (`RedisRecords::sweep`).
    async fn maintain(&self, now: Timestamp) -> Result<(), RecordsError>;

    /// Gives up what a record was before: bodies that were kept as its history become garbage, and are deleted as all
    /// garbage is. The present one stays. Answers how many were found; a second call finds none, or those that a cleaner
    /// has not reached.
    ///
    /// Stores without history, as doubles are, find none.
    async fn forget_history(&self, key: &RecordKey) -> Result<u64, RecordsError> {
        let _ = key;
        Ok(0)
    }

    /// Whether both stores answer: one cheap round trip to each.
    async fn ready(&self) -> Result<(), RecordsError>;
}
