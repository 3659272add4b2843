//! Why an operator does not get what they ask for.

use crate::domain::EditRefused;
use events::EventsError;
use records::{RecordsError, Refusal};

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum OperationsError {
    /// A value that the caller chose is not acceptable.
    #[error("`{field}` is not acceptable: {why}")]
    Invalid {
        /// Its name in the request.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// There is nothing of this name.
    #[error("nothing of this name")]
    NotFound,
    /// The letter holds no event.
    #[error("the letter holds no event: {0}")]
    Unreadable(String),
    /// The key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The same act was written at the same time, too often to go on.
    #[error("it changed at the same time")]
    Contended,
    /// The store of acts.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The store of acts refuses the change.
    #[error(transparent)]
    Refused(Refusal),
    /// An act that cannot be read or written.
    #[error("an act cannot be read or written: {0}")]
    Unwritable(String),
    /// The streams.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// Who keeps what was trimmed.
    #[error("{context} does not answer for what it told")]
    HistoryAway {
        /// Whose history.
        context: &'static str,
        /// Why there is no answer.
        source: EventsError,
    },
}

impl OperationsError {
    pub(crate) fn invalid(field: &'static str, why: &str) -> Self {
        Self::Invalid { field, why: why.to_owned() }
    }

    pub(crate) fn unwritable(error: &dyn core::fmt::Display) -> Self {
        Self::Unwritable(error.to_string())
    }
}

impl From<EditRefused> for OperationsError {
    fn from(refused: EditRefused) -> Self {
        match refused {
            EditRefused::Unreadable(why) => Self::Unreadable(why),
            refused @ (EditRefused::Unchanged | EditRefused::TooLarge { .. }) => {
                Self::Invalid { field: "data", why: refused.to_string() }
            }
        }
    }
}
