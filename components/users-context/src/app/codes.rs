//! What use cases with one-time codes share.

use super::{AccountError, AttemptError, Invalid, ProofError, whole_seconds};
use crate::Users;
use crate::domain::{Codes, Digits, Purpose, TooSoon, User};
use crate::hashing::HashingError;
use ambient::Timestamp;
use records::RecordsError;

/// Why a code was not sent, or opened nothing.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// Wrong, used, expired, tried too often, never sent, or there is no such account: all answer alike.
    #[error("the code does not hold")]
    Refused,
    /// The mailbox is left alone for a while.
    #[error("come back in {retry_after_s} s")]
    TooSoon {
        /// When to come back. **Units** seconds.
        retry_after_s: u32,
    },
    /// Somebody else has the address that was proven.
    #[error("the address belongs to another account")]
    EmailTaken,
    /// A value of the request is not acceptable.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There were too many attempts, or they cannot be counted.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// The present password could not be compared.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The new password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The token does not open the account, or a store is gone.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<RecordsError> for CodeError {
    fn from(error: RecordsError) -> Self {
        Self::Account(error.into())
    }
}

impl From<TooSoon> for CodeError {
    fn from(TooSoon(wait): TooSoon) -> Self {
        Self::TooSoon { retry_after_s: whole_seconds(wait) }
    }
}

/// A new code of an account for a purpose, and its digits for the letter.
pub(super) fn issue(
    users: &Users,
    user: &User,
    purpose: Purpose,
    before: Option<&Codes>,
    now: Timestamp,
) -> Result<(Codes, Digits), TooSoon> {
    let digits = users.new_digits();
    let codes = Codes::issue(before, &users.code_key, (purpose, user.id), &digits, now)?;
    Ok((codes, digits))
}
