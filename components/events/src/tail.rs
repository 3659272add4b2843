//! Port: a stream as somebody sees it who only looks: no group, no acknowledgement, nothing is taken.
//!
//! What lives here: reading on from an entry, waiting for the next one. What does not: groups and retries ([`crate::EventLog`]).
//! Whoever looks has to be able to miss something: a stream is trimmed for the sake of its groups, not of onlookers.

use crate::{EntryId, EventsError, StreamName};
use async_trait::async_trait;
use core::time::Duration;

/// One entry, as it lies in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its place.
    pub entry: EntryId,
    /// The bytes of the envelope.
    pub payload: Vec<u8>,
}

/// The first and the last entry that a stream still has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The oldest one.
    pub oldest: EntryId,
    /// The newest one.
    pub newest: EntryId,
}

/// Streams, looked at. Nothing here changes anything, so that each call may be repeated.
#[async_trait]
pub trait Tail: Send + Sync {
    /// How far the stream reaches; `None` where it is empty. One round trip for each end.
    ///
    /// # Errors
    /// [`EventsError::Unavailable`] where the log is gone.
    async fn reach(&self, stream: &StreamName) -> Result<Option<Reach>, EventsError>;

    /// At most `limit` entries behind this one, oldest first. One round trip.
    ///
    /// # Errors
    /// As [`Tail::reach`].
    async fn after(&self, stream: &StreamName, entry: EntryId, limit: u32) -> Result<Vec<Told>, EventsError>;

    /// As [`Tail::after`]; where there are none, waits at most `within` for the first. Waits hold up no other call.
    ///
    /// # Errors
    /// As [`Tail::reach`].
    async fn wait_after(
        &self,
        stream: &StreamName,
        entry: EntryId,
        limit: u32,
        within: Duration,
    ) -> Result<Vec<Told>, EventsError>;
}
