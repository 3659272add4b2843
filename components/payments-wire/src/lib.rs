//! The events of the payments context, as its consumers read them.
//!
//! Each event carries the public snapshot after the change. A change that an old consumer could not read needs a new
//! version of the type.

mod catalogue;

pub use catalogue::catalogue;

use ambient::Timestamp;
use ids::{PaymentId, UserId};
use money::Money;
use serde::{Deserialize, Serialize};

/// A payment was created.
pub const PAYMENT_CREATED: &str = "payments.payment.created.v1";
/// The provider has begun to work on it.
pub const PAYMENT_PROCESSING: &str = "payments.payment.processing.v1";
/// The payer has to do something (3-D Secure).
pub const PAYMENT_REQUIRES_ACTION: &str = "payments.payment.requires_action.v1";
/// The amount is held on the payer's side.
pub const PAYMENT_AUTHORIZED: &str = "payments.payment.authorized.v1";
/// The money is taken: the receipt is due.
pub const PAYMENT_CAPTURED: &str = "payments.payment.captured.v1";
/// The payment was canceled before capture.
pub const PAYMENT_CANCELED: &str = "payments.payment.canceled.v1";
/// The hold ran out before capture.
pub const PAYMENT_EXPIRED: &str = "payments.payment.expired.v1";
/// The provider declined.
pub const PAYMENT_FAILED: &str = "payments.payment.failed.v1";

/// Part of what was taken was given back; told anew for each further part.
pub const PAYMENT_PARTIALLY_REFUNDED: &str = "payments.payment.partially_refunded.v1";
/// All that was taken was given back.
pub const PAYMENT_REFUNDED: &str = "payments.payment.refunded.v1";
/// A refund that had been accepted did not reach the payer: less is given back than was told before.
pub const PAYMENT_REFUND_FAILED: &str = "payments.payment.refund_failed.v1";
/// The payer's bank disputes the payment; what it asks for is held until the outcome.
pub const PAYMENT_DISPUTED: &str = "payments.payment.disputed.v1";
/// The dispute ended in the merchant's favour: the payment stands where it stood before.
pub const PAYMENT_DISPUTE_WON: &str = "payments.payment.dispute_won.v1";
/// The dispute ended in the payer's favour: the money is gone.
pub const PAYMENT_CHARGED_BACK: &str = "payments.payment.charged_back.v1";

/// Money of the merchant's was set aside for a payout.
pub const PAYOUT_CREATED: &str = "payments.payout.created.v1";
/// The bank was told.
pub const PAYOUT_IN_TRANSIT: &str = "payments.payout.in_transit.v1";
/// It arrived.
pub const PAYOUT_PAID: &str = "payments.payout.paid.v1";
/// The bank could not deliver it, or sent it back after all.
pub const PAYOUT_FAILED: &str = "payments.payout.failed.v1";
/// The money is the merchant's again.
pub const PAYOUT_RETURNED: &str = "payments.payout.returned.v1";

/// An entry of the ledger was reversed by another.
pub const LEDGER_REVERSED: &str = "payments.ledger.reversed.v1";

ids::id!(
    /// A payout.
    PayoutId, "po"
);

/// Where a payout is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayoutStatus {
    /// Taken from the merchant's balance.
    Created,
    /// The bank was told.
    InTransit,
    /// It arrived.
    Paid,
    /// The bank could not deliver it.
    Failed,
    /// Put back into the merchant's balance.
    Returned,
}

/// The public snapshot of a payout: `data` of each of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayoutSnapshot {
    /// Which payout.
    pub id: PayoutId,
    /// Where it is.
    pub status: PayoutStatus,
    /// How much.
    pub amount: Money,
    /// The account that asked for it, where it was a person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A reversal: `data` of [`LEDGER_REVERSED`]. The reason is in the ledger, in somebody's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReversalSnapshot {
    /// The entry that was reversed.
    pub entry: u64,
    /// When it was asked for.
    pub at: Timestamp,
}

/// Where a payment is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Created; nobody was asked for money yet.
    RequiresConfirmation,
    /// The provider is being asked; the outcome is not known.
    Processing,
    /// The payer has to do something.
    RequiresAction,
    /// The amount is held.
    Authorized,
    /// The money is taken.
    Captured,
    /// Canceled before capture.
    Canceled,
    /// The hold ran out.
    Expired,
    /// Declined.
    Failed,
    /// Part of what was taken was given back.
    PartiallyRefunded,
    /// All that was taken was given back.
    Refunded,
    /// The payer's bank disputes it; the outcome is open.
    Disputed,
    /// The dispute was lost.
    ChargedBack,
}

/// The public snapshot of a payment: `data` of each event above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentSnapshot {
    /// Which payment.
    pub id: PaymentId,
    /// Whose it is.
    pub user_id: UserId,
    /// Where it is.
    pub status: PaymentStatus,
    /// What was asked for.
    pub amount: Money,
    /// What was taken so far; zero before capture.
    pub captured: Money,
    /// What was given back so far; not there while that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// When it was created; the same in each event of the payment, so that lists of it keep one order.
    pub created_at: Timestamp,
    /// What it is for, in the payer's words; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Why it failed, one of the sandbox's and Stripe's decline codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
}
