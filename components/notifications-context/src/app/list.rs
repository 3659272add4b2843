//! A page of the inbox: one round trip, no body is read.

use crate::keys;
use crate::wire::{NotificationLine, NotificationsPage, Summary};
use ids::UserId;
use records::{Cursor, IndexEntry, Records, RecordsError};

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

/// The notifications of a person, newest first.
///
/// # Errors
/// [`ListError`].
pub async fn list(
    records: &dyn Records,
    user_id: UserId,
    cursor: Option<String>,
    limit: u32,
) -> Result<NotificationsPage, ListError> {
    let cursor = cursor.map(Cursor);
    let page = match records.list(&keys::inbox(user_id)?, cursor.as_ref(), limit).await {
        // The limit was checked before, so that only the cursor is left to blame.
        Err(RecordsError::Invalid(_)) if cursor.is_some() => return Err(ListError::Cursor),
        page => page?,
    };
    let items = page.entries.iter().map(line).collect::<Result<_, _>>()?;
    Ok(NotificationsPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

fn line(entry: &IndexEntry) -> Result<NotificationLine, RecordsError> {
    let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
    let id = keys::notification_id(&entry.key).ok_or_else(corrupt)?;
    let Summary { title, kind, about, read, created_at } =
        serde_json::from_str(&entry.summary).map_err(|_| corrupt())?;
    Ok(NotificationLine { id, kind, about, title, read, created_at })
}
