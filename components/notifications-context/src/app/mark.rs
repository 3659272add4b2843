//! A person reads a notification, puts it away or takes it out again. Doing it twice is as good as once, so that no
//! Idempotency-Key is needed.

use crate::app::step::{Step, step};
use crate::app::{ShowError, show};
use crate::domain::Notification;
use crate::keys;
use crate::wire::{self, StoredNotification, Summary};
use ids::{NotificationId, UserId};
use notifications_wire::{NOTIFICATION_ARCHIVED, NOTIFICATION_READ, NOTIFICATION_RESTORED, NotificationSnapshot};
use principal::IfMatch;
use records::{Change, Content, IndexStep, Meta, Records, RecordsError};

/// How often a change by somebody else in between is borne.
const TRIES: usize = 4;

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was read.
    Read,
    /// It is put away.
    Archived,
    /// It is taken out again.
    Restored,
}

impl Mark {
    /// The notification afterwards; `None` where nothing is left to do.
    fn on(self, notification: &Notification, meta: &Meta) -> Option<Notification> {
        match self {
            Self::Read => notification.read(meta.at),
            Self::Archived => notification.archive(meta.at),
            Self::Restored => notification.restore(),
        }
    }
}

/// Why it was not marked.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
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

/// Marks a notification of this person. Four round trips; two where nothing was left to do.
///
/// # Errors
/// [`MarkError`].
pub async fn mark(
    records: &dyn Records,
    user_id: UserId,
    id: NotificationId,
    mark: Mark,
    condition: &IfMatch,
    meta: &Meta,
) -> Result<(), MarkError> {
    for _ in 0..TRIES {
        let (version, before) = show(records, user_id, id).await?;
        if !condition.holds(version) {
            return Err(MarkError::Changed);
        }
        let Some(after) = mark.on(&before, meta) else { return Ok(()) };
        let content = Content::Body(wire::write(&StoredNotification::from(&after))?);
        let change = Change::new(keys::notification(id)?, Some(version), content, meta.clone());
        match step(records.commit(moved(change, &before, &after)?).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(MarkError::Contended)
}

/// The change with its places in the indexes: in the inbox or among what is put away, and among the unread or not.
fn moved(change: Change, before: &Notification, after: &Notification) -> Result<Change, RecordsError> {
    let (user_id, sort, summary) = (after.user_id, after.created_at.to_string(), Summary::from(after).to_text()?);
    let (inbox, archived) = (keys::inbox(user_id)?, keys::archived(user_id)?);
    let (home, away) = if after.archived_at.is_some() { (archived, inbox) } else { (inbox, archived) };
    let mut change = change.with_index(IndexStep::Put { index: home, sort: sort.clone(), summary });
    if before.read_at.is_none() && after.read_at.is_some() {
        change = change
            .with_event(notification_event(NOTIFICATION_READ, after)?)
            .with_index(IndexStep::Remove { index: keys::unread(user_id)?, sort: sort.clone() });
    }
    if before.archived_at.is_some() != after.archived_at.is_some() {
        let told = if after.archived_at.is_some() { NOTIFICATION_ARCHIVED } else { NOTIFICATION_RESTORED };
        change =
            change.with_event(notification_event(told, after)?).with_index(IndexStep::Remove { index: away, sort });
    }
    Ok(change)
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
