//! Streams and groups.

use super::born;
use ambient::Timestamp;
use events::{GroupStats, RetryStats, StreamName, StreamStats};
use serde::Serialize;
use utoipa::ToSchema;

/// One stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamAnswer {
    /// Its name: the context and the partition.
    #[schema(pattern = "^[a-z-]+/[0-9]+$", examples("payments/0"))]
    pub stream: String,
    /// Whose events these are.
    #[schema(examples("payments"))]
    pub context: String,
    /// Of which partition.
    pub partition: u8,
    /// How many events lie in it.
    pub length: u64,
    /// The memory that they take on the server, estimated.
    pub bytes: u64,
    /// The first entry; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]+-[0-9]+$", examples("1767225600000-0"))]
    pub oldest_entry: Option<String>,
    /// When it was appended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_at: Option<Timestamp>,
    /// Its age in milliseconds; 0 where there is none.
    pub oldest_age_ms: u64,
    /// The last entry; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]+-[0-9]+$", examples("1767225600000-0"))]
    pub newest_entry: Option<String>,
    /// When it was appended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_at: Option<Timestamp>,
}

impl StreamAnswer {
    /// A stream as it was found; nothing lies in one that is not there yet.
    pub(crate) fn of(stream: &StreamName, stats: Option<StreamStats>) -> Self {
        let (length, bytes, age) = stats.as_ref().map_or((0, 0, 0), |s| (s.length, s.bytes, s.oldest_age_ms));
        let (oldest, newest) = stats.map_or((None, None), |stats| (stats.oldest, stats.newest));
        Self {
            stream: stream.to_string(),
            context: stream.context().to_owned(),
            partition: stream.partition(),
            length,
            bytes,
            oldest_entry: oldest.map(|entry| entry.to_string()),
            oldest_at: oldest.map(born),
            oldest_age_ms: age,
            newest_entry: newest.map(|entry| entry.to_string()),
            newest_at: newest.map(born),
        }
    }
}

/// Answer of `GET /v1/operations/streams`.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamsAnswer {
    /// Every stream.
    pub items: Vec<StreamAnswer>,
}

/// One group's place in one stream, and what it puts off and gives up.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupAnswer {
    /// Its name: that of its component.
    #[schema(examples("notifications-worker"))]
    pub group: String,
    /// Whose group it is; absent where no context of that name is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Events that it has not been handed; absent where the server cannot say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// Events handed to it and not settled, those that wait for a retry among them.
    pub pending: u64,
    /// The age of its oldest event that is not settled, in milliseconds; 0 where all are.
    pub oldest_age_ms: u64,
    /// The age of the oldest one that was handed to it.
    pub oldest_pending_age_ms: u64,
    /// How often that one was handed out.
    pub oldest_pending_deliveries: u32,
    /// Events that wait for a retry, of all streams that the group hears.
    pub waiting: u64,
    /// When the first of them is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_retry_at: Option<Timestamp>,
    /// How often it has put an event off, since the beginning of the data.
    pub retries: u64,
    /// How often it has given one up.
    pub given_up: u64,
    /// How often a dead letter was handed to it again.
    pub replays: u64,
}

impl GroupAnswer {
    pub(crate) fn of(stats: GroupStats, context: Option<&str>, retries: RetryStats) -> Self {
        Self {
            group: stats.group,
            context: context.map(str::to_owned),
            lag: stats.lag,
            pending: stats.pending,
            oldest_age_ms: stats.oldest_age_ms,
            oldest_pending_age_ms: stats.oldest_pending_age_ms,
            oldest_pending_deliveries: stats.oldest_pending_deliveries,
            waiting: retries.waiting,
            next_retry_at: retries.next_due,
            retries: retries.retries,
            given_up: retries.parked,
            replays: retries.replays,
        }
    }
}

/// Answer of `GET /v1/operations/streams/{context}/groups`.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupsAnswer {
    /// Every group that hears the stream.
    pub items: Vec<GroupAnswer>,
}
