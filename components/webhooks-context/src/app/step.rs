//! What a commit can come to.

use super::error::CommandError;
use records::{Committed, Outcome, RecordsError, Refusal, Version};

/// The two outcomes of a change without a once-row that a use case has to think about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Everything in the change is true.
    Committed(Version),
    /// The record is at another version, or exists where it should be created.
    Conflict,
}

/// What became of a change with a once-row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Everything in the change is true, now or since an earlier request with the same key.
    Done,
    /// The record is at another version, or exists where it should be created.
    Conflict,
}

/// Sorts an outcome; a writer that slept too long may simply come again, everything else is a mistake of ours.
pub(crate) fn step(outcome: Outcome) -> Result<Step, RecordsError> {
    match outcome {
        Outcome::Committed(Committed { version, .. }) => Ok(Step::Committed(version)),
        Outcome::Conflict { .. } => Ok(Step::Conflict),
        Outcome::Refused(stale @ Refusal::Stale) => Err(RecordsError::Unavailable(stale.to_string())),
        Outcome::Refused(rule @ (Refusal::Floor { .. } | Refusal::Unbalanced { .. } | Refusal::OutOfRange { .. })) => {
            Err(RecordsError::Invalid(rule.to_string()))
        }
        Outcome::Replay(_) | Outcome::Mismatch | Outcome::InFlight { .. } => {
            Err(RecordsError::Invalid("a change without a once-row was answered as if it had one".to_owned()))
        }
    }
}

/// Sorts the outcome of a request's change.
pub(crate) fn written(outcome: Outcome) -> Result<Written, CommandError> {
    match outcome {
        Outcome::Replay(_) => Ok(Written::Done),
        Outcome::Mismatch => Err(CommandError::KeyReused),
        Outcome::InFlight { retry_after_ms } => Err(CommandError::InFlight { retry_after_ms }),
        other => match step(other)? {
            Step::Committed(_) => Ok(Written::Done),
            Step::Conflict => Ok(Written::Conflict),
        },
    }
}
