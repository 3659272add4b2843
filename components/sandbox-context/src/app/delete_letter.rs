//! `DELETE /sandbox/v1/mail/{key}`: a letter is taken back, because whom it was for was erased.

use super::SandboxError;
use super::store::{self, Written};
use crate::Sandbox;
use crate::domain::LetterId;
use crate::wire::StoredLetter;

/// How often somebody else may be faster.
const TRIES: u32 = 4;

/// Erases the letter of an idempotency key, also before it came. Twice is as good as once.
///
/// # Errors
/// [`SandboxError::Store`].
pub async fn delete_letter(sandbox: &Sandbox, idempotency_key: &str) -> Result<(), SandboxError> {
    let key = store::letter_key(LetterId::derived(0, &[idempotency_key.as_bytes()]))?;
    for _ in 0..TRIES {
        let record = sandbox.records.load(&key).await?;
        let (version, letter) = match record {
            Some(record) if record.content.is_none() => return Ok(()),
            Some(record) => (Some(record.version), store::load::<StoredLetter>(sandbox, &key).await?),
            None => (None, None),
        };
        if let Written::Done =
            store::erase_letter(sandbox, &key, version, letter.as_ref().map(|(_, letter)| letter)).await?
        {
            return Ok(());
        }
    }
    Err(SandboxError::Store(records::RecordsError::Unavailable("the letter changes again and again".to_owned())))
}
