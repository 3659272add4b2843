//! An owner tries an endpoint: one message, made on demand, sent as any other.

use super::change_endpoint::own;
use super::error::CommandError;
use super::step::{Written, written};
use super::store::{load_message, message_change};
use super::{Caller, OnceRequest};
use crate::Webhooks;
use crate::catalogue::TEST;
use crate::domain::{Cause, Message, MessageState, Subject};
use crate::keys;
use crate::wire::payload;
use records::TimerStep;
use serde_json::json;
use webhooks_wire::{EndpointId, MessageId};

/// Makes the message.
///
/// # Errors
/// [`CommandError`].
pub async fn send_test(
    webhooks: &Webhooks,
    caller: &Caller,
    once: &OnceRequest,
    id: EndpointId,
) -> Result<Message, CommandError> {
    let (_, endpoint) = own(webhooks, caller, id).await?;
    if !endpoint.is_enabled() {
        return Err(CommandError::Disabled);
    }
    let now = caller.meta.at;
    let name = MessageId::derived(
        id.partition(),
        &[b"test", caller.user.to_string().as_bytes(), id.to_string().as_bytes(), once.key.as_bytes()],
    );
    let message = Message {
        id: name,
        endpoint: id,
        cause: Cause::Test,
        subject: Subject { kind: TEST.to_owned(), at: now, number: 1, about: Some(caller.user) },
        body: payload(TEST, now, &json!({ "endpoint_id": id })),
        trace: caller.meta.trace.clone(),
        created_at: now,
        state: MessageState::Pending,
        due: Some(now),
        tries: 0,
        made: 0,
        log: Vec::new(),
    };
    let change = message_change(None, &message, None, caller.meta.clone())?
        .with_timer(TimerStep::Set { name: keys::EXPIRE, due: message.expires_at() })
        .with_timer(TimerStep::Set { name: keys::WAKE, due: now })
        .with_once(once.row(caller.user));
    match written(webhooks.records.commit(change).await?)? {
        Written::Done | Written::Conflict => {}
    }
    let found = load_message(&*webhooks.records, id, name).await?;
    found.map(|(_, message)| message).ok_or(CommandError::NotFound)
}
