//! What lies in the bodies of records and in the summaries of indexes. A member may be added with a default; none may
//! change its meaning, because old bodies stay.

use crate::domain::{Contact, Kind, Message, MessageState, Notification};
use ambient::Timestamp;
use bytes::Bytes;
use events::EventVersion;
use ids::{NotificationId, PaymentId, UserId};
use records::{MAX_SUMMARY_BYTES, Record, RecordsError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A stored word that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a word that this version knows")]
pub struct Unreadable(pub String);

/// The noun in a record's body; `None` for a tombstone.
///
/// # Errors
/// [`RecordsError::Corrupt`] when the body is of another shape.
pub fn read<S, N>(record: &Record) -> Result<Option<N>, RecordsError>
where
    S: DeserializeOwned,
    N: TryFrom<S>,
{
    let Some(content) = &record.content else { return Ok(None) };
    let corrupt = || RecordsError::Corrupt { key: record.key.to_string() };
    let stored: S = serde_json::from_slice(content).map_err(|_| corrupt())?;
    N::try_from(stored).map(Some).map_err(|_| corrupt())
}

/// The body of a noun.
///
/// # Errors
/// [`RecordsError::Invalid`] when it cannot be written as JSON.
pub fn write<S: Serialize>(stored: &S) -> Result<Bytes, RecordsError> {
    serde_json::to_vec(stored).map(Bytes::from).map_err(|error| RecordsError::Invalid(error.to_string()))
}

/// The body of `contact:<usr>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredContact {
    user_id: UserId,
    email: String,
    display_name: String,
    locale: String,
    version: EventVersion,
}

impl From<&Contact> for StoredContact {
    fn from(contact: &Contact) -> Self {
        let Contact { user_id, email, display_name, locale, version } = contact.clone();
        Self { user_id, email, display_name, locale, version }
    }
}

impl From<StoredContact> for Contact {
    fn from(stored: StoredContact) -> Self {
        let StoredContact { user_id, email, display_name, locale, version } = stored;
        Self { user_id, email, display_name, locale, version }
    }
}

/// The body of `notification:<ntf>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNotification {
    id: NotificationId,
    user_id: UserId,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<PaymentId>,
    title: String,
    body: String,
    occurred_at: Timestamp,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_at: Option<Timestamp>,
}

impl From<&Notification> for StoredNotification {
    fn from(notification: &Notification) -> Self {
        let Notification { id, user_id, kind, about, title, body, occurred_at, created_at, read_at } =
            notification.clone();
        Self { id, user_id, kind: kind.word().to_owned(), about, title, body, occurred_at, created_at, read_at }
    }
}

impl TryFrom<StoredNotification> for Notification {
    type Error = Unreadable;
    fn try_from(stored: StoredNotification) -> Result<Self, Unreadable> {
        let StoredNotification { id, user_id, kind, about, title, body, occurred_at, created_at, read_at } = stored;
        let kind = Kind::from_word(&kind).ok_or(Unreadable(kind))?;
        Ok(Self { id, user_id, kind, about, title, body, occurred_at, created_at, read_at })
    }
}

/// The body of `message:<ntf>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMessage {
    id: NotificationId,
    user_id: UserId,
    channel: String,
    to: String,
    subject: String,
    text: String,
    trace: String,
    state: StoredState,
    attempts: u32,
}

/// **Shape** `{"name":"sent","at":"2026-…Z","provider_id":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum StoredState {
    Queued,
    Sending,
    Sent {
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider_id: Option<String>,
    },
    Failed {
        at: Timestamp,
        reason: String,
    },
    Unknown {
        since: Timestamp,
        reason: String,
    },
}

/// The only channel that has messages on their way.
const EMAIL: &str = crate::domain::Channel::Email.word();

impl From<&Message> for StoredMessage {
    fn from(message: &Message) -> Self {
        let Message { id, user_id, to, subject, text, trace, state, attempts } = message.clone();
        let state = match state {
            MessageState::Queued => StoredState::Queued,
            MessageState::Sending => StoredState::Sending,
            MessageState::Sent { at, provider_id } => StoredState::Sent { at, provider_id },
            MessageState::Failed { at, reason } => StoredState::Failed { at, reason },
            MessageState::Unknown { since, reason } => StoredState::Unknown { since, reason },
        };
        Self { id, user_id, channel: EMAIL.to_owned(), to, subject, text, trace, state, attempts }
    }
}

