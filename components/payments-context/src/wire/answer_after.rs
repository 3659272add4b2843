//! What callers see of what follows a capture: refunds and a dispute.

use super::schemas::{DisputeStatus, RefundReasonName, RefundStatus};
use crate::domain::{Dispute, DisputeStanding, Payment, Pending, Refund, RefundId, RefundStanding, Step};
use ambient::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A refund of a payment.
///
/// **Shape** `{"id":"rfd_00…","amount_minor":300,"status":"succeeded","reason":"duplicate","at":"…"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundAnswer {
    /// Its name.
    pub id: RefundId,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// `pending`, `succeeded` or `failed`.
    #[schema(value_type = RefundStatus)]
    pub status: String,
    /// Why.
    #[schema(value_type = Option<RefundReasonName>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it came to this.
    pub at: Timestamp,
}

impl From<&Refund> for RefundAnswer {
    fn from(refund: &Refund) -> Self {
        let status = match refund.standing {
            RefundStanding::Succeeded => "succeeded",
            RefundStanding::Failed => "failed",
        };
        Self {
            id: refund.id,
            amount_minor: refund.amount.minor(),
            status: status.to_owned(),
            reason: refund.reason.map(|reason| reason.to_string()),
            at: refund.at,
        }
    }
}

impl RefundAnswer {
    /// The refunds of a payment, oldest first, the one under way last.
    pub(super) fn all_of(payment: &Payment) -> Vec<Self> {
        let pending = match payment.pending {
            Some(Pending { step: Step::Refund { id, amount, reason }, since }) => Some(Self {
                id,
                amount_minor: amount.minor(),
                status: "pending".to_owned(),
                reason: reason.map(|reason| reason.to_string()),
                at: since,
            }),
            _ => None,
        };
        payment.refunds.iter().map(Self::from).chain(pending).collect()
    }
}

/// A dispute of a payment.
///
/// **Shape** `{"id":"dsp_00…","amount_minor":1099,"reason":"fraudulent","status":"open","opened_at":"…"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DisputeAnswer {
    /// The acquirer's name for it.
    pub id: String,
    /// How much it asks for, in minor units.
    pub amount_minor: i64,
    /// The bank's word for why.
    pub reason: String,
    /// `open`, `won` (by the merchant) or `lost`.
    #[schema(value_type = DisputeStatus)]
    pub status: String,
    /// When it was first heard of.
    pub opened_at: Timestamp,
}

impl From<&Dispute> for DisputeAnswer {
    fn from(dispute: &Dispute) -> Self {
        let status = match dispute.report.standing {
            DisputeStanding::Open => "open",
            DisputeStanding::Won => "won",
            DisputeStanding::Lost => "lost",
        };
        Self {
            id: dispute.report.id.as_str().to_owned(),
            amount_minor: dispute.report.amount.minor(),
            reason: dispute.report.reason.as_str().to_owned(),
            status: status.to_owned(),
            opened_at: dispute.opened_at,
        }
    }
}
