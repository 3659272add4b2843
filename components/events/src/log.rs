//! Port: what a consumer group does to the streams it hears.
//!
//! What lives here: the calls that the loop ([`crate::Worker`]) makes. What does not: appending, which only the commit
//! of a record does, and the loop's decisions.

use crate::{EntryId, StreamName};
use async_trait::async_trait;
use core::time::Duration;

/// Which entry was handed out, and how often: what settles it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The stream that it lies in.
    pub stream: StreamName,
    /// Its place there.
    pub entry: EntryId,
    /// How often it was handed out, this time included; a retry gives its delivery back.
    pub deliveries: u32,
    /// How often it was put off because something else was gone.
    pub retries: u32,
    /// The dead letter that an operator replays, where this is one.
    pub letter: Option<EntryId>,
}

/// One entry in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What settles it.
    pub receipt: Receipt,
    /// The bytes of the envelope; none where the stream was trimmed under the group.
    pub payload: Option<Vec<u8>>,
}

/// What a read that finds nothing does with the doorbell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenEmpty {
    /// The worker goes on listening: the bell stays silent for a few seconds more.
    Stay,
    /// The worker leaves: the next event rings.
    Leave,
}

/// How long an entry waits that was put off.
///
/// The nth retry waits `first × 2^(n−1)`, at most `cap`, and then `jitter_permille` thousandths of that more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait, as the consumer asked.
    pub first: Duration,
    /// The longest wait before jitter.
    pub cap: Duration,
    /// Thousandths added, so that what failed together does not come back together.
    pub jitter_permille: u32,
}

impl Backoff {
    /// The wait before the `retry`th retry (from 1).
    pub fn wait(&self, retry: u32) -> Duration {
        let doubled = 1u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX);
        let base = self.first.saturating_mul(doubled).min(self.cap);
        base.saturating_add(base.saturating_mul(self.jitter_permille) / 1000)
    }
}

/// Why the log has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// Gone or slow. What was asked may or may not have happened; asking again does no harm.
    #[error("the event log does not answer: {0}")]
    Unavailable(String),
    /// The group or the stream is not there: never subscribed, or lost with the server's memory. Subscribe.
    #[error("the group {group} does not listen to {stream}")]
    NotSubscribed {
        /// Which group.
        group: String,
        /// To which stream.
        stream: StreamName,
    },
    /// An answer that the adapter does not understand; a fault of ours.
    #[error("the event log answered {0}")]
    Unexpected(String),
}

/// The streams as one consumer group sees them. One implementation serves one context's groups.
///
/// Each call is one round trip unless it says otherwise, and may be repeated after a lost answer: entries of a read
/// whose answer was lost come back as abandoned ones.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Listens to a stream from its beginning, once: whether it is new. Creates the stream where there is none.
    async fn subscribe(&self, group: &str, stream: &StreamName) -> Result<bool, EventsError>;

    /// Takes entries that the group has not seen, oldest first; the doorbell stays silent while there are some.
    ///
    /// # Errors
    /// [`EventsError::NotSubscribed`] where the group is not there.
    async fn read(
        &self,
        group: &str,
        stream: &StreamName,
        limit: u32,
        when_empty: WhenEmpty,
    ) -> Result<Vec<Delivery>, EventsError>;

    /// Settles entries for good. A round trip a stream, and one more for those that were retried or replayed.
    async fn acknowledge(&self, group: &str, receipts: &[Receipt]) -> Result<(), EventsError>;

    /// Takes the oldest entry whose worker has not settled it for so long, as one more delivery. Entries that wait for
    /// a retry are not among them. One round trip more where there is one.
    async fn claim_abandoned(
        &self,
        group: &str,
        stream: &StreamName,
        idle: Duration,
    ) -> Result<Option<Delivery>, EventsError>;

    /// Puts an entry off and gives its delivery back. Does nothing where the entry was taken away in the meantime.
    /// Two round trips.
    async fn defer(&self, group: &str, receipt: &Receipt, backoff: Backoff) -> Result<(), EventsError>;

    /// Takes at most `limit` entries whose wait is over. A round trip, and two for each.
    async fn claim_due(&self, group: &str, limit: u32) -> Result<Vec<Delivery>, EventsError>;

    /// Moves an entry to the dead letters, once however often it is called. Two round trips.
    async fn park(&self, group: &str, delivery: &Delivery, cause: &str) -> Result<(), EventsError>;

    /// Takes a dead letter that an operator wants replayed, for as long as `lease`.
    async fn claim_replay(&self, group: &str, lease: Duration) -> Result<Option<Delivery>, EventsError>;

    /// Rings the group's bell: there is more than this worker had time for.
    async fn ring(&self, group: &str) -> Result<(), EventsError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_secs(3600), jitter_permille: 0 };
        let waits: Vec<u64> = [1, 2, 3, 11, 12, 13, 40, u32::MAX].map(|n| backoff.wait(n).as_secs()).into();
        assert_eq!(waits, [2, 4, 8, 2048, 3600, 3600, 3600, 3600]);
    }

    #[test]
    fn jitter_only_lengthens() {
        let backoff = Backoff { first: Duration::from_secs(10), cap: Duration::from_secs(10), jitter_permille: 200 };
        assert_eq!(backoff.wait(5), Duration::from_secs(12));
    }
}
