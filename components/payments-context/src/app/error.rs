//! Why a use case has no answer; the status codes stand in `http::problems`.

use crate::domain::{InvalidValue, Refusal, StepUpRequired};
use crate::wire::StoredError;
use records::RecordsError;

/// The store has no answer, or one that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The port's own.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A body that is not a payment.
    #[error(transparent)]
    Unreadable(#[from] StoredError),
    /// A payment that cannot be written; a mistake of ours.
    #[error("a payment cannot be written: {0}")]
    Unwritable(String),
    /// The ledger refused the legs; a mistake of ours, or a body written too long ago.
    #[error("the ledger refuses the change: {0}")]
    Ledger(#[from] records::Refusal),
}

/// Why a change is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A value that the caller chose is not acceptable.
    #[error("`{field}` is not acceptable: {why}")]
    Invalid {
        /// Its name in the request.
        field: &'static str,
        /// Why.
        why: InvalidValue,
    },
    /// There is no such payment, or it is another's.
    #[error("no such payment of this caller")]
    NotFound,
    /// The payment does not allow it now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A password does not move as much.
    #[error(transparent)]
    StepUp(#[from] StepUpRequired),
    /// The key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The key made this payment so long ago that its answer is no longer kept.
    #[error("the idempotency key was used more than seven days ago")]
    KeySpent,
    /// The same request is still being carried out.
    #[error("the same request is under way")]
    InFlight {
        /// When to come back, in seconds.
        retry_after_s: u32,
    },
    /// Others changed the payment in between, too often to go on.
    #[error("the payment changed at the same time")]
    Contended,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordsError> for CommandError {
    fn from(error: RecordsError) -> Self {
        Self::Store(error.into())
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A parameter is not acceptable.
    #[error("`{field}` is not acceptable: {why}")]
    Invalid {
        /// Its name.
        field: &'static str,
        /// Why.
        why: &'static str,
    },
    /// There is nothing of this name for this caller.
    #[error("nothing of this name for this caller")]
    NotFound,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordsError> for QueryError {
    fn from(error: RecordsError) -> Self {
        Self::Store(error.into())
    }
}
