//! What comes back: states, pages, due timers, and each way in which a change is not carried out.

use crate::{Answer, RecordKey, Version};
use ambient::Timestamp;
use bytes::Bytes;

/// The current state of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub key: RecordKey,
    /// Its version: what the next change expects.
    pub version: Version,
    /// The content; `None` for a tombstone.
    pub content: Option<Bytes>,
    /// When the change was made, by the clock of its use case.
    pub at: Timestamp,
}

/// A change that was carried out, now or by an earlier try whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The record's version afterwards.
    pub version: Version,
    /// The context's commit number: grows by one a commit; a consistency token for readers of projections.
    pub commit: u64,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything in it is true and durable.
    Committed(Committed),
    /// The record has another version; nothing changed.
    Conflict {
        /// The version there is; `None` where there is no record.
        found: Option<Version>,
    },
    /// The once-row is finished: answer this; nothing changed.
    Replay(Answer),
    /// The once-row belongs to another request (422); nothing changed.
    Mismatch,
    /// A twin is under way (409); nothing changed.
    InFlight {
        /// How long its lease still runs.
        retry_after_ms: u64,
    },
    /// A rule forbids it; nothing changed.
    Refused(Refusal),
}

/// The rule that a change would break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An account would fall below its floor.
    #[error("account {account} would have {available_minor} available, {floor_minor} is the least")]
    Floor {
        /// Which account.
        account: String,
        /// What would be available.
        available_minor: i64,
        /// What must be.
        floor_minor: i64,
    },
    /// The posted amounts of a currency do not sum to zero.
    #[error("the postings in {currency} sum to {sum_minor}, not to zero")]
    Unbalanced {
        /// ISO 4217.
        currency: String,
        /// The sum found.
        sum_minor: i64,
    },
    /// A balance would leave ±(2^53 − 1).
    #[error("the balance of account {account} would leave the exact range")]
    OutOfRange {
        /// Which account.
        account: String,
    },
    /// The body was written more than an hour ago: the cleaner may have taken it.
    #[error("the body was written too long ago to be committed")]
    Stale,
}

/// One entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Which record.
    pub key: RecordKey,
    /// Where in the order.
    pub sort: String,
    /// What was stored for lists.
    pub summary: String,
}

/// Where a page ended: opaque to callers, safe in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// Part of an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The entries, greatest sort key first.
    pub entries: Vec<IndexEntry>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Cursor>,
}

/// A timer that is due and leased to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// What is due.
    pub name: String,
    /// For which record.
    pub key: RecordKey,
    /// Until when it is the caller's, by the clock of Redis: also the token that finishes it.
    pub leased_until: Timestamp,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// A store is gone or slow. A commit may or may not have happened: trying again with the same change's once-row or
    /// derived id tells.
    #[error("the record store does not answer: {0}")]
    Unavailable(String),
    /// Redis came back with less than was acknowledged; commits wait for the operator's rebuild.
    #[error("redis holds less than was acknowledged ({found} of {acknowledged} commits): rebuild before going on")]
    RolledBack {
        /// Commits that Redis knows.
        found: u64,
        /// Commits that were acknowledged.
        acknowledged: u64,
    },
    /// The head names a body that is not there, or the body cannot be read.
    #[error("the body {key} cannot be read")]
    Corrupt {
        /// Its key.
        key: String,
    },
    /// The change breaks a limit of its own (sizes); a mistake of the caller's code.
    #[error("the change is not acceptable: {0}")]
    Invalid(String),
    /// The data was made with another layout (partition count, epoch) than the component expects.
    #[error("the data has another layout: {0}")]
    Layout(String),
}
