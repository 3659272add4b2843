//! Letters of one kind that come together: one more is held, and a window is closed.
//!
//! A window is closed in steps, each a commit that can be repeated: what is in it is fixed, the letter is made under a
//! name derived from person, kind and window, each message that is in it is marked, the window is over. Whoever dies in
//! between leaves the timer set, and the next one goes on.

use crate::app::deliver::DeliverError;
use crate::app::notify::{entered, logged};
use crate::app::settings::settings_of;
use crate::app::step::{Step, step};
use crate::app::{Known, known_contact};
use crate::domain::{
    Befell, Channel, Contact, DigestState, Journal, Kind, MAX_ITEMS, Message, MessageState, Rhythm, Template,
};
use crate::keys;
use crate::templates::render_digest;
use crate::wire::{self, Settings, StoredDigest, StoredMessage};
use ambient::Timestamp;
use core::time::Duration;
use futures::future::try_join_all;
use ids::{NotificationId, UserId};
use records::{Change, Content, DueTimer, IndexStep, Meta, Outcome, Records, RecordsError, TimerStep, Version};

/// How often a change by somebody else in between is borne.
const TRIES: usize = 6;
/// When a window that somebody began to close is gone on with, if they died.
const GO_ON_AFTER: Duration = Duration::from_secs(60);

/// One more letter waits: opens a window where none is open.
///
/// # Errors
/// The store's.
pub(super) async fn held(
    records: &dyn Records,
    user_id: UserId,
    kind: Kind,
    rhythm: Rhythm,
    settings: &Settings,
    meta: &Meta,
) -> Result<(), RecordsError> {
    let due = rhythm.next(meta.at, settings.preferences.clock().as_ref());
    for _ in 0..TRIES {
        let Some((version, state)) = load(records, user_id, kind).await? else { return Ok(()) };
        let Some(next) = state.on_arrival(due) else { return Ok(()) };
        if write(records, (user_id, kind), version, &next, meta).await?.is_some() {
            return Ok(());
        }
    }
    Err(RecordsError::Unavailable("a summary changes again and again".to_owned()))
}

/// Closes the window whose timer is due; where more waits than one letter names, the next one is due at once.
///
/// # Errors
/// [`DeliverError`]; the timer brings it back.
pub(super) async fn close_window(
    records: &dyn Records,
    timer: &DueTimer,
    user_id: UserId,
    kind: Kind,
    meta: &Meta,
) -> Result<(), DeliverError> {
    let (version, state) = match load(records, user_id, kind).await? {
        Some((Some(version), state)) => (version, state),
        // Nothing there, or erased.
        Some((None, _)) | None => return Ok(records.finish_timer(timer).await?),
    };
    let (version, window, items) = match state {
        DigestState::Idle { .. } => return Ok(records.finish_timer(timer).await?),
        DigestState::Closing { window, items, .. } => (version, window, items),
        DigestState::Open { window, .. } => {
            let page = records.list(&keys::digest_items(user_id, kind)?, None, MAX_ITEMS).await?;
            let items: Vec<_> = page.entries.iter().filter_map(|entry| keys::message_id(&entry.key)).collect();
            let closing = DigestState::Closing { window, items: items.clone(), came_late: 0 };
            match write(records, (user_id, kind), Some(version), &closing, meta).await? {
                Some(version) => (version, window, items),
                // Another worker has it.
                None => return Ok(()),
            }
        }
    };
    let letter = digest_id(user_id, kind, window);
    if let Known::Contact(contact) = known_contact(records, user_id).await? {
        make_letter(records, &contact, kind, letter, &items, meta).await?;
        try_join_all(items.iter().map(|item| mark_item(records, *item, letter, meta))).await?;
    }
    over(records, user_id, kind, version, window, meta).await
}

/// The name of the letter of one window.
fn digest_id(user_id: UserId, kind: Kind, window: u64) -> NotificationId {
    let user = user_id.to_string();
    let parts = [Template::Digest.name().as_bytes(), user.as_bytes(), kind.word().as_bytes(), &window.to_be_bytes()];
    NotificationId::derived(user_id.partition(), &parts)
}

/// Makes the letter, if it was not made before.
async fn make_letter(
    records: &dyn Records,
    contact: &Contact,
    kind: Kind,
    id: NotificationId,
    items: &[NotificationId],
    meta: &Meta,
) -> Result<(), DeliverError> {
    if records.load(&keys::message(id)?).await?.is_some() {
        return Ok(());
    }
    let messages = try_join_all(items.iter().map(|item| load_message(records, *item))).await?;
    let mut lines: Vec<(Timestamp, String)> = messages
        .into_iter()
        .flatten()
        .filter(|(_, message)| message.state == MessageState::Held)
        .map(|(_, message)| (message.created_at.unwrap_or(meta.at), message.subject))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    lines.sort();
    let text = render_digest(&lines, contact)?;
    let message = Message {
        id,
        user_id: contact.user_id,
        channel: Channel::Email,
        kind,
        text_ref: Some(text.text_ref),
        to: contact.email.clone(),
        subject: text.subject,
        text: text.body,
        html: text.html,
        trace: meta.trace.clone(),
        created_at: Some(meta.at),
        state: MessageState::Queued,
        attempts: 0,
        provider: None,
        passed_over: Vec::new(),
        uncertain: 0,
        may_lie_at: None,
        journal: Journal::default().with(meta.at, Befell::Created, None, None),
    };
    let due = TimerStep::Set { name: keys::DELIVER, due: meta.at };
    // A conflict: whoever died had made it.
    step(records.commit(entered(&message, meta)?.with_timer(due)).await?)?;
    Ok(())
}

