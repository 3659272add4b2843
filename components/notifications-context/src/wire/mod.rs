//! Serde twins of the nouns: what lies in bodies and indexes, and what callers get.

mod answers;
mod stored;

pub use answers::{NotificationAnswer, NotificationLine, NotificationsPage, UnreadCount};
pub use stored::{StoredContact, StoredMessage, StoredNotification, Summary, Unreadable, read, write};
