//! What is done about one dead letter.

use super::carry_out::{Asked, Chosen, Plan, carry_out};
use super::{OperationsError, Reply, service};
use crate::Operations;
use crate::domain::{Act, Edited, Reason, edit as edited};
use crate::wire::request::{EditRequest, PurgeRequest, ReplayRequest};
use events::{DeadLetter, EntryId};
use sha2::{Digest, Sha256};

/// Hands a letter to its group once more, as it is.
///
/// # Errors
/// [`OperationsError`].
pub async fn replay(
    house: &Operations,
    asked: &Asked,
    context: &str,
    letter: &str,
    request: ReplayRequest,
) -> Result<Reply, OperationsError> {
    let reason = request.reason.as_deref().map(reason).transpose()?;
    let choose = async { Ok(Chosen { letters: vec![there(house, context, letter).await?.id], ..Chosen::default() }) };
    carry_out(house, asked, Plan { act: Act::Replay, context, reason }, choose).await
}

/// Forgets a letter.
///
/// # Errors
/// [`OperationsError`].
pub async fn purge(
    house: &Operations,
    asked: &Asked,
    context: &str,
    letter: &str,
    request: PurgeRequest,
) -> Result<Reply, OperationsError> {
    let reason = Some(reason(&request.reason)?);
    let choose = async { Ok(Chosen { letters: vec![there(house, context, letter).await?.id], ..Chosen::default() }) };
    carry_out(house, asked, Plan { act: Act::Purge, context, reason }, choose).await
}

/// Hands a letter to its group once more, with other data under the same event id.
///
/// # Errors
/// [`OperationsError`].
pub async fn edit(
    house: &Operations,
    asked: &Asked,
    context: &str,
    letter: &str,
    request: EditRequest,
) -> Result<Reply, OperationsError> {
    let reason = Some(reason(&request.reason)?);
    let choose = async {
        let found = there(house, context, letter).await?;
        let Edited { payload, .. } = edited(&found.payload, &request.data)?;
        let digests = Some((digest(&found.payload), digest(&payload)));
        Ok(Chosen { letters: vec![found.id], next: None, data: Some(request.data), digests })
    };
    carry_out(house, asked, Plan { act: Act::Edit, context, reason }, choose).await
}

/// The letter, which must be there when the act is asked for.
async fn there(house: &Operations, context: &str, letter: &str) -> Result<DeadLetter, OperationsError> {
    let id: EntryId = letter.parse().map_err(|_| OperationsError::NotFound)?;
    service(house, context)?.letters.inspect(id).await?.ok_or(OperationsError::NotFound)
}

pub(super) fn reason(text: &str) -> Result<Reason, OperationsError> {
    Reason::new(text).map_err(|error| OperationsError::invalid("reason", &error.to_string()))
}

fn digest(payload: &[u8]) -> String {
    Sha256::digest(payload).iter().map(|byte| format!("{byte:02x}")).collect()
}
