//! One event becomes a message for each endpoint that hears of it, each once.

use super::arm::arm;
use super::step::step;
use super::store::{endpoints_in, load_endpoint, message_change};
use crate::Webhooks;
use crate::catalogue::{Whose, whose};
use crate::domain::{Audience, Cause, Endpoint, Message, MessageState, Subject};
use crate::keys;
use crate::wire::payload;
use core::time::Duration;
use events::Envelope;
use futures::future::{try_join, try_join_all};
use ids::UserId;
use records::{Meta, RecordsError, TimerStep};
use webhooks_wire::{EndpointId, MessageId};

/// How long a message of an endpoint that wants them in order waits for what happened before and is heard after.
const SETTLING: Duration = Duration::from_secs(1);

/// Why an event did not become messages.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// It does not say whose it is: nobody is told of it.
    #[error("the event does not say whose it is")]
    Ownerless,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Makes the messages of an event. One round trip where nobody listens.
///
/// # Errors
/// [`DispatchError`]; repeating it makes what is missing and nothing twice.
pub async fn dispatch(webhooks: &Webhooks, event: &Envelope, meta: &Meta) -> Result<(), DispatchError> {
    let Some(whose) = whose(&event.kind, &event.data) else { return Ok(()) };
    let about = match whose.map_err(|_| DispatchError::Ownerless)? {
        Whose::Person(user_id) => Some(user_id),
        Whose::House => None,
    };
    let records = &*webhooks.records;
    let (own_index, all_index) = (about.map(keys::listening).transpose()?, keys::listening_to_all()?);
    let own = async {
        match &own_index {
            Some(index) => endpoints_in(records, index).await,
            None => Ok(Vec::new()),
        }
    };
    let (own, all) = try_join(own, endpoints_in(records, &all_index)).await?;
    let told = own.into_iter().chain(all).map(|id| tell(webhooks, event, about, id, meta));
    try_join_all(told).await.map(|_: Vec<()>| ()).map_err(DispatchError::from)
}

/// Makes one endpoint's message, and has somebody look at its queue.
async fn tell(
    webhooks: &Webhooks,
    event: &Envelope,
    about: Option<UserId>,
    id: EndpointId,
    meta: &Meta,
) -> Result<(), RecordsError> {
    let Some((_, endpoint)) = load_endpoint(webhooks, id).await? else { return Ok(()) };
    if !hears(&endpoint, about, &event.kind) {
        return Ok(());
    }
    let due = if endpoint.ordered { meta.at.plus(SETTLING) } else { meta.at };
    let message = Message {
        id: MessageId::derived(id.partition(), &[event.id.as_str().as_bytes(), id.to_string().as_bytes()]),
        endpoint: id,
        cause: Cause::Event(event.id.clone()),
        subject: Subject { kind: event.kind.clone(), at: event.time, number: event.version.number, about },
        body: payload(&event.kind, event.time, &event.data),
        trace: event.traceid.clone(),
        created_at: meta.at,
        state: MessageState::Pending,
        due: Some(due),
        tries: 0,
        made: 0,
        log: Vec::new(),
    };
    let change = message_change(None, &message, None, meta.clone())?
        .with_timer(TimerStep::Set { name: keys::EXPIRE, due: message.expires_at() });
    // A conflict says that an earlier delivery of the event has made it: the same either way. The queue is armed once
    // more, because that delivery may have died in between.
    step(webhooks.records.commit(change).await?)?;
    arm(&*webhooks.records, id, due, meta).await
}

/// Whether an endpoint may and wants to hear of something: judged by the endpoint itself, whatever index it was found in.
fn hears(endpoint: &Endpoint, about: Option<UserId>, kind: &str) -> bool {
    let may = match endpoint.audience {
        Audience::Own => about == Some(endpoint.owner),
        Audience::All => true,
    };
    may && endpoint.is_enabled() && endpoint.filter.passes(kind)
}