/// A message went into a letter.
async fn mark_item(
    records: &dyn Records,
    item: NotificationId,
    into: NotificationId,
    meta: &Meta,
) -> Result<(), RecordsError> {
    for _ in 0..TRIES {
        let Some((version, message)) = load_message(records, item).await? else { return Ok(()) };
        if message.state != MessageState::Held {
            return Ok(());
        }
        let journal = message.journal.clone().with(meta.at, Befell::Summarised, None, Some(into.to_string()));
        let after = Message { state: MessageState::Digested { at: meta.at, into }, journal, ..message };
        let content = Content::Body(wire::write(&StoredMessage::from(&after))?);
        let index = keys::digest_items(after.user_id, after.kind)?;
        let sort = after.created_at.unwrap_or(meta.at).to_string();
        let change = Change::new(keys::message(item)?, Some(version), content, meta.clone())
            .with_index(IndexStep::Remove { index, sort });
        match step(records.commit(logged(change, &after)?).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable("a message changes again and again".to_owned()))
}

/// The window is over: nothing waits, or the next one is open.
async fn over(
    records: &dyn Records,
    user_id: UserId,
    kind: Kind,
    version: Version,
    window: u64,
    meta: &Meta,
) -> Result<(), DeliverError> {
    let index = keys::digest_items(user_id, kind)?;
    let mut version = version;
    for _ in 0..TRIES {
        let left = records.count(&index).await?;
        let next = match left {
            0 => DigestState::Idle { windows: window },
            more => {
                let settings = settings_of(records, user_id).await?;
                let rhythm = settings.preferences.rhythm(kind);
                // What one letter did not hold comes at once, and so does what was held before somebody changed their mind.
                let due = match rhythm {
                    Some(rhythm) if more < u64::from(MAX_ITEMS) => {
                        rhythm.next(meta.at, settings.preferences.clock().as_ref())
                    }
                    Some(_) | None => meta.at,
                };
                DigestState::Open { window: window.saturating_add(1), due }
            }
        };
        if write(records, (user_id, kind), Some(version), &next, meta).await?.is_some() {
            return Ok(());
        }
        // Something came while this window was being closed.
        match load(records, user_id, kind).await? {
            Some((Some(found), DigestState::Closing { window: same, .. })) if same == window => version = found,
            Some(_) | None => return Ok(()),
        }
    }
    Err(RecordsError::Unavailable("a summary changes again and again".to_owned()).into())
}

async fn load_message(records: &dyn Records, id: NotificationId) -> Result<Option<(Version, Message)>, RecordsError> {
    let Some(record) = records.load(&keys::message(id)?).await? else { return Ok(None) };
    Ok(wire::read::<StoredMessage, Message>(&record)?.map(|message| (record.version, message)))
}

/// How far the summaries are; none where the person was erased.
async fn load(
    records: &dyn Records,
    user_id: UserId,
    kind: Kind,
) -> Result<Option<(Option<Version>, DigestState)>, RecordsError> {
    let Some(record) = records.load(&keys::digest(user_id, kind)?).await? else {
        return Ok(Some((None, DigestState::Idle { windows: 0 })));
    };
    Ok(wire::read::<StoredDigest, DigestState>(&record)?.map(|state| (Some(record.version), state)))
}

/// Commits a state with its timer; the version, or none where somebody else was faster.
async fn write(
    records: &dyn Records,
    (user_id, kind): (UserId, Kind),
    version: Option<Version>,
    state: &DigestState,
    meta: &Meta,
) -> Result<Option<Version>, RecordsError> {
    let content = Content::Body(wire::write(&StoredDigest::from(state))?);
    let timer = match state {
        DigestState::Idle { .. } => TimerStep::Clear { name: keys::DIGEST },
        DigestState::Open { due, .. } => TimerStep::Set { name: keys::DIGEST, due: *due },
        DigestState::Closing { .. } => TimerStep::Set { name: keys::DIGEST, due: meta.at.plus(GO_ON_AFTER) },
    };
    let change = Change::new(keys::digest(user_id, kind)?, version, content, meta.clone()).with_timer(timer);
    match records.commit(change).await? {
        Outcome::Committed(committed) => Ok(Some(committed.version)),
        other => match step(other)? {
            Step::Committed | Step::Conflict => Ok(None),
        },
    }
}
