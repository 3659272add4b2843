//! The names of this context's records and indexes. No personal data in any of them.

use events::EventId;
use ids::{NotificationId, UserId};
use privacy::Drawer;
use records::{IndexName, InvalidName, RecordKey, RecordsError};

/// The timer that hands a message to its provider.
pub const DELIVER: &str = "deliver";
/// What [`message`] puts before the id.
const MESSAGE: &str = "message:";
/// What [`notification`] puts before the id.
const NOTIFICATION: &str = "notification:";

/// `contact:usr_00…`: a person's addresses and language.
pub fn contact(user_id: UserId) -> Result<RecordKey, RecordsError> {
    record(format!("contact:{user_id}"))
}

/// `notification:ntf_00…`: one message in an inbox.
pub fn notification(id: NotificationId) -> Result<RecordKey, RecordsError> {
    record(format!("{NOTIFICATION}{id}"))
}

/// `message:ntf_00…`: one message on its way to a provider.
pub fn message(id: NotificationId) -> Result<RecordKey, RecordsError> {
    record(format!("{MESSAGE}{id}"))
}

/// `awaited:evt_…`: since when an event waits for a contact that is not known yet.
pub fn awaited(event: &EventId) -> Result<RecordKey, RecordsError> {
    record(format!("awaited:{event}"))
}

/// `inbox:usr_00…`: a person's notifications, newest first.
pub fn inbox(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("inbox:{user_id}"))
}

/// `unread:usr_00…`: those of them that are unread, so that counting them costs the same however many there are.
pub fn unread(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("unread:{user_id}"))
}

/// `messages-of:usr_00…`: what was sent to a person or is on its way, so that it can be found again.
pub fn messages_of(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("messages-of:{user_id}"))
}

/// A person's inbox, to be emptied.
pub fn inbox_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: inbox(user_id)?, emptied: index(format!("erased-inbox-of:{user_id}"))? })
}

/// A person's messages, to be emptied.
pub fn message_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: messages_of(user_id)?, emptied: index(format!("erased-messages-of:{user_id}"))? })
}

/// The id in the key of a notification.
pub fn notification_id(key: &RecordKey) -> Option<NotificationId> {
    key.as_str().strip_prefix(NOTIFICATION)?.parse().ok()
}

/// The id in the key of a message.
pub fn message_id(key: &RecordKey) -> Option<NotificationId> {
    key.as_str().strip_prefix(MESSAGE)?.parse().ok()
}

fn record(name: String) -> Result<RecordKey, RecordsError> {
    RecordKey::new(name).map_err(invalid)
}

fn index(name: String) -> Result<IndexName, RecordsError> {
    IndexName::new(name).map_err(invalid)
}

fn invalid(name: InvalidName) -> RecordsError {
    RecordsError::Invalid(name.to_string())
}
