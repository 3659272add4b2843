//! The stored twins of what follows a capture: refunds and a dispute.

use super::StoredError;
use crate::domain::{
    Dispute, DisputeId, DisputeReport, DisputeStanding, FailureCode, Refund, RefundId, RefundStanding,
};
use ambient::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct RefundBody {
    id: RefundId,
    amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    succeeded: bool,
    at: Timestamp,
}

impl From<&Refund> for RefundBody {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            amount: refund.amount,
            reason: refund.reason.map(|reason| reason.to_string()),
            succeeded: refund.standing == RefundStanding::Succeeded,
            at: refund.at,
        }
    }
}

impl TryFrom<RefundBody> for Refund {
    type Error = StoredError;

    fn try_from(body: RefundBody) -> Result<Self, StoredError> {
        let reason = body.reason.map(|word| word.parse()).transpose();
        Ok(Self {
            id: body.id,
            amount: body.amount,
            reason: reason.map_err(|_| StoredError::Value("reason of a refund"))?,
            standing: if body.succeeded { RefundStanding::Succeeded } else { RefundStanding::Failed },
            at: body.at,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct DisputeBody {
    id: String,
    amount: Money,
    reason: String,
    standing: StandingBody,
    opened_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StandingBody {
    Open,
    Won,
    Lost,
}

impl From<&Dispute> for DisputeBody {
    fn from(dispute: &Dispute) -> Self {
        Self {
            id: dispute.report.id.as_str().to_owned(),
            amount: dispute.report.amount,
            reason: dispute.report.reason.as_str().to_owned(),
            standing: match dispute.report.standing {
                DisputeStanding::Open => StandingBody::Open,
                DisputeStanding::Won => StandingBody::Won,
                DisputeStanding::Lost => StandingBody::Lost,
            },
            opened_at: dispute.opened_at,
        }
    }
}

impl TryFrom<DisputeBody> for Dispute {
    type Error = StoredError;

    fn try_from(body: DisputeBody) -> Result<Self, StoredError> {
        let standing = match body.standing {
            StandingBody::Open => DisputeStanding::Open,
            StandingBody::Won => DisputeStanding::Won,
            StandingBody::Lost => DisputeStanding::Lost,
        };
        Ok(Self {
            report: DisputeReport {
                id: DisputeId::new(&body.id).ok_or(StoredError::Value("name of a dispute"))?,
                amount: body.amount,
                reason: FailureCode::new(&body.reason),
                standing,
            },
            opened_at: body.opened_at,
        })
    }
}
