//! Letters.

use crate::domain::LetterId;
use ambient::Timestamp;
use serde::{Deserialize, Serialize};

/// The body of `POST /sandbox/v1/mail`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LetterRequest {
    /// The address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same key is the same letter.
    pub idempotency_key: String,
}

/// A letter as it is kept and shown.
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
