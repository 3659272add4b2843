//! What lies in the bodies of records and in the summaries of indexes. A member may be added with a default; none may
//! change its meaning, because old bodies stay.

use crate::domain::{
    Befell, Channel, Contact, DigestState, Journal, Kind, Message, MessageState, Notification, Reason, Row,
    Suppression, TextRef,
};
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text_ref: Option<StoredTextRef>,
}

impl From<&Notification> for StoredNotification {
    fn from(notification: &Notification) -> Self {
        let notification = notification.clone();
        let Notification { id, user_id, kind, about, title, body, occurred_at, created_at, .. } = notification;
        let Notification { read_at, archived_at, text_ref, .. } = notification;
        let (kind, text_ref) = (kind.word().to_owned(), text_ref.map(StoredTextRef::from));
        Self { id, user_id, kind, about, title, body, occurred_at, created_at, read_at, archived_at, text_ref }
    }
}

/// **Shape** `{"template":"welcome","version":2,"locale":"de"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredTextRef {
    template: String,
    version: u16,
    locale: String,
}

impl From<TextRef> for StoredTextRef {
    fn from(text_ref: TextRef) -> Self {
        let TextRef { template, version, locale } = text_ref;
        Self { template, version, locale }
    }
}

impl From<StoredTextRef> for TextRef {
    fn from(stored: StoredTextRef) -> Self {
        let StoredTextRef { template, version, locale } = stored;
        Self { template, version, locale }
    }
}

impl TryFrom<StoredNotification> for Notification {
    type Error = Unreadable;
    fn try_from(stored: StoredNotification) -> Result<Self, Unreadable> {
        let StoredNotification { id, user_id, kind, about, title, body, occurred_at, created_at, .. } = stored;
        let StoredNotification { read_at, archived_at, text_ref, .. } = stored;
        let kind = Kind::from_word(&kind).ok_or(Unreadable(kind))?;
        let text_ref = text_ref.map(TextRef::from);
        Ok(Self { id, user_id, kind, about, title, body, occurred_at, created_at, read_at, archived_at, text_ref })
    }
}

/// The body of `message:<ntf>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMessage {
    id: NotificationId,
    user_id: UserId,
    channel: String,
    /// Absent in messages of before kinds were remembered: they go out whatever was said since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text_ref: Option<StoredTextRef>,
    to: String,
    subject: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    trace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    state: StoredState,
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passed_over: Vec<String>,
    #[serde(default)]
    uncertain: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    may_lie_at: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    journal: Vec<StoredRow>,
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
    Skipped {
        at: Timestamp,
        reason: String,
    },
    Held,
    Digested {
        at: Timestamp,
        into: NotificationId,
    },
    Bounced {
        at: Timestamp,
        reason: String,
    },
}

/// **Shape** `{"at":"2026-…Z","befell":"provider_asked","provider":"generic"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredRow {
    at: Timestamp,
    befell: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// The provider of before there was a choice; it keeps keys.
const FIRST_PROVIDER: &str = "generic";

impl From<&Message> for StoredMessage {
    fn from(message: &Message) -> Self {
        let message = message.clone();
        let state = match message.state {
            MessageState::Queued => StoredState::Queued,
            MessageState::Sending => StoredState::Sending,
            MessageState::Sent { at, provider_id } => StoredState::Sent { at, provider_id },
            MessageState::Failed { at, reason } => StoredState::Failed { at, reason },
            MessageState::Unknown { since, reason } => StoredState::Unknown { since, reason },
            MessageState::Skipped { at, reason } => StoredState::Skipped { at, reason },
            MessageState::Held => StoredState::Held,
            MessageState::Digested { at, into } => StoredState::Digested { at, into },
            MessageState::Bounced { at, reason } => StoredState::Bounced { at, reason },
        };
        let row = |row: &Row| StoredRow {
            at: row.at,
            befell: row.befell.word().to_owned(),
            provider: row.provider.clone(),
            why: row.why.clone(),
        };
        Self {
            id: message.id,
            user_id: message.user_id,
            channel: message.channel.word().to_owned(),
            kind: Some(message.kind.word().to_owned()),
            text_ref: message.text_ref.map(StoredTextRef::from),
            to: message.to,
            subject: message.subject,
            text: message.text,
            html: message.html,
            trace: message.trace,
            created_at: message.created_at,
            state,
            attempts: message.attempts,
            provider: message.provider,
            passed_over: message.passed_over,
            uncertain: message.uncertain,
            may_lie_at: message.may_lie_at,
            journal: message.journal.rows().iter().map(row).collect(),
        }
    }
}

