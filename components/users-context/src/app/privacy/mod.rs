//! Taking one's data along, and taking them away: requests of the owner, what the services hand in, and the work of
//! this service's own part.

mod confirm;
mod document;
mod erasure;
mod export;
mod store;
#[cfg(test)]
mod tests;
mod work;

pub use document::export_document;
pub use erasure::{request_erasure, show_erasure, subject_key, take_part};
pub use export::{request_export, show_export, take_page};
pub use work::{PrivacyReport, PrivacyWork, UnfinishedWork};

use super::Invalid;
use super::account::{AccountError, ProofError};
use super::second_factor::FactorError;
use records::RecordsError;

/// Why an export or an erasure did not go on.
#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    /// There is no such thing, or it is another's.
    #[error("there is no such export or erasure")]
    NotFound,
    /// The person was erased, or nobody wants this any more.
    #[error("the person was erased, or the request is over")]
    Gone,
    /// Not every service has handed in.
    #[error("the export is not ready")]
    NotReady,
    /// The account asks for a second factor, and none was shown.
    #[error("a second factor is needed")]
    SecondFactorNeeded,
    /// What was shown does not hold.
    #[error(transparent)]
    Factor(#[from] FactorError),
    /// A value of the request is not acceptable; also the present password where it is another.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The present password could not be compared.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The token does not open the account, or a store is gone.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
}
