//! Why a call of the sandbox is not carried out.

use crate::domain::ChargeRefusal;
use records::RecordsError;

/// Why a call is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A value is not acceptable.
    #[error("`{field}` is not acceptable: {why}")]
    Invalid {
        /// Its name.
        field: &'static str,
        /// Why.
        why: &'static str,
    },
    /// There is no such charge.
    #[error("no such charge")]
    NotFound,
    /// The key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The charge does not allow it.
    #[error(transparent)]
    Refused(#[from] ChargeRefusal),
    /// Others changed it in between, too often to go on.
    #[error("the charge changed at the same time")]
    Contended,
    /// The answer is lost on purpose: the card's script says so.
    #[error("the card loses its first answer")]
    AnswerLost,
    /// The store has no answer.
    #[error(transparent)]
    Store(#[from] RecordsError),
    /// A body that cannot be read or written.
    #[error("a stored body is unreadable: {0}")]
    Unreadable(String),
}