impl TryFrom<StoredMessage> for Message {
    type Error = Unreadable;
    fn try_from(stored: StoredMessage) -> Result<Self, Unreadable> {
        let channel = Channel::from_word(&stored.channel).ok_or(Unreadable(stored.channel))?;
        let kind = match stored.kind {
            Some(word) => Kind::from_word(&word).ok_or(Unreadable(word))?,
            None => Kind::Security,
        };
        let state = match stored.state {
            StoredState::Queued => MessageState::Queued,
            StoredState::Sending => MessageState::Sending,
            StoredState::Sent { at, provider_id } => MessageState::Sent { at, provider_id },
            StoredState::Failed { at, reason } => MessageState::Failed { at, reason },
            StoredState::Unknown { since, reason } => MessageState::Unknown { since, reason },
            StoredState::Skipped { at, reason } => MessageState::Skipped { at, reason },
            StoredState::Held => MessageState::Held,
            StoredState::Digested { at, into } => MessageState::Digested { at, into },
            StoredState::Bounced { at, reason } => MessageState::Bounced { at, reason },
        };
        let is_of_before = stored.provider.is_none() && stored.attempts > 0;
        let rows = stored.journal.into_iter().map(|row| {
            let befell = Befell::from_word(&row.befell).ok_or(Unreadable(row.befell))?;
            Ok(Row { at: row.at, befell, provider: row.provider, why: row.why })
        });
        Ok(Self {
            id: stored.id,
            user_id: stored.user_id,
            channel,
            kind,
            text_ref: stored.text_ref.map(TextRef::from),
            to: stored.to,
            subject: stored.subject,
            text: stored.text,
            html: stored.html,
            trace: stored.trace,
            created_at: stored.created_at,
            may_lie_at: match state {
                MessageState::Unknown { .. } if is_of_before => Some(FIRST_PROVIDER.to_owned()),
                _ => stored.may_lie_at,
            },
            state,
            attempts: stored.attempts,
            provider: stored.provider.or_else(|| is_of_before.then(|| FIRST_PROVIDER.to_owned())),
            passed_over: stored.passed_over,
            uncertain: stored.uncertain,
            journal: Journal::of(rows.collect::<Result<_, Unreadable>>()?),
        })
    }
}

/// The body of `suppression:<channel>:<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSuppression {
    channel: String,
    address: String,
    reason: String,
    provider: String,
    at: Timestamp,
    message: NotificationId,
    user_id: UserId,
}

impl From<&Suppression> for StoredSuppression {
    fn from(suppression: &Suppression) -> Self {
        let Suppression { channel, address, reason, provider, at, message, user_id } = suppression.clone();
        let (channel, reason) = (channel.word().to_owned(), reason.word().to_owned());
        Self { channel, address, reason, provider, at, message, user_id }
    }
}

impl TryFrom<StoredSuppression> for Suppression {
    type Error = Unreadable;
    fn try_from(stored: StoredSuppression) -> Result<Self, Unreadable> {
        let StoredSuppression { channel, address, reason, provider, at, message, user_id } = stored;
        let channel = Channel::from_word(&channel).ok_or(Unreadable(channel))?;
        let reason = Reason::from_word(&reason).ok_or(Unreadable(reason))?;
        Ok(Self { channel, address, reason, provider, at, message, user_id })
    }
}

/// The body of `digest:<usr>:<kind>`.
///
/// **Shape** `{"name":"open","window":3,"due":"2026-…Z"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum StoredDigest {
    /// See [`DigestState::Idle`].
    Idle {
        /// How many windows there were.
        windows: u64,
    },
    /// See [`DigestState::Open`].
    Open {
        /// Which window.
        window: u64,
        /// When it is closed.
        due: Timestamp,
    },
    /// See [`DigestState::Closing`].
    Closing {
        /// Which window.
        window: u64,
        /// What is in it.
        items: Vec<NotificationId>,
        /// How often something came late.
        #[serde(default)]
        came_late: u32,
    },
}

