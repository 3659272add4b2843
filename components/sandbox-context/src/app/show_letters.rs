//! `GET /sandbox/v1/mail?to=…`: what an address was sent.

use super::{SandboxError, store};
use crate::Sandbox;
use crate::wire::StoredLetter;

/// The newest letters to an address, and how many there are.
///
/// # Errors
/// [`SandboxError::Store`].
pub async fn letters(sandbox: &Sandbox, to: &str) -> Result<(Vec<StoredLetter>, u64), SandboxError> {
    store::newest(sandbox, &store::mailbox(to)?).await
}
