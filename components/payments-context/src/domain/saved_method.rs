//! A way to pay that a payer keeps: the acquirer's token under a name of ours, never a card.

use super::{InvalidValue, PaymentToken};
use ambient::Timestamp;
use core::fmt;
use ids::UserId;

ids::id!(
    /// A saved way to pay. Derived from the payer and the token, so that a token is saved once.
    SavedMethodId, "pmt"
);

/// The most that a payer keeps.
pub const MAX_SAVED_METHODS: u64 = 20;

/// What the payer calls it: 1 to 32 characters, none of them a control character.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Takes a text.
    ///
    /// # Errors
    /// [`InvalidValue::Label`].
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let fits = (1..=32).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidValue::Label) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A saved way to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedMethod {
    /// Its name, which a payment may give instead of a token.
    pub id: SavedMethodId,
    /// Whose it is.
    pub payer: UserId,
    /// What stands for the card.
    pub token: PaymentToken,
    /// What the payer calls it.
    pub label: Option<Label>,
    /// Since when.
    pub created_at: Timestamp,
}

impl SavedMethod {
    /// The name of a payer's token.
    pub fn name_of(payer: UserId, token: &PaymentToken) -> SavedMethodId {
        SavedMethodId::derived(payer.partition(), &[payer.to_string().as_bytes(), token.as_str().as_bytes()])
    }
}
