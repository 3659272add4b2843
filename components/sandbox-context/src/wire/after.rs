//! Refunds and disputes of a charge: requests, answers, stored twins.

use crate::domain::{ChargeDispute, ChargeRefund, DisputeId, DisputeStanding};
use ambient::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// The body of `POST /sandbox/v1/charges/{id}/refunds`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RefundRequest {
    /// The caller's own name for it.
    pub reference: String,
    /// How much, in minor units.
    pub amount_minor: i64,
}

/// How the bank decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// For the merchant.
    Won,
    /// For the payer.
    Lost,
}

/// The body of `POST /sandbox/v1/charges/{id}/dispute/close`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CloseDisputeRequest {
    /// How the bank decides.
    pub outcome: Verdict,
}

/// A refund as callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundAnswer {
    /// The caller's own name for it.
    pub reference: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// `succeeded` or `failed`.
    pub status: &'static str,
    /// Why it came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<&'static str>,
}

impl RefundAnswer {
    /// The refund as it is known at `now`.
    pub fn at(refund: &ChargeRefund, now: Timestamp) -> Self {
        let failed = refund.failed(now);
        Self {
            reference: refund.reference.clone(),
            amount_minor: refund.amount.minor(),
            status: if failed { "failed" } else { "succeeded" },
            failure_code: failed.then_some("lost_or_stolen_card"),
        }
    }
}

/// A dispute as callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DisputeAnswer {
    /// Its name.
    pub id: DisputeId,
    /// How much it asks for, in minor units.
    pub amount_minor: i64,
    /// Why.
    pub reason: &'static str,
    /// `open`, `won` or `lost`.
    pub status: &'static str,
}

impl DisputeAnswer {
    /// A dispute over `amount_minor`.
    pub const fn over(dispute: &ChargeDispute, amount_minor: i64) -> Self {
        let status = match dispute.standing {
            DisputeStanding::Open => "open",
            DisputeStanding::Won => "won",
            DisputeStanding::Lost => "lost",
        };
        Self { id: dispute.id, amount_minor, reason: "fraudulent", status }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredRefund {
    key: String,
    reference: String,
    amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fails_from: Option<Timestamp>,
}

impl From<&ChargeRefund> for StoredRefund {
    fn from(refund: &ChargeRefund) -> Self {
        let ChargeRefund { key, reference, amount, fails_from } = refund.clone();
        Self { key, reference, amount, fails_from }
    }
}

impl From<StoredRefund> for ChargeRefund {
    fn from(stored: StoredRefund) -> Self {
        let StoredRefund { key, reference, amount, fails_from } = stored;
        Self { key, reference, amount, fails_from }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredDispute {
    id: DisputeId,
    standing: StoredStanding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredStanding {
    Open,
    Won,
    Lost,
}

impl From<ChargeDispute> for StoredDispute {
    fn from(dispute: ChargeDispute) -> Self {
        let standing = match dispute.standing {
            DisputeStanding::Open => StoredStanding::Open,
            DisputeStanding::Won => StoredStanding::Won,
            DisputeStanding::Lost => StoredStanding::Lost,
        };
        Self { id: dispute.id, standing }
    }
}

impl From<StoredDispute> for ChargeDispute {
    fn from(stored: StoredDispute) -> Self {
        let standing = match stored.standing {
            StoredStanding::Open => DisputeStanding::Open,
            StoredStanding::Won => DisputeStanding::Won,
            StoredStanding::Lost => DisputeStanding::Lost,
        };
        Self { id: stored.id, standing }
    }
}
