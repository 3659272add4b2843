//! The log of a person's messages: the answer to "why did I not get it?", for themself and for operators.

use crate::app::{IN_INBOX, ListError};
use crate::domain::{Channel, Message, Notification};
use crate::keys;
use crate::wire::{self, LogLine, LogPage, LogSummary, LoggedMessage, LoggedRow, StoredMessage, StoredNotification};
use ids::{NotificationId, UserId};
use records::{Cursor, IndexEntry, Records, RecordsError};

/// A page of the log, newest first: one round trip.
///
/// # Errors
/// [`ListError`].
pub async fn message_log(
    records: &dyn Records,
    user_id: UserId,
    cursor: Option<String>,
    limit: u32,
) -> Result<LogPage, ListError> {
    let cursor = cursor.map(Cursor);
    let page = match records.list(&keys::log_of(user_id)?, cursor.as_ref(), limit).await {
        Err(RecordsError::Invalid(_)) if cursor.is_some() => return Err(ListError::Cursor),
        page => page?,
    };
    let items = page.entries.iter().map(line).collect::<Result<_, _>>()?;
    Ok(LogPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

fn line(entry: &IndexEntry) -> Result<LogLine, RecordsError> {
    let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
    let id = keys::message_id(&entry.key).or_else(|| keys::notification_id(&entry.key)).ok_or_else(corrupt)?;
    let summary: LogSummary = serde_json::from_str(&entry.summary).map_err(|_| corrupt())?;
    Ok(LogLine::of(id, summary))
}

/// One message of this person with all that befell it; `None` where there is none, or it is another's.
///
/// # Errors
/// The store's.
pub async fn logged_message(
    records: &dyn Records,
    user_id: UserId,
    id: NotificationId,
    for_its_person: bool,
) -> Result<Option<LoggedMessage>, RecordsError> {
    if let Some(record) = records.load(&keys::message(id)?).await? {
        let message = wire::read::<StoredMessage, Message>(&record)?.filter(|message| message.user_id == user_id);
        return Ok(message.map(|message| LoggedMessage::of(&message, for_its_person)));
    }
    let Some(record) = records.load(&keys::notification(id)?).await? else { return Ok(None) };
    let notification = wire::read::<StoredNotification, Notification>(&record)?;
    Ok(notification
        .filter(|notification| notification.user_id == user_id)
        .map(|found| in_inbox(&found, for_its_person)))
}

/// What lies in an inbox keeps no rows: what befell it is what its owner did with it.
fn in_inbox(notification: &Notification, for_its_person: bool) -> LoggedMessage {
    let row = |what: &str, at| LoggedRow { at, what: what.to_owned(), provider: None, why: None };
    let rows = [
        Some(row("created", notification.created_at)),
        notification.read_at.map(|at| row("read", at)),
        notification.archived_at.map(|at| row("archived", at)),
    ];
    let text = notification.text_ref.as_ref();
    LoggedMessage {
        id: notification.id,
        channel: Channel::InApp.word().to_owned(),
        kind: notification.kind.word().to_owned(),
        template: text.map(|text| text.template.clone()).unwrap_or_default(),
        template_version: text.map(|text| text.version).unwrap_or_default(),
        locale: text.map(|text| text.locale.clone()).unwrap_or_default(),
        state: IN_INBOX.to_owned(),
        reason: None,
        digest: None,
        to: None,
        subject: for_its_person.then(|| notification.title.clone()),
        rounds: 0,
        log: rows.into_iter().flatten().collect(),
        created_at: Some(notification.created_at),
    }
}
