//! The events of the notifications context, as its consumers read them.
//!
//! They say that something lies in an inbox, never what it says: texts stay in the context that wrote them.

mod catalogue;

pub use catalogue::catalogue;

use ambient::Timestamp;
use ids::{NotificationId, UserId};
use serde::{Deserialize, Serialize};

/// A notification lies in an inbox, unread.
pub const NOTIFICATION_CREATED: &str = "notifications.notification.created.v1";
/// Its owner has read it.
pub const NOTIFICATION_READ: &str = "notifications.notification.read.v1";
/// Its owner has put it away. What was unread until then is told as read just before.
pub const NOTIFICATION_ARCHIVED: &str = "notifications.notification.archived.v1";
/// Its owner has taken it out again: it lies in the inbox, read.
pub const NOTIFICATION_RESTORED: &str = "notifications.notification.restored.v1";

/// The public snapshot of a notification: `data` of each event above.
///
/// **Shape** `{"id":"ntf_00…","user_id":"usr_00…","kind":"payment_receipt","read":false,"created_at":"2026-…Z"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NotificationSnapshot {
    /// Which notification.
    pub id: NotificationId,
    /// Whose inbox it lies in.
    pub user_id: UserId,
    /// What it is about, such as `payment_receipt`; a text, because consumers must bear kinds that they do not know.
    pub kind: String,
    /// Whether its owner has read it.
    pub read: bool,
    /// When it came into the inbox; the same in each event of the notification.
    pub created_at: Timestamp,
}
