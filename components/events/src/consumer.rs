//! What a worker does with one event, and what became of it.

use crate::Envelope;
use async_trait::async_trait;
use core::time::Duration;

/// What became of one delivery; decided at the line where the failure is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The effect is committed, or the event is none of this consumer's business.
    Done,
    /// A dependency is gone: come back after this long. Does not use up a delivery.
    Retry {
        /// How long to wait.
        after: Duration,
        /// What was missing, for the log.
        reason: String,
    },
    /// It can never succeed: to the dead letters with the cause.
    Park {
        /// Why, for the operator; no personal data.
        reason: String,
    },
}

/// One consumer group's reaction to events.
///
/// **Invariant** the same event may be delivered again, at once or in another order: the effect is committed with a
/// once-row or a derived id from [`Envelope::id`], or compares [`Envelope::version`].
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Handles one delivery.
    async fn handle(&self, event: &Envelope) -> Verdict;
}