impl From<&DigestState> for StoredDigest {
    fn from(state: &DigestState) -> Self {
        match state.clone() {
            DigestState::Idle { windows } => Self::Idle { windows },
            DigestState::Open { window, due } => Self::Open { window, due },
            DigestState::Closing { window, items, came_late } => Self::Closing { window, items, came_late },
        }
    }
}

impl From<StoredDigest> for DigestState {
    fn from(stored: StoredDigest) -> Self {
        match stored {
            StoredDigest::Idle { windows } => Self::Idle { windows },
            StoredDigest::Open { window, due } => Self::Open { window, due },
            StoredDigest::Closing { window, items, came_late } => Self::Closing { window, items, came_late },
        }
    }
}

/// What the log of a person shows of a message without reading its body.
///
/// **Shape** `{"channel":"email","kind":"payment_receipt","template":"payment-receipt","state":"sent","at":"2026-…Z"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSummary {
    /// By which way.
    pub channel: String,
    /// What it is about.
    pub kind: String,
    /// Which template it was made of.
    pub template: String,
    /// How it stands; `in_inbox` in the inbox.
    pub state: String,
    /// When it was made.
    pub at: Timestamp,
}

impl LogSummary {
    /// The line of a message; `None` where its place is not known.
    pub fn of(message: &Message) -> Option<Self> {
        Some(Self {
            channel: message.channel.word().to_owned(),
            kind: message.kind.word().to_owned(),
            template: message.text_ref.as_ref().map(|text| text.template.clone()).unwrap_or_default(),
            state: message.state.word().to_owned(),
            at: message.created_at?,
        })
    }

    /// The text for the index.
    ///
    /// # Errors
    /// [`RecordsError::Invalid`] when it cannot be written.
    pub fn to_text(&self) -> Result<String, RecordsError> {
        serde_json::to_string(self).map_err(|error| RecordsError::Invalid(error.to_string()))
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
            MessageState::Skipped { at, reason: "channel".into() },
            MessageState::Held,
            MessageState::Digested { at, into: NotificationId::derived(0, &[b"d"]) },
            MessageState::Bounced { at, reason: "HardBounce".into() },
        ] {
            let message = Message {
                id: NotificationId::derived(0, &[b"m"]),
                user_id: UserId::derived(0, &[b"ada"]),
                channel: Channel::Sms,
                kind: Kind::Payout,
                text_ref: Some(TextRef { template: "payout-paid".into(), version: 2, locale: "de".into() }),
                to: "+4915112345678".into(),
                subject: "s".into(),
                text: "t".into(),
                html: Some("<p>t</p>".into()),
                trace: "1".repeat(32),
                created_at: Some(at),
                state,
                attempts: 2,
                provider: Some("twilio".into()),
                passed_over: vec!["generic".into()],
                uncertain: 1,
                may_lie_at: None,
                journal: Journal::default().with(at, Befell::Asked, Some("twilio"), Some("why".into())),
            };
            let stored: StoredMessage =
                serde_json::from_slice(&write(&StoredMessage::from(&message)).unwrap()).unwrap();
            assert_eq!(Message::try_from(stored), Ok(message));
        }
    }

    #[test]
    fn a_message_of_before_there_was_a_choice_goes_on_at_its_provider() {
        let id = NotificationId::derived(0, &[b"m"]);
        let user = UserId::derived(0, &[b"ada"]);
        let before = |state: &str| {
            let text = format!(
                r#"{{"id":"{id}","user_id":"{user}","channel":"email","to":"a@b.c","subject":"s","text":"t","trace":"t","state":{state},"attempts":1}}"#
            );
            Message::try_from(serde_json::from_str::<StoredMessage>(&text).unwrap()).unwrap()
        };
        let lost = before(r#"{"name":"unknown","since":"2026-01-01T00:00:00.000Z","reason":"lost"}"#);
        assert_eq!((lost.may_lie_at.as_deref(), lost.provider.as_deref()), (Some("generic"), Some("generic")));
        let interrupted = before(r#"{"name":"sending"}"#);
        assert_eq!((interrupted.may_lie_at, interrupted.provider.as_deref()), (None, Some("generic")));
        assert!(interrupted.kind.is_critical(), "it goes out whatever was said since");
    }
}
