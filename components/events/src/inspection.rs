//! Port: what lies in the streams and what waits behind them, for the people who look after them.
//!
//! What lives here: reading. What does not: what an operator does to dead letters ([`crate::DeadLetters`]), and how far
//! the groups are ([`crate::EventStatistics`]).

use crate::{DeadLetter, EntryId, EventsError, StreamName};
use ambient::Timestamp;
use async_trait::async_trait;

/// How much lies in one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStats {
    /// Which stream.
    pub stream: StreamName,
    /// Its entries.
    pub length: u64,
    /// The memory that they take on the server, estimated.
    pub bytes: u64,
    /// The first entry; `None` where the stream is empty.
    pub oldest: Option<EntryId>,
    /// The last one.
    pub newest: Option<EntryId>,
    /// The age of the first one, in milliseconds by the clock of the log; 0 where there is none.
    pub oldest_age_ms: u64,
    /// The last entry that ever lay in it, whether or not it was trimmed since; [`EntryId::START`] where none did.
    pub last: EntryId,
}

impl StreamStats {
    /// Whether everything that was told after an entry lies in the stream still.
    pub fn holds_all_after(&self, entry: EntryId) -> bool {
        self.oldest.is_some_and(|oldest| oldest <= entry) || self.last <= entry
    }
}

/// One entry as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEntry {
    /// Its place.
    pub id: EntryId,
    /// The bytes of the envelope.
    pub payload: Vec<u8>,
}

/// Which part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Newest first, older than this entry; from the last one where none is named.
    Before(Option<EntryId>),
    /// Oldest first, younger than this entry.
    After(EntryId),
}

/// What a group puts off and gives up, over all streams that it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetryStats {
    /// Entries that wait for a retry now.
    pub waiting: u64,
    /// When the first of them is due; may have passed.
    pub next_due: Option<Timestamp>,
    /// How often anything was put off, since the beginning of the data.
    pub retries: u64,
    /// How often anything was given up.
    pub parked: u64,
    /// How often a dead letter was handed out again.
    pub replays: u64,
}

/// A dead letter on its way back to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayState {
    /// When it is handed out, or, where it is in a worker's hands, when it counts as abandoned.
    pub due: Timestamp,
    /// How often it was handed out by this replay.
    pub deliveries: u32,
    /// How often it was put off by this replay.
    pub retries: u32,
    /// Whether other data than the letter's is handed out.
    pub edited: bool,
}

/// What lies where. Reads only.
#[async_trait]
pub trait EventInspection: Send + Sync {
    /// How much lies in a stream; `None` where there is none yet.
    async fn stream(&self, stream: &StreamName) -> Result<Option<StreamStats>, EventsError>;

    /// At most `limit` (1 to 100) entries of a stream.
    async fn entries(&self, stream: &StreamName, span: Span, limit: u32) -> Result<Vec<StreamEntry>, EventsError>;

    /// What a group of this context puts off and gives up.
    async fn retries(&self, context: &str, group: &str) -> Result<RetryStats, EventsError>;

    /// The oldest dead letter of a context.
    async fn oldest_letter(&self, context: &str) -> Result<Option<EntryId>, EventsError>;

    /// Whether a dead letter of a context is being replayed, and how far that is.
    async fn replay_of(&self, context: &str, letter: &DeadLetter) -> Result<Option<ReplayState>, EventsError>;
}
