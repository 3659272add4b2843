//! `POST /sandbox/v1/mail` and `…/sms`: one letter or short message an idempotency key.

use super::SandboxError;
use super::store::{self, Written};
use crate::Sandbox;
use crate::domain::LetterId;
use crate::wire::{LetterRequest, SmsRequest, StoredLetter};
use std::collections::BTreeMap;

/// Takes a letter; the same key again gives the letter that it was given first, marked as known.
///
/// # Errors
/// [`SandboxError::Invalid`], [`SandboxError::Store`].
pub async fn receive_letter(sandbox: &Sandbox, request: LetterRequest) -> Result<(StoredLetter, bool), SandboxError> {
    let LetterRequest { to, subject, text, html, headers, idempotency_key } = request;
    if !(3..=254).contains(&to.len()) || !to.contains('@') {
        return Err(SandboxError::Invalid { field: "to", why: "an e-mail address is expected" });
    }
    let received_at = sandbox.clock.now();
    let letter = StoredLetter { id: letter_of(&idempotency_key)?, to, subject, text, html, headers, received_at };
    receive(sandbox, letter).await
}

/// Takes a short message; the same key again gives the one that it was given first, marked as known.
///
/// # Errors
/// [`SandboxError::Invalid`], [`SandboxError::Store`].
pub async fn receive_sms(sandbox: &Sandbox, request: SmsRequest) -> Result<(StoredLetter, bool), SandboxError> {
    let SmsRequest { to, text, idempotency_key } = request;
    if !(8..=16).contains(&to.len()) || !to.starts_with('+') {
        return Err(SandboxError::Invalid { field: "to", why: "a number such as +4915112345678 is expected" });
    }
    let letter = StoredLetter {
        id: letter_of(&idempotency_key)?,
        to,
        subject: String::new(),
        text,
        html: None,
        headers: BTreeMap::new(),
        received_at: sandbox.clock.now(),
    };
    receive(sandbox, letter).await
}

/// The name of what has this key. The keys of letters and of short messages are never the same: they name one message of
/// one channel.
fn letter_of(idempotency_key: &str) -> Result<LetterId, SandboxError> {
    if !(1..=255).contains(&idempotency_key.len()) {
        return Err(SandboxError::Invalid { field: "idempotency_key", why: "1 to 255 bytes are expected" });
    }
    Ok(LetterId::derived(0, &[idempotency_key.as_bytes()]))
}

async fn receive(sandbox: &Sandbox, letter: StoredLetter) -> Result<(StoredLetter, bool), SandboxError> {
    if let Written::Overtaken = store::write_letter(sandbox, &letter).await? {
        let (_, first) = store::load(sandbox, &store::letter_key(letter.id)?).await?.ok_or(SandboxError::NotFound)?;
        return Ok((first, true));
    }
    Ok((letter, false))
}
