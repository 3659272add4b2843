//! What a commit without a once-row can come to.

use records::{Outcome, RecordsError, Refusal};

/// The two outcomes that a use case has to think about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Everything in the change is true.
    Committed,
    /// The record is at another version, or exists where it should be created.
    Conflict,
}

/// Sorts an outcome; a writer that slept too long may simply come again, everything else is a mistake of ours.
pub(super) fn step(outcome: Outcome) -> Result<Step, RecordsError> {
    match outcome {
        Outcome::Committed(_) => Ok(Step::Committed),
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
