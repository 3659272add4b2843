//! `POST /sandbox/v1/mail`: one letter an idempotency key.

use super::SandboxError;
use super::store::{self, Written};
use crate::Sandbox;
use crate::domain::LetterId;
use crate::wire::{LetterRequest, StoredLetter};

/// Takes a letter; the same key again gives the letter that it was given first, marked as known.
///
/// # Errors
/// [`SandboxError::Invalid`], [`SandboxError::Store`].
pub async fn receive_letter(sandbox: &Sandbox, request: LetterRequest) -> Result<(StoredLetter, bool), SandboxError> {
    let LetterRequest { to, subject, text, idempotency_key } = request;
    if !(3..=254).contains(&to.len()) || !to.contains('@') {
        return Err(SandboxError::Invalid { field: "to", why: "an e-mail address is expected" });
    }
    if !(1..=255).contains(&idempotency_key.len()) {
        return Err(SandboxError::Invalid { field: "idempotency_key", why: "1 to 255 bytes are expected" });
    }
    let id = LetterId::derived(0, &[idempotency_key.as_bytes()]);
    let letter = StoredLetter { id, to, subject, text, received_at: sandbox.clock.now() };
    if let Written::Overtaken = store::write_letter(sandbox, &letter).await? {
        let (_, first) = store::load(sandbox, &store::letter_key(id)?).await?.ok_or(SandboxError::NotFound)?;
        return Ok((first, true));
    }
    Ok((letter, false))
}
