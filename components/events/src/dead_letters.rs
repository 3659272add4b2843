//! Port: the dead letters of one context, for the people who look after it.

use crate::{EntryId, EventsError, StreamName};
use ambient::Timestamp;
use async_trait::async_trait;

/// An event that a group could not handle, with what is needed to judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its name among the dead letters.
    pub id: EntryId,
    /// When it was given up, by the clock of the log.
    pub at: Timestamp,
    /// Which group gave it up.
    pub group: String,
    /// Why.
    pub cause: String,
    /// The stream that it came from.
    pub stream: StreamName,
    /// Its place there.
    pub entry: EntryId,
    /// How often it was handed out.
    pub deliveries: u32,
    /// The trace of its cause: 32 hexadecimal digits; empty where the event cannot be read.
    pub trace: String,
    /// The bytes of the envelope as they lay in the stream; empty where it was trimmed.
    pub payload: Vec<u8>,
}

/// A part of the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLetterPage {
    /// Newest first.
    pub letters: Vec<DeadLetter>,
    /// The last one's id where more may follow: the next page starts after it.
    pub next: Option<EntryId>,
}

/// The dead letters of one context.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// A page, newest first: `limit` (1 to 100) letters older than `after`.
    async fn list(&self, after: Option<EntryId>, limit: u32) -> Result<DeadLetterPage, EventsError>;

    /// One letter.
    async fn inspect(&self, letter: EntryId) -> Result<Option<DeadLetter>, EventsError>;

    /// Hands the letter to its group once more, and to no other: whether there is such a letter. It stays among the
    /// dead letters until the group has handled it; where it fails again, the new cause replaces it.
    async fn replay(&self, letter: EntryId) -> Result<bool, EventsError>;

    /// The same with other bytes than the letter's: whether there is such a letter. The letter itself stays as it is; these
    /// bytes are what its group is handed, until it has handled them, they fail again (then the new letter holds them), or
    /// the letter is replayed as it is or purged. Asked for again it changes nothing.
    ///
    /// **Invariant** whoever calls has kept the event's id: what was done under it is not done again.
    async fn replay_edited(&self, letter: EntryId, payload: &[u8]) -> Result<bool, EventsError>;

    /// Forgets a letter: whether there was one.
    async fn purge(&self, letter: EntryId) -> Result<bool, EventsError>;
}
