//! Everything that was given up since a moment is sent again: a record of its own that goes on page by page.

use super::change_endpoint::own;
use super::error::CommandError;
use super::step::{Step, Written, step, written};
use super::store::{TRIES, load_endpoint, load_message, message_change};
use super::{Caller, OnceRequest, arm};
use crate::Webhooks;
use crate::domain::MessageState;
use crate::keys;
use crate::wire::{self, RecoveryAnswer, StoredRecovery};
use ambient::Timestamp;
use futures::future::try_join_all;
use records::{Change, Content, Cursor, DueTimer, IndexEntry, Meta, RecordsError, TimerStep};
use webhooks_wire::{EndpointId, MessageId};

/// How many messages one step sends again.
const PAGE: u32 = 25;
/// The most messages that one recovery sends again.
const MOST: u64 = 10_000;

/// Begins a recovery.
///
/// # Errors
/// [`CommandError`].
pub async fn recover(
    webhooks: &Webhooks,
    caller: &Caller,
    once: &OnceRequest,
    id: EndpointId,
    since: Timestamp,
) -> Result<RecoveryAnswer, CommandError> {
    let (_, endpoint) = own(webhooks, caller, id).await?;
    if !endpoint.is_enabled() {
        return Err(CommandError::Disabled);
    }
    let name = MessageId::derived(
        id.partition(),
        &[b"recovery", caller.user.to_string().as_bytes(), id.to_string().as_bytes(), once.key.as_bytes()],
    );
    let key = keys::recovery(id, name)?;
    let recovery = StoredRecovery { endpoint: id, since, until: caller.meta.at, cursor: None, resent: 0, ended: false };
    let change = Change::new(key.clone(), None, Content::Body(wire::write(&recovery)?), caller.meta.clone())
        .with_timer(TimerStep::Set { name: keys::RECOVER, due: caller.meta.at })
        .with_once(once.row(caller.user));
    match written(webhooks.records.commit(change).await?)? {
        Written::Done | Written::Conflict => {}
    }
    let record = webhooks.records.load(&key).await?.ok_or(CommandError::NotFound)?;
    let StoredRecovery { endpoint, since, until, .. } = wire::read(&record)?.ok_or(CommandError::NotFound)?;
    Ok(RecoveryAnswer { endpoint_id: endpoint, since, until })
}

/// One step of a recovery, by its timer: a page of messages, then the place where the next one begins. A step that was
/// cut off is done once more, and finds what it has sent again already no longer among the given up.
///
/// # Errors
/// The store's; the timer comes back.
pub async fn go_on_recovering(webhooks: &Webhooks, timer: &DueTimer, meta: &Meta) -> Result<(), RecordsError> {
    let Some(record) = webhooks.records.load(&timer.key).await? else {
        return webhooks.records.finish_timer(timer).await;
    };
    let Some(mut recovery) = wire::read::<StoredRecovery>(&record)?.filter(|recovery| !recovery.ended) else {
        return webhooks.records.finish_timer(timer).await;
    };
    let id = recovery.endpoint;
    let enabled = load_endpoint(webhooks, id).await?.is_some_and(|(_, endpoint)| endpoint.is_enabled());
    let after = recovery.cursor.clone().map(Cursor);
    let page = if enabled {
        webhooks.records.list(&keys::failed(id)?, after.as_ref(), PAGE).await?
    } else {
        records::Page::default()
    };
    // Newest first: the first one that is too old is the end.
    let since = recovery.since.to_string();
    let wanted: Vec<&IndexEntry> = page.entries.iter().take_while(|entry| entry.sort >= since).collect();
    let more = wanted.len() == page.entries.len();
    let until = recovery.until;
    let again = try_join_all(wanted.into_iter().map(|entry| send_again(webhooks, entry, until, meta))).await?;
    let count = again.iter().filter(|again| **again).count();
    recovery.resent = recovery.resent.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    if count > 0 {
        arm(&*webhooks.records, id, meta.at, meta).await?;
    }
    recovery.cursor = page.next.filter(|_| more && recovery.resent < MOST).map(|cursor| cursor.0);
    recovery.ended = recovery.cursor.is_none();
    let next = if recovery.ended {
        TimerStep::Clear { name: keys::RECOVER }
    } else {
        TimerStep::Set { name: keys::RECOVER, due: meta.at }
    };
    let content = Content::Body(wire::write(&recovery)?);
    let change = Change::new(timer.key.clone(), Some(record.version), content, meta.clone()).with_timer(next);
    // A conflict: whoever was faster has set the timer.
    step(webhooks.records.commit(change).await?).map(|_| ())
}

/// Sends one message again that was given up before the recovery began.
async fn send_again(
    webhooks: &Webhooks,
    entry: &IndexEntry,
    until: Timestamp,
    meta: &Meta,
) -> Result<bool, RecordsError> {
    let Some(keys::Named::Message(endpoint, id)) = keys::named(&entry.key) else { return Ok(false) };
    for _ in 0..TRIES {
        let Some((version, before)) = load_message(&*webhooks.records, endpoint, id).await? else { return Ok(false) };
        if !matches!(before.state, MessageState::Failed { at } if at <= until) {
            return Ok(false);
        }
        let change = message_change(Some(&before), &before.again(meta.at), Some(version), meta.clone())?;
        match step(webhooks.records.commit(change).await?)? {
            Step::Committed(_) => return Ok(true),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable("the message changes again and again".to_owned()))
}
