//! One notification, whole.

use crate::domain::Notification;
use crate::keys;
use crate::wire::{self, StoredNotification};
use ids::{NotificationId, UserId};
use records::{Records, RecordsError, Version};

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// Nothing there, erased, or somebody else's: all alike.
    #[error("there is no notification {0} for this caller")]
    NotFound(NotificationId),
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// A notification of this person, with the version that it was read at.
///
/// # Errors
/// [`ShowError`].
pub async fn show(
    records: &dyn Records,
    user_id: UserId,
    id: NotificationId,
) -> Result<(Version, Notification), ShowError> {
    let record = records.load(&keys::notification(id)?).await?.ok_or(ShowError::NotFound(id))?;
    match wire::read::<StoredNotification, Notification>(&record)? {
        Some(notification) if notification.user_id == user_id => Ok((record.version, notification)),
        Some(_) | None => Err(ShowError::NotFound(id)),
    }
}
