//! Refunds: what of the taken money was given back, part by part.

use core::fmt;
use core::str::FromStr;
use ids::PaymentId;
use money::Money;

use ambient::Timestamp;

/// The most refunds that one payment may have; bounds the record, the answer, and what a provider lists on one page.
pub const MAX_REFUNDS: usize = 100;

ids::id!(
    /// A refund. Derived from the payment and the step that asked for it, so that no repetition makes another.
    RefundId, "rfd"
);

impl RefundId {
    /// The name of a refund as a provider tells it: ours where it is one; derived from the provider's where somebody
    /// refunded without us.
    pub fn told(payment: PaymentId, reference: &str) -> Self {
        reference.parse().unwrap_or_else(|_| {
            Self::derived(payment.partition(), &[payment.to_string().as_bytes(), reference.as_bytes()])
        })
    }
}

/// Why money is given back, in the words that providers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundReason {
    /// The customer asked for it.
    RequestedByCustomer,
    /// It was paid twice.
    Duplicate,
    /// The card was not the payer's.
    Fraudulent,
}

impl RefundReason {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestedByCustomer => "requested_by_customer",
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
        }
    }
}

impl fmt::Display for RefundReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason is `requested_by_customer`, `duplicate` or `fraudulent`")]
pub struct UnknownReason;

impl FromStr for RefundReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        [Self::RequestedByCustomer, Self::Duplicate, Self::Fraudulent]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or(UnknownReason)
    }
}

/// How a refund ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStanding {
    /// The acquirer has accepted it: the money is on its way to the payer.
    Succeeded,
    /// It came back, at once or days later: the money is the merchant's again.
    Failed,
}

/// One refund whose outcome is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its name.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Why, where somebody said.
    pub reason: Option<RefundReason>,
    /// How it ended.
    pub standing: RefundStanding,
    /// When that was learned.
    pub at: Timestamp,
}
