//! How many notifications are unread: one round trip, the same however many there are.

use crate::keys;
use crate::wire::UnreadCount;
use ids::UserId;
use records::{Records, RecordsError};

/// Counts the unread notifications of a person.
///
/// # Errors
/// The store's.
pub async fn unread_count(records: &dyn Records, user_id: UserId) -> Result<UnreadCount, RecordsError> {
    Ok(UnreadCount { unread: records.count(&keys::unread(user_id)?).await? })
}
