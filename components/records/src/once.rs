//! Once-rows: what must happen once is decided by a row in the committing step, not by hope.

use ambient::Timestamp;
use core::fmt;

/// Who and which request: `(principal, Idempotency-Key)`, `(group, event id)`, `(provider, event id)`.
///
/// The parts are hashed into the key's name, so that they may hold anything and no personal data shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OnceKey {
    /// The kind, a word such as `request`, `event`, `provider`.
    pub kind: &'static str,
    /// Who: an account id, a consumer group, a provider.
    pub who: String,
    /// Which of theirs.
    pub key: String,
}

/// SHA-256 of what was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What was answered, kept 7 days and replayed byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON; empty where the answer had none.
    pub body: String,
}

/// What the change does to the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnceStep {
    /// The request takes several steps: mark it as under way, by this attempt, until the lease ends.
    Begin {
        /// A fresh UUID of this attempt, repeated by its later steps.
        attempt: uuid::Uuid,
        /// How long twins are told that it is in flight.
        lease_ms: u32,
    },
    /// The request ends with this change.
    Finish {
        /// The attempt that began it; `None` where this change is the only step.
        attempt: Option<uuid::Uuid>,
        /// What is answered, now and to each replay.
        answer: Answer,
    },
}

/// The once-row part of a change.
///
/// No row: it is written. A finished row: the outcome is a replay, or a mismatch where the fingerprint differs. A row
/// under way by the same attempt goes on; by another attempt whose lease runs, the outcome is in flight; by another
/// whose lease ended, this attempt takes over and the slow one is fenced off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Which row.
    pub key: OnceKey,
    /// What was asked.
    pub fingerprint: Fingerprint,
    /// What the change does to it.
    pub step: OnceStep,
}

/// What a look-up finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnceState {
    /// Under way by an attempt until the moment named (which may have passed).
    InFlight {
        /// What was asked.
        fingerprint: Fingerprint,
        /// When the lease ends, by the clock of Redis.
        until: Timestamp,
    },
    /// Finished.
    Done {
        /// What was asked.
        fingerprint: Fingerprint,
        /// What was answered.
        answer: Answer,
    },
}
