//! Why a command was not carried out.

use super::create_endpoint::MOST_ENDPOINTS;
use records::RecordsError;

/// Why a command of an owner's was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Nothing there, or not the caller's.
    #[error("there is no such thing of the caller's")]
    NotFound,
    /// A value is not acceptable.
    #[error("{field}: {why}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// The account has as many endpoints as it may.
    #[error("an account has at most {MOST_ENDPOINTS} endpoints")]
    TooMany,
    /// Only administrators may.
    #[error("only administrators hear of everybody's things")]
    NotAdmin,
    /// The account was erased.
    #[error("the account was erased")]
    Erased,
    /// The endpoint is disabled: nothing would be sent.
    #[error("the endpoint is disabled")]
    Disabled,
    /// It changed since it was read.
    #[error("it changed since it was read")]
    Changed,
    /// It changed at the same time, too often to go on.
    #[error("it changed at the same time, too often to go on")]
    Contended,
    /// The Idempotency-Key belongs to another request.
    #[error("the Idempotency-Key belongs to another request")]
    KeyReused,
    /// A twin is under way.
    #[error("the same request is under way")]
    InFlight {
        /// How long at most.
        retry_after_ms: u64,
    },
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}
