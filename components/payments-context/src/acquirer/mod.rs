//! Port: the acquirer, who asks the card's bank for money.
//!
//! What lives here: the calls and what may be concluded from their answers. What does not: when to call and what
//! follows (see `domain` and `app`). Every call is safe to repeat with the same key.

mod guarded;
mod sandbox;
mod stripe;

pub use guarded::GuardedAcquirer;
pub use sandbox::SandboxAcquirer;
pub use stripe::StripeAcquirer;

use crate::domain::{CaptureMethod, Charge, ChargeId, FailureCode, PaymentToken, RefundId, RefundReason, ReturnUrl};
use async_trait::async_trait;
use core::time::Duration;
use money::Money;

/// A charge that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCharge {
    /// What it is for in our words: the payment's id, so that the acquirer's statement can be compared with our books.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// From which card.
    pub payment_method: PaymentToken,
    /// Whether the money is taken at once.
    pub capture_method: CaptureMethod,
    /// Where the payer comes back to after a required action.
    pub return_url: Option<ReturnUrl>,
}

/// A refund that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefund {
    /// Our name for it, which reports repeat.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: Option<RefundReason>,
}

/// What is known after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The charge as it stands now.
    Charge(Charge),
    /// The acquirer will not carry out the step, now or later; the charge, if there is one, stands as it did.
    Refused {
        /// Why.
        code: FailureCode,
    },
    /// No charge was ever made with this key.
    NoSuchCharge,
    /// Nothing is known: the call may or may not have had its effect. Ask again with the same key.
    Unknown {
        /// What went wrong, for the log.
        reason: String,
    },
}

/// Asks the card's bank for money.
#[async_trait]
pub trait Acquirer: Send + Sync {
    /// Makes the charge named by `key`, or reports it where it exists.
    async fn authorize(&self, charge: &NewCharge, key: &str, timeout: Duration) -> Answer;

    /// Takes `amount` of what is held and releases the rest.
    async fn capture(&self, charge: &ChargeId, amount: Money, key: &str, timeout: Duration) -> Answer;

    /// Gives the charge up and releases what is held.
    async fn cancel(&self, charge: &ChargeId, key: &str, timeout: Duration) -> Answer;

    /// Gives back part of what was taken, and reports the charge with all its refunds.
    async fn refund(&self, charge: &ChargeId, refund: &NewRefund, key: &str, timeout: Duration) -> Answer;

    /// Reports the charge that was made with `key`; by its name, where that is known.
    async fn find(&self, known: Option<&ChargeId>, key: &str, timeout: Duration) -> Answer;

    /// Whether it is worth asking now: decides among several acquirers, before anything was asked.
    async fn is_available(&self) -> bool {
        true
    }
}
