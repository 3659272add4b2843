//! Endpoints, queues and messages in the record store: loading, and what every change of one carries with it.

use crate::Webhooks;
use crate::domain::{Audience, Endpoint, Lane, Message, MessageState, Queue};
use crate::keys;
use crate::wire::{self, AttemptSummary, MessageSummary, StoredEndpoint, StoredMessage, StoredQueue};
use ambient::Timestamp;
use records::{
    Change, Content, Cursor, IndexName, IndexStep, MAX_PAGE, Meta, Record, RecordKey, Records, RecordsError, TimerStep,
    Version,
};
use serde::Serialize;
use std::collections::BTreeMap;
use webhooks_wire::{EndpointId, MessageId};

/// How often a change by somebody else in between is borne.
pub(crate) const TRIES: usize = 8;

/// An endpoint with its version; `None` where there is none, or none any more.
pub(crate) async fn load_endpoint(
    webhooks: &Webhooks,
    id: EndpointId,
) -> Result<Option<(Version, Endpoint)>, RecordsError> {
    let Some(record) = webhooks.records.load(&keys::endpoint(id)?).await? else { return Ok(None) };
    let Some(stored) = wire::read::<StoredEndpoint>(&record)? else { return Ok(None) };
    let endpoint = stored.open(&webhooks.vault).map_err(|_| corrupt(&record.key))?;
    Ok(Some((record.version, endpoint)))
}

fn corrupt(key: &RecordKey) -> RecordsError {
    RecordsError::Corrupt { key: key.to_string() }
}

/// A change of an endpoint, with its places in lists.
pub(crate) fn endpoint_change(
    webhooks: &Webhooks,
    endpoint: &Endpoint,
    expected: Option<Version>,
    meta: Meta,
) -> Result<Change, RecordsError> {
    let key = keys::endpoint(endpoint.id)?;
    let stored = StoredEndpoint::of(endpoint, &webhooks.vault).map_err(|_| corrupt(&key))?;
    let sort = endpoint.created_at.to_string();
    let listening = match endpoint.audience {
        Audience::Own => keys::listening(endpoint.owner)?,
        Audience::All => keys::listening_to_all()?,
    };
    let listening = if endpoint.is_enabled() {
        IndexStep::Put { index: listening, sort: sort.clone(), summary: String::new() }
    } else {
        IndexStep::Remove { index: listening, sort: sort.clone() }
    };
    Ok(Change::new(key, expected, Content::Body(wire::write(&stored)?), meta)
        .with_index(IndexStep::Put { index: keys::endpoints_of(endpoint.owner)?, sort, summary: String::new() })
        .with_index(listening))
}

/// A queue with its version; one that nothing was ever put in where there is none.
pub(crate) async fn load_queue(
    records: &dyn Records,
    id: EndpointId,
) -> Result<(Option<Version>, Queue), RecordsError> {
    let Some(record) = records.load(&keys::queue(id)?).await? else { return Ok((None, Queue::new(id))) };
    let queue = wire::read::<StoredQueue>(&record)?.map_or_else(|| Queue::new(id), Queue::from);
    Ok((Some(record.version), queue))
}

/// A change of a queue: its timer rings then, in the lane of its endpoint, or not at all.
pub(crate) fn queue_change(
    queue: &Queue,
    expected: Option<Version>,
    ring: Option<Timestamp>,
    meta: Meta,
) -> Result<Change, RecordsError> {
    let content = Content::Body(wire::write(&StoredQueue::from(queue))?);
    let (own, other) = match queue.lane {
        Lane::Quick => (keys::SEND, keys::SEND_SLOWLY),
        Lane::Slow => (keys::SEND_SLOWLY, keys::SEND),
    };
    let ring = match ring {
        Some(due) => TimerStep::Set { name: own, due },
        None => TimerStep::Clear { name: own },
    };
    let change = Change::new(keys::queue(queue.endpoint)?, expected, content, meta);
    Ok(change.with_timer(ring).with_timer(TimerStep::Clear { name: other }))
}

