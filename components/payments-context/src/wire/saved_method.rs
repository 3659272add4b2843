//! Saved ways to pay: what callers send and see, and what is stored.

use super::StoredError;
use crate::domain::{Label, PaymentToken, SavedMethod, SavedMethodId};
use ambient::Timestamp;
use ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /v1/payment-methods`.
///
/// **Shape** `{"token": "tok_visa", "label": "The blue card"}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveMethodRequest {
    /// The acquirer's token for the card.
    #[schema(pattern = "^(tok|pm)_[A-Za-z0-9_]{1,60}$", examples("tok_visa"))]
    pub token: String,
    /// What the payer calls it; at most 32 characters, none of them a control character.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        examples("The blue card")
    )]
    #[serde(default)]
    pub label: Option<String>,
}

/// A saved way to pay as its owner sees it, and the summary that the index keeps.
///
/// **Invariant** at most 256 bytes: the token is not part of it, since nobody needs it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedMethodAnswer {
    /// Its name, to be sent as `payment_method`.
    pub id: SavedMethodId,
    /// What the payer calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

impl From<&SavedMethod> for SavedMethodAnswer {
    fn from(method: &SavedMethod) -> Self {
        Self {
            id: method.id,
            label: method.label.as_ref().map(|label| label.as_str().to_owned()),
            created_at: method.created_at,
        }
    }
}

/// The answer of `GET /v1/payment-methods`, newest first: all of them, since a payer keeps 20 at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedMethodList {
    /// All of them.
    #[schema(max_items = 20)]
    pub items: Vec<SavedMethodAnswer>,
}

/// The body of its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMethod {
    v: u8,
    id: SavedMethodId,
    payer: UserId,
    token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    created_at: Timestamp,
}

impl From<&SavedMethod> for StoredMethod {
    fn from(method: &SavedMethod) -> Self {
        Self {
            v: 1,
            id: method.id,
            payer: method.payer,
            token: method.token.as_str().to_owned(),
            label: method.label.as_ref().map(|label| label.as_str().to_owned()),
            created_at: method.created_at,
        }
    }
}

impl TryFrom<StoredMethod> for SavedMethod {
    type Error = StoredError;

    fn try_from(stored: StoredMethod) -> Result<Self, StoredError> {
        let label = stored.label.as_deref().map(Label::new).transpose();
        Ok(Self {
            id: stored.id,
            payer: stored.payer,
            token: PaymentToken::new(&stored.token).map_err(|_| StoredError::Value("payment method"))?,
            label: label.map_err(|_| StoredError::Value("label"))?,
            created_at: stored.created_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::at;

    #[test]
    fn the_longest_summary_fits_into_an_index() {
        for letter in ["\u{1f375}", "\"", "x"] {
            let payer = UserId::new(0, uuid::Uuid::from_u128(1));
            let token = PaymentToken::new("tok_visa").unwrap();
            let label = Some(Label::new(&letter.repeat(32)).unwrap());
            let method =
                SavedMethod { id: SavedMethod::name_of(payer, &token), payer, token, label, created_at: at(0) };
            let summary = serde_json::to_string(&SavedMethodAnswer::from(&method)).unwrap();
            assert!(summary.len() <= records::MAX_SUMMARY_BYTES, "{} bytes: {summary}", summary.len());
            let stored = StoredMethod::from(&method);
            assert_eq!(SavedMethod::try_from(stored).unwrap(), method);
        }
    }
}
