//! The acquirer's side of a payment: one charge, and where the acquirer says it stands.

use super::DisputeReport;
use core::fmt;
use money::Money;

/// The acquirer's name for a charge; opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeId(String);

impl ChargeId {
    /// Takes the acquirer's text: 1 to 100 characters that are safe in a path. `None` for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why the acquirer declined, a word such as `insufficient_funds`: 1 to 40 characters out of `a-z0-9_`.
#[derive(Clone, PartialEq, Eq)]
pub struct FailureCode(String);

impl FailureCode {
    /// Takes the acquirer's word; one of another shape becomes `declined`, so that nothing foreign gets into our
    /// answers.
    pub fn new(text: &str) -> Self {
        let fits = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        Self(if fits { text } else { "declined" }.to_owned())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the acquirer says that a charge stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeStanding {
    /// The acquirer does not know yet.
    Processing,
    /// The payer has to do something.
    RequiresAction {
        /// Where the payer does it.
        url: Option<String>,
    },
    /// The amount is held.
    Authorized,
    /// The money is taken.
    Captured {
        /// How much of it.
        amount: Money,
    },
    /// The hold is released, or the charge was given up.
    Canceled,
    /// The bank said no.
    Declined {
        /// Why.
        code: FailureCode,
    },
}

/// Where the acquirer says that a refund stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundProgress {
    /// The acquirer does not know yet.
    Processing,
    /// Accepted.
    Succeeded,
    /// It came back.
    Failed {
        /// Why.
        code: FailureCode,
    },
}

/// What the acquirer reports of one refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundReport {
    /// Our own name for it, as it was given with the call; the acquirer's where somebody refunded without us.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub progress: RefundProgress,
}

/// What the acquirer reports of one charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Its name.
    pub id: ChargeId,
    /// Where it stands.
    pub standing: ChargeStanding,
    /// Its refunds, in any order.
    pub refunds: Vec<RefundReport>,
    /// Its newest dispute.
    pub dispute: Option<DisputeReport>,
}

impl Charge {
    /// A charge of which nothing was refunded or disputed.
    pub const fn new(id: ChargeId, standing: ChargeStanding) -> Self {
        Self { id, standing, refunds: Vec::new(), dispute: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_do_not_get_through() {
        assert_eq!(FailureCode::new("card_declined").as_str(), "card_declined");
        for bad in ["", "Do not honour <b>", &"x".repeat(41)] {
            assert_eq!(FailureCode::new(bad).as_str(), "declined");
        }
        assert!(ChargeId::new("../other").is_none());
        assert!(ChargeId::new("ch_3MmlLrLkdIwHu7ix").is_some());
    }
}
