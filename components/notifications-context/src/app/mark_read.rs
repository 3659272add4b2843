//! A person reads a notification. Doing it twice is as good as once, so that no Idempotency-Key is needed.

use crate::app::step::{Step, step};
use crate::app::{ShowError, show};
use crate::domain::Notification;
use crate::keys;
use crate::wire::{self, StoredNotification, Summary};
use ids::{NotificationId, UserId};
use notifications_wire::{NOTIFICATION_READ, NotificationSnapshot};
use principal::IfMatch;
use records::{Change, Content, IndexStep, Meta, Records, RecordsError};

/// How often a change by somebody else in between is borne.
const TRIES: usize = 4;

/// Why it was not marked.
#[derive(Debug, thiserror::Error)]
pub enum MarkReadError {
    /// There is no such notification for this caller.
    #[error(transparent)]
    Show(#[from] ShowError),
    /// The caller read another version of it.
    #[error("the notification changed since it was read")]
    Changed,
    /// Somebody else changed it each time in between.
    #[error("the notification changed {TRIES} times in between")]
    Contended,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Marks a notification of this person as read. Four round trips; two where it was read before.
///
/// # Errors
/// [`MarkReadError`].
pub async fn mark_read(
    records: &dyn Records,
    user_id: UserId,
    id: NotificationId,
    condition: &IfMatch,
    meta: &Meta,
) -> Result<(), MarkReadError> {
    for _ in 0..TRIES {
        let (version, notification) = show(records, user_id, id).await?;
        if !condition.holds(version) {
            return Err(MarkReadError::Changed);
        }
        let Some(read) = notification.read(meta.at) else { return Ok(()) };
        let content = Content::Body(wire::write(&StoredNotification::from(&read))?);
        let sort = read.created_at.to_string();
        let change = Change::new(keys::notification(id)?, Some(version), content, meta.clone())
            .with_event(notification_event(NOTIFICATION_READ, &read)?)
            .with_index(IndexStep::Put {
                index: keys::inbox(user_id)?,
                sort: sort.clone(),
                summary: Summary::from(&read).to_text()?,
            })
            .with_index(IndexStep::Remove { index: keys::unread(user_id)?, sort });
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(MarkReadError::Contended)
}

/// The event of a change to a notification; used by each use case that makes one.
pub(super) fn notification_event(
    kind: &'static str,
    notification: &Notification,
) -> Result<events::NewEvent, RecordsError> {
    let snapshot = NotificationSnapshot {
        id: notification.id,
        user_id: notification.user_id,
        kind: notification.kind.word().to_owned(),
        read: notification.read_at.is_some(),
        created_at: notification.created_at,
    };
    let data = serde_json::to_value(&snapshot).map_err(|error| RecordsError::Invalid(error.to_string()))?;
    Ok(events::NewEvent { kind, subject: notification.id.to_string(), data, personal: None })
}
