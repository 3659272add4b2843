//! What was heard, in words: the line of the inbox that a message has, looked up once for all streams of its person.

use super::frame::event;
use super::hub::{Block, Heard, News};
use crate::app::{ShowError, show};
use crate::keys;
use crate::wire::{NotificationLine, Summary};
use ids::{NotificationId, UserId};
use notifications_wire::NotificationSnapshot;
use records::{IndexEntry, MAX_PAGE, Records, RecordsError};
use serde::Serialize;
use telemetry::Level;

/// `data` of an event that says that a message was read, or put away.
#[derive(Serialize)]
struct MarkLine {
    id: NotificationId,
}

/// Puts what was heard of one person into words. A round trip for a hundred messages.
pub(super) async fn in_words(
    records: &dyn Records,
    user_id: UserId,
    heard: &[Heard],
) -> Result<Vec<Block>, RecordsError> {
    let mut blocks = Vec::with_capacity(heard.len());
    for part in heard.chunks(MAX_PAGE as usize) {
        let shown = part.iter().filter_map(|heard| match &heard.news {
            News::Created(snapshot) | News::Restored(snapshot) => Some(snapshot.created_at.to_string()),
            News::Read(_) | News::Archived(_) => None,
        });
        let places: Vec<String> = shown.collect();
        let lines = match places.as_slice() {
            [] => Vec::new(),
            places => records.entries_at(&keys::inbox(user_id)?, places).await?,
        };
        let mut lines = lines.into_iter();
        for Heard { entry, news, .. } in part {
            let text = match news {
                News::Created(snapshot) | News::Restored(snapshot) => {
                    let found = lines.next().unwrap_or_default();
                    // None: erased, or taken out of the inbox since.
                    let line = match line(records, user_id, snapshot, &found).await {
                        Err(error @ (RecordsError::Corrupt { .. } | RecordsError::Invalid(_))) => {
                            unreadable(&error);
                            None
                        }
                        line => line?,
                    };
                    let name = if matches!(news, News::Created(_)) { "notification" } else { "restored" };
                    line.map(|line| event(*entry, name, &line)).transpose()
                }
                News::Read(id) => event(*entry, "read", &MarkLine { id: *id }).map(Some),
                News::Archived(id) => event(*entry, "archived", &MarkLine { id: *id }).map(Some),
            };
            let text = text.map_err(|error| RecordsError::Invalid(error.to_string()))?;
            blocks.push(Block { entry: *entry, text: text.map(Into::into) });
        }
    }
    Ok(blocks)
}

/// One that nobody can read is passed over, so that it holds up no other.
fn unreadable(error: &RecordsError) {
    let cause = error.to_string();
    let fields = [("cause", cause.as_str().into())];
    telemetry::log(Level::Error, "notifications-live", "a message cannot be told", &"", &fields);
}

/// The line of a message, as lists show it.
async fn line(
    records: &dyn Records,
    user_id: UserId,
    snapshot: &NotificationSnapshot,
    found: &[IndexEntry],
) -> Result<Option<NotificationLine>, RecordsError> {
    let key = keys::notification(snapshot.id)?;
    if let Some(entry) = found.iter().find(|entry| entry.key == key) {
        let corrupt = |_| RecordsError::Corrupt { key: key.to_string() };
        let Summary { title, kind, about, read, created_at } = serde_json::from_str(&entry.summary).map_err(corrupt)?;
        return Ok(Some(NotificationLine { id: snapshot.id, kind, about, title, read, created_at }));
    }
    // More in one millisecond than a look-up tells, or it is not in the inbox any more.
    match show(records, user_id, snapshot.id).await {
        Ok((_, notification)) => Ok(Some(NotificationLine {
            id: snapshot.id,
            kind: notification.kind.word().to_owned(),
            about: notification.about,
            title: notification.title,
            read: notification.read_at.is_some(),
            created_at: notification.created_at,
        })),
        Err(ShowError::NotFound(_)) => Ok(None),
        Err(ShowError::Records(error)) => Err(error),
    }
}
