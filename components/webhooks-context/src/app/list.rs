//! What owners look at: their endpoints, and what was sent to them.

use super::Caller;
use super::change_endpoint::own;
use super::error::CommandError;
use super::store::{load_endpoint, load_message};
use crate::Webhooks;
use crate::domain::{Endpoint, Message};
use crate::keys;
use crate::wire::{AttemptLine, AttemptsPage, EndpointAnswer, EndpointsPage, MessageLine, MessagesPage};
use futures::future::try_join_all;
use records::{Cursor, IndexEntry, IndexName, Page, RecordsError, Version};
use webhooks_wire::{EndpointId, MessageId};

/// One page of an index.
async fn page(
    webhooks: &Webhooks,
    index: &IndexName,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, CommandError> {
    let cursor = cursor.map(Cursor);
    match webhooks.records.list(index, cursor.as_ref(), limit).await {
        // The limit was checked before, so that only the cursor is left to blame.
        Err(RecordsError::Invalid(_)) if cursor.is_some() => {
            Err(CommandError::Invalid { field: "cursor", why: "it is not one that a page named".to_owned() })
        }
        page => Ok(page?),
    }
}

fn corrupt(entry: &IndexEntry) -> RecordsError {
    RecordsError::Corrupt { key: entry.key.to_string() }
}

/// The caller's endpoints, newest first.
///
/// # Errors
/// [`CommandError`].
pub async fn list_endpoints(
    webhooks: &Webhooks,
    caller: &Caller,
    cursor: Option<String>,
    limit: u32,
) -> Result<EndpointsPage, CommandError> {
    let page = page(webhooks, &keys::endpoints_of(caller.user)?, cursor, limit).await?;
    let found = try_join_all(page.entries.iter().map(|entry| async move {
        let Some(keys::Named::Endpoint(id)) = keys::named(&entry.key) else { return Err(corrupt(entry)) };
        load_endpoint(webhooks, id).await
    }))
    .await?;
    // One that was deleted in between is not shown.
    let items = found.iter().flatten().map(|(_, endpoint)| EndpointAnswer::of(endpoint, caller.meta.at)).collect();
    Ok(EndpointsPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

/// One endpoint of the caller's.
///
/// # Errors
/// [`CommandError`].
pub async fn show_endpoint(
    webhooks: &Webhooks,
    caller: &Caller,
    id: EndpointId,
) -> Result<(Version, Endpoint), CommandError> {
    own(webhooks, caller, id).await
}

/// The messages of one endpoint, newest first.
///
/// # Errors
/// [`CommandError`].
pub async fn list_messages(
    webhooks: &Webhooks,
    caller: &Caller,
    id: EndpointId,
    cursor: Option<String>,
    limit: u32,
) -> Result<MessagesPage, CommandError> {
    own(webhooks, caller, id).await?;
    let page = page(webhooks, &keys::messages_of(id)?, cursor, limit).await?;
    let line = |entry: &IndexEntry| match keys::named(&entry.key) {
        Some(keys::Named::Message(_, message)) => {
            let summary = serde_json::from_str(&entry.summary).map_err(|_| corrupt(entry))?;
            Ok(MessageLine::of(message, summary))
        }
        _ => Err(corrupt(entry)),
    };
    let items = page.entries.iter().map(line).collect::<Result<_, RecordsError>>()?;
    Ok(MessagesPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

/// The tries of one endpoint, newest first.
///
/// # Errors
/// [`CommandError`].
pub async fn list_attempts(
    webhooks: &Webhooks,
    caller: &Caller,
    id: EndpointId,
    cursor: Option<String>,
    limit: u32,
) -> Result<AttemptsPage, CommandError> {
    own(webhooks, caller, id).await?;
    let page = page(webhooks, &keys::attempts_of(id)?, cursor, limit).await?;
    let line = |entry: &IndexEntry| match keys::named(&entry.key) {
        Some(keys::Named::Message(_, message)) => {
            let summary = serde_json::from_str(&entry.summary).map_err(|_| corrupt(entry))?;
            Ok(AttemptLine::of(message, summary))
        }
        _ => Err(corrupt(entry)),
    };
    let items = page.entries.iter().map(line).collect::<Result<_, RecordsError>>()?;
    Ok(AttemptsPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

/// One message of an endpoint of the caller's, with its log.
///
/// # Errors
/// [`CommandError`].
pub async fn show_message(
    webhooks: &Webhooks,
    caller: &Caller,
    endpoint: EndpointId,
    id: MessageId,
) -> Result<(Version, Message), CommandError> {
    own(webhooks, caller, endpoint).await?;
    load_message(&*webhooks.records, endpoint, id).await?.ok_or(CommandError::NotFound)
}
