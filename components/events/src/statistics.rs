//! Port: how far the groups are, for metrics and alerts.

use crate::{EventsError, StreamName};
use async_trait::async_trait;

/// Where one group stands in one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStats {
    /// Which stream.
    pub stream: StreamName,
    /// Which group.
    pub group: String,
    /// Entries that the group has not been handed; `None` where the server cannot say (after deletions in the middle).
    pub lag: Option<u64>,
    /// Entries handed out and not settled, those that wait for a retry included.
    pub pending: u64,
    /// The age of the oldest entry that is not settled, in milliseconds; 0 where all are.
    pub oldest_age_ms: u64,
    /// The age of the oldest entry that was handed out and is not settled, in milliseconds; 0 where all are.
    pub oldest_pending_age_ms: u64,
    /// How often that one was handed out.
    pub oldest_pending_deliveries: u32,
}

/// How far the groups are. Reads only: it needs no more than that right on the streams.
#[async_trait]
pub trait EventStatistics: Send + Sync {
    /// Every group of a stream; none where there is no stream yet.
    async fn groups(&self, stream: &StreamName) -> Result<Vec<GroupStats>, EventsError>;

    /// How many dead letters a context has.
    async fn dead_letters(&self, context: &str) -> Result<u64, EventsError>;
}
