//! Letters and short messages.

use crate::domain::LetterId;
use ambient::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The body of `POST /sandbox/v1/mail`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LetterRequest {
    /// The address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    #[serde(default)]
    pub html: Option<String>,
    /// Header lines of the letter.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The same key is the same letter.
    pub idempotency_key: String,
}

/// The body of `POST /sandbox/v1/sms`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SmsRequest {
    /// The number.
    pub to: String,
    /// The text.
    pub text: String,
    /// The same key is the same message.
    pub idempotency_key: String,
}

/// A letter as it is kept and shown; a short message has no subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLetter {
    /// Its name.
    pub id: LetterId,
    /// The address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Header lines of the letter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// When it came.
    pub received_at: Timestamp,
}

/// The query of `GET /sandbox/v1/mail`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LetterQuery {
    /// The address.
    pub to: String,
}

/// The answer of `GET /sandbox/v1/mail`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterList {
    /// The newest letters, at most 20.
    pub items: Vec<StoredLetter>,
    /// How many there are.
    pub total: u64,
}