/// A message with its version; `None` where there is none, or none any more.
pub(crate) async fn load_message(
    records: &dyn Records,
    endpoint: EndpointId,
    id: MessageId,
) -> Result<Option<(Version, Message)>, RecordsError> {
    let Some(record) = records.load(&keys::message(endpoint, id)?).await? else { return Ok(None) };
    Ok(wire::read::<StoredMessage>(&record)?.map(|stored| (record.version, Message::from(stored))))
}

/// A message's places in indexes, each with its summary.
fn places(message: &Message) -> Result<BTreeMap<(IndexName, String), String>, RecordsError> {
    let mut places = BTreeMap::new();
    let made = message.created_at.to_string();
    let summary = text(&MessageSummary::from(message))?;
    if let Some(due) = message.due {
        let when = due.unix_ms().to_string();
        places.insert((keys::due(message.endpoint)?, keys::earliest_first(due)), when.clone());
        // What happened to one thing at one moment is ordered by the number of the change.
        let place = format!(
            "{}.{:012}",
            keys::earliest_first(message.subject.at),
            999_999_999_999u64.saturating_sub(message.subject.number)
        );
        places.insert((keys::line(message.endpoint)?, place), when);
    }
    if let MessageState::Failed { at } = message.state {
        places.insert((keys::failed(message.endpoint)?, made.clone()), at.unix_ms().to_string());
    }
    for attempt in &message.log {
        let place = format!("{}.{:06}", attempt.begun_at, attempt.number);
        places.insert((keys::attempts_of(message.endpoint)?, place), text(&AttemptSummary::from(attempt))?);
    }
    if let Some(person) = message.subject.about {
        places.insert((keys::about(person)?, made.clone()), summary.clone());
    }
    places.insert((keys::messages_of(message.endpoint)?, made), summary);
    Ok(places)
}

fn text<S: Serialize>(summary: &S) -> Result<String, RecordsError> {
    serde_json::to_string(summary).map_err(|error| RecordsError::Invalid(error.to_string()))
}

/// A change of a message, with its places in indexes.
pub(crate) fn message_change(
    before: Option<&Message>,
    message: &Message,
    expected: Option<Version>,
    meta: Meta,
) -> Result<Change, RecordsError> {
    let content = Content::Body(wire::write(&StoredMessage::from(message))?);
    let mut change = Change::new(keys::message(message.endpoint, message.id)?, expected, content, meta);
    let had = before.map(places).transpose()?.unwrap_or_default();
    let has = places(message)?;
    for (index, sort) in had.keys().filter(|place| !has.contains_key(*place)) {
        change = change.with_index(IndexStep::Remove { index: index.clone(), sort: sort.clone() });
    }
    for ((index, sort), summary) in has {
        if had.get(&(index.clone(), sort.clone())) != Some(&summary) {
            change = change.with_index(IndexStep::Put { index, sort, summary });
        }
    }
    Ok(change)
}

/// Takes a message out of all its places but one, and its timers away; for a change that leaves a tombstone.
pub(crate) fn without_places(
    record: &Record,
    mut change: Change,
    but: Option<&IndexName>,
) -> Result<Change, RecordsError> {
    if let Some(stored) = wire::read::<StoredMessage>(record)? {
        for (index, sort) in places(&Message::from(stored))?.into_keys() {
            if but != Some(&index) {
                change = change.with_index(IndexStep::Remove { index, sort });
            }
        }
    }
    Ok(change.with_timer(TimerStep::Clear { name: keys::EXPIRE }).with_timer(TimerStep::Clear { name: keys::WAKE }))
}

/// The names of all endpoints in an index.
pub(crate) async fn endpoints_in(records: &dyn Records, index: &IndexName) -> Result<Vec<EndpointId>, RecordsError> {
    let (mut found, mut after): (Vec<EndpointId>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = records.list(index, after.as_ref(), MAX_PAGE).await?;
        for entry in &page.entries {
            if let Some(keys::Named::Endpoint(id)) = keys::named(&entry.key) {
                found.push(id);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}
