//! Port: hashing of passwords, done elsewhere because it holds a thread for tens of milliseconds.

use crate::domain::Password;
use async_trait::async_trait;
use hasher_wire::Verified;
use principal::RequestScope;

/// Why there is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// As many passwords are being hashed as may be; nothing is wrong.
    #[error("too many passwords are being hashed: come back in {retry_after_s} s")]
    Busy {
        /// When to come back. **Units** seconds.
        retry_after_s: u32,
    },
    /// The hasher, or what limits it, does not answer in time.
    #[error("the hasher does not answer: {0}")]
    Unavailable(String),
    /// The hasher answered what it must not.
    #[error("the hasher answered nonsense: {0}")]
    Nonsense(String),
}

/// Hashes passwords and compares them with stored hashes.
#[async_trait]
pub trait PasswordHashing: Send + Sync {
    /// The PHC string of a new password.
    ///
    /// # Errors
    /// [`HashingError`].
    async fn hash(&self, password: &Password, scope: &RequestScope) -> Result<String, HashingError>;

    /// Whether a password is the one behind a PHC string. Without a string, or without a password that anybody could
    /// have, the same work is done and nothing matches.
    ///
    /// # Errors
    /// [`HashingError`].
    async fn verify(
        &self,
        password: Option<&Password>,
        phc: Option<&str>,
        scope: &RequestScope,
    ) -> Result<Verified, HashingError>;
}