impl TryFrom<StoredMessage> for Message {
    type Error = Unreadable;
    fn try_from(stored: StoredMessage) -> Result<Self, Unreadable> {
        let StoredMessage { id, user_id, channel, to, subject, text, trace, state, attempts } = stored;
        if channel != EMAIL {
            return Err(Unreadable(channel));
        }
        let state = match state {
            StoredState::Queued => MessageState::Queued,
            StoredState::Sending => MessageState::Sending,
            StoredState::Sent { at, provider_id } => MessageState::Sent { at, provider_id },
            StoredState::Failed { at, reason } => MessageState::Failed { at, reason },
            StoredState::Unknown { since, reason } => MessageState::Unknown { since, reason },
        };
        Ok(Self { id, user_id, to, subject, text, trace, state, attempts })
    }
}

/// What the inbox shows of a notification without reading its body.
///
/// **Shape** `{"title":"Receipt: 10.99 EUR","kind":"payment_receipt","about":"pay_00…","read":false,"created_at":"2026-…Z"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// One line, cut short where it would not fit.
    pub title: String,
    /// What it is about.
    pub kind: String,
    /// The payment that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<PaymentId>,
    /// Whether its owner has read it.
    pub read: bool,
    /// When it came.
    pub created_at: Timestamp,
}

impl From<&Notification> for Summary {
    fn from(notification: &Notification) -> Self {
        Self {
            title: notification.title.clone(),
            kind: notification.kind.word().to_owned(),
            about: notification.about,
            read: notification.read_at.is_some(),
            created_at: notification.created_at,
        }
    }
}

impl Summary {
    /// The text for the index, at most [`MAX_SUMMARY_BYTES`] long; the title gives way.
    ///
    /// # Errors
    /// [`RecordsError::Invalid`] when it cannot be written.
    pub fn to_text(&self) -> Result<String, RecordsError> {
        let mut shown = self.clone();
        loop {
            let text = serde_json::to_string(&shown).map_err(|error| RecordsError::Invalid(error.to_string()))?;
            if text.len() <= MAX_SUMMARY_BYTES {
                return Ok(text);
            }
            let excess = text.len().saturating_sub(MAX_SUMMARY_BYTES).saturating_add('…'.len_utf8());
            // An escaped character is longer than it looks, so one cut may take too much, never too little.
            let mut keep = shown.title.trim_end_matches('…').len().saturating_sub(excess.max(1));
            while !shown.title.is_char_boundary(keep) {
                keep = keep.saturating_sub(1);
            }
            if shown.title.is_empty() {
                return Err(RecordsError::Invalid("the summary of a notification is too long".to_owned()));
            }
            shown.title.truncate(keep);
            if keep > 0 {
                shown.title.push('…');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_summary_always_fits_and_reads_back(title in ".{0,300}", read: bool) {
            let summary = Summary {
                title,
                kind: "payment_receipt".into(),
                about: Some(PaymentId::derived(0, &[b"p"])),
                read,
                created_at: Timestamp::from_unix_ms(7),
            };
            let text = summary.to_text().unwrap();
            prop_assert!(text.len() <= MAX_SUMMARY_BYTES);
            let back: Summary = serde_json::from_str(&text).unwrap();
            prop_assert!(summary.title.starts_with(back.title.trim_end_matches('…')));
            prop_assert_eq!((back.kind, back.read, back.created_at), (summary.kind, summary.read, summary.created_at));
        }
    }

    #[test]
    fn a_title_that_fits_is_left_alone() {
        let summary = Summary {
            title: "Beleg: 10,99 EUR".into(),
            kind: "welcome".into(),
            about: None,
            read: true,
            created_at: Timestamp::from_unix_ms(7),
        };
        assert_eq!(serde_json::from_str::<Summary>(&summary.to_text().unwrap()).unwrap(), summary);
    }

    #[test]
    fn every_state_of_a_message_reads_back() {
        let at = Timestamp::from_unix_ms(7);
        for state in [
            MessageState::Queued,
            MessageState::Sending,
            MessageState::Sent { at, provider_id: Some("m1".into()) },
            MessageState::Failed { at, reason: "status 422".into() },
            MessageState::Unknown { since: at, reason: "lost".into() },
        ] {
            let message = Message {
                id: NotificationId::derived(0, &[b"m"]),
                user_id: UserId::derived(0, &[b"ada"]),
                to: "ada@example.com".into(),
                subject: "s".into(),
                text: "t".into(),
                trace: "1".repeat(32),
                state,
                attempts: 2,
            };
            let stored: StoredMessage =
                serde_json::from_slice(&write(&StoredMessage::from(&message)).unwrap()).unwrap();
            assert_eq!(Message::try_from(stored), Ok(message));
        }
    }
}
