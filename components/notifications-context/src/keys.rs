//! The names of this context's records and indexes. No personal data in any of them.

use crate::domain::{Channel, Kind};
use events::EventId;
use ids::{NotificationId, UserId};
use privacy::Drawer;
use records::{IndexName, InvalidName, RecordKey, RecordsError};

/// First words of indexes that are named after a person and whose entries lie with suppressed addresses: divided
/// data look for them everywhere.
pub const GATHERED: &[&str] = &["suppressions-of", "erased-suppressions-of"];

/// The timer that hands a message to its provider.
pub const DELIVER: &str = "deliver";
/// The timer that closes a window of a summary.
pub const DIGEST: &str = "digest";
/// What [`digest`] puts before the person.
const DIGEST_RECORD: &str = "digest:";
/// What [`suppression`] puts before the channel.
const SUPPRESSION: &str = "suppression:";
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

/// `archived:usr_00…`: a person's notifications that they put away.
pub fn archived(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("archived:{user_id}"))
}

/// `log-of:usr_00…`: everything that was made for a person, in the inbox, sent, or kept back.
pub fn log_of(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("log-of:{user_id}"))
}

/// `settings:usr_00…`: what a person has set.
pub fn settings(user_id: UserId) -> Result<RecordKey, RecordsError> {
    record(format!("settings:{user_id}"))
}

/// `digest:usr_00….payout`: how far the summaries of one kind are.
pub fn digest(user_id: UserId, kind: Kind) -> Result<RecordKey, RecordsError> {
    record(format!("{DIGEST_RECORD}{user_id}.{}", kind.word()))
}

/// Whose and of which kind a record of summaries is.
pub fn digest_of(key: &RecordKey) -> Option<(UserId, Kind)> {
    let (user_id, kind) = key.as_str().strip_prefix(DIGEST_RECORD)?.split_once('.')?;
    Some((user_id.parse().ok()?, Kind::from_word(kind)?))
}

/// `digest-of:usr_00….payout`: what waits for the next summary.
pub fn digest_items(user_id: UserId, kind: Kind) -> Result<IndexName, RecordsError> {
    index(format!("digest-of:{user_id}.{}", kind.word()))
}

/// `suppression:email:<32 hexadecimal digits>`: an address that takes no messages, by the name that only we can make.
pub fn suppression(channel: Channel, name: &str) -> Result<RecordKey, RecordsError> {
    record(format!("{SUPPRESSION}{}:{name}", channel.word()))
}

/// The record of a suppression that a caller names by what [`suppression_id`] showed them; `None` where it cannot be one.
pub fn suppression_named(id: &str) -> Option<RecordKey> {
    let (channel, name) = id.split_once(':')?;
    let fits = name.len() == 32 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    suppression(Channel::from_word(channel).filter(|_| fits)?, name).ok()
}

/// The name of a suppression for callers.
pub fn suppression_id(key: &RecordKey) -> Option<&str> {
    key.as_str().strip_prefix(SUPPRESSION)
}

/// All addresses that take no messages.
pub fn suppressions() -> Result<IndexName, RecordsError> {
    index("suppressions".to_owned())
}

/// `suppressions-of:usr_00…`: a person's addresses among them, to be emptied.
pub fn suppression_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer {
        full: index(format!("suppressions-of:{user_id}"))?,
        emptied: index(format!("erased-suppressions-of:{user_id}"))?,
    })
}

/// What a person has put away, to be emptied; counted with the inbox.
pub fn archive_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: archived(user_id)?, emptied: inbox_drawer(user_id)?.emptied })
}

/// `went-out-of:usr_00…`: erased messages that a provider may have had.
pub fn went_out(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("went-out-of:{user_id}"))
}

/// `kept-letters-of:usr_00…`: those of them whose provider deletes nothing.
pub fn kept_letters(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("kept-letters-of:{user_id}"))
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
