//! An owner has a message sent again, with all its tries before it.

use super::change_endpoint::own;
use super::error::CommandError;
use super::step::{Written, written};
use super::store::{TRIES, load_message, message_change};
use super::{Caller, OnceRequest};
use crate::Webhooks;
use crate::domain::Message;
use crate::keys;
use records::TimerStep;
use webhooks_wire::{EndpointId, MessageId};

/// Sends a message again, whatever became of it; under the same `webhook-id`.
///
/// # Errors
/// [`CommandError`].
pub async fn resend(
    webhooks: &Webhooks,
    caller: &Caller,
    once: &OnceRequest,
    endpoint: EndpointId,
    id: MessageId,
) -> Result<Message, CommandError> {
    let (_, at) = own(webhooks, caller, endpoint).await?;
    if !at.is_enabled() {
        return Err(CommandError::Disabled);
    }
    for _ in 0..TRIES {
        let found = load_message(&*webhooks.records, endpoint, id).await?;
        let (version, before) = found.ok_or(CommandError::NotFound)?;
        let again = before.again(caller.meta.at);
        let change = message_change(Some(&before), &again, Some(version), caller.meta.clone())?
            .with_timer(TimerStep::Set { name: keys::WAKE, due: caller.meta.at })
            .with_once(once.row(caller.user));
        match written(webhooks.records.commit(change).await?)? {
            Written::Done => {
                let found = load_message(&*webhooks.records, endpoint, id).await?;
                return found.map(|(_, message)| message).ok_or(CommandError::NotFound);
            }
            Written::Conflict => {}
        }
    }
    Err(CommandError::Contended)
}
