//! A page of the inbox: no body is read.

use crate::domain::Kind;
use crate::domain::Notification;
use crate::keys;
use crate::wire::{self, NotificationLine, NotificationsPage, StoredNotification, Summary};
use ids::UserId;
use records::{Cursor, IndexEntry, IndexName, MAX_PAGE, Records, RecordsError};

/// How many entries are looked at for one page, where only one kind is wanted.
const MOST_LOOKED_AT: u32 = 5 * MAX_PAGE;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The caller's cursor is none that a page named.
    #[error("the cursor is not one that a page named")]
    Cursor,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Which notifications are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shelf {
    /// What lies in the inbox, read or not.
    #[default]
    Inbox,
    /// What lies there and was not read.
    Unread,
    /// What was put away.
    Archived,
}

impl Shelf {
    fn index(self, user_id: UserId) -> Result<IndexName, RecordsError> {
        match self {
            Self::Inbox => keys::inbox(user_id),
            Self::Unread => keys::unread(user_id),
            Self::Archived => keys::archived(user_id),
        }
    }
}

/// The notifications of a person, newest first. One round trip where every kind is wanted. Where only one is, a page may
/// be short, and only one without a cursor is the last.
///
/// # Errors
/// [`ListError`].
pub async fn list(
    records: &dyn Records,
    user_id: UserId,
    shelf: Shelf,
    kind: Option<Kind>,
    cursor: Option<String>,
    limit: u32,
) -> Result<NotificationsPage, ListError> {
    let index = shelf.index(user_id)?;
    let (mut items, mut looked_at) = (Vec::new(), 0);
    let mut after = cursor.clone().map(Cursor);
    loop {
        // Of several kinds, more are looked at than are shown.
        let asked = if kind.is_some() { MAX_PAGE } else { limit };
        let page = match records.list(&index, after.as_ref(), asked).await {
            // The limit was checked before, so that only the cursor is left to blame.
            Err(RecordsError::Invalid(_)) if cursor.is_some() => return Err(ListError::Cursor),
            page => page?,
        };
        for entry in &page.entries {
            let line = line(records, entry).await?;
            if kind.is_none_or(|kind| kind.word() == line.kind) {
                items.push(line);
            }
            if kind.is_some() && items.len() >= limit as usize {
                let is_last = page.next.is_none() && page.entries.last() == Some(entry);
                let next = (!is_last).then(|| Cursor::at(&entry.sort, &entry.key).0);
                return Ok(NotificationsPage { items, next_cursor: next });
            }
        }
        looked_at += asked;
        after = page.next;
        if kind.is_none() || after.is_none() || looked_at >= MOST_LOOKED_AT {
            return Ok(NotificationsPage { items, next_cursor: after.map(|cursor| cursor.0) });
        }
    }
}

async fn line(records: &dyn Records, entry: &IndexEntry) -> Result<NotificationLine, RecordsError> {
    let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
    let id = keys::notification_id(&entry.key).ok_or_else(corrupt)?;
    let summary = if entry.summary.is_empty() {
        // Unread ones of before they could be listed have none.
        let record = records.load(&entry.key).await?.ok_or_else(corrupt)?;
        let notification = wire::read::<StoredNotification, Notification>(&record)?.ok_or_else(corrupt)?;
        Summary::from(&notification)
    } else {
        serde_json::from_str(&entry.summary).map_err(|_| corrupt())?
    };
    let Summary { title, kind, about, read, created_at } = summary;
    Ok(NotificationLine { id, kind, about, title, read, created_at })
}
