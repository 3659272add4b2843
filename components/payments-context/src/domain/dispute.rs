//! Disputes: the payer's bank asks for the money back, and somebody decides.

use super::FailureCode;
use ambient::Timestamp;
use core::fmt;
use money::Money;

/// The acquirer's name for a dispute; opaque, 1 to 100 characters out of `A-Za-z0-9_-`.
#[derive(Clone, PartialEq, Eq)]
pub struct DisputeId(String);

impl DisputeId {
    /// Takes the acquirer's text; `None` for another shape.
    pub fn new(text: &str) -> Option<Self> {
        super::ChargeId::new(text).map(|_| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DisputeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStanding {
    /// Nobody has decided; what it asks for is held.
    Open,
    /// For the merchant.
    Won,
    /// For the payer: the money is gone.
    Lost,
}

/// What the acquirer reports of a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeReport {
    /// Its name.
    pub id: DisputeId,
    /// How much it asks for.
    pub amount: Money,
    /// The bank's word for why.
    pub reason: FailureCode,
    /// Where it stands.
    pub standing: DisputeStanding,
}

/// A dispute of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// What the acquirer said last.
    pub report: DisputeReport,
    /// When it was first heard of.
    pub opened_at: Timestamp,
}
