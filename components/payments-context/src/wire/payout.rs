//! What operators send about payouts and receive, and how a payout is stored.

use super::schemas::PayoutMoveName;
use crate::domain::{Description, Payout, PayoutId, PayoutStage};
use ambient::Timestamp;
use events::NewEvent;
use ids::UserId;
use money::{Currency, Money};
use payments_wire::{self as public, PayoutSnapshot, PayoutStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /v1/ledger/payouts`.
///
/// **Shape** `{"currency": "EUR", "amount_minor": 5000}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayoutRequest {
    /// ISO 4217.
    #[schema(value_type = Currency)]
    pub currency: String,
    /// How much of what is available, in minor units; all of it where nothing is said.
    #[schema(minimum = 1, examples(5000))]
    #[serde(default)]
    pub amount_minor: Option<i64>,
}

/// The body of `POST /v1/ledger/payouts/{id}/{move}`; may be left out.
///
/// **Shape** `{"reason": "The account is closed"}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayoutMoveRequest {
    /// Why; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, examples("The account is closed"))]
    #[serde(default)]
    pub reason: Option<String>,
}

/// The public word of a stage.
fn status_of(stage: PayoutStage) -> PayoutStatus {
    match stage {
        PayoutStage::Created => PayoutStatus::Created,
        PayoutStage::InTransit => PayoutStatus::InTransit,
        PayoutStage::Paid => PayoutStatus::Paid,
        PayoutStage::Failed => PayoutStatus::Failed,
        PayoutStage::Returned => PayoutStatus::Returned,
    }
}

/// The stage behind a public word.
fn stage_of(status: PayoutStatus) -> PayoutStage {
    match status {
        PayoutStatus::Created => PayoutStage::Created,
        PayoutStatus::InTransit => PayoutStage::InTransit,
        PayoutStatus::Paid => PayoutStage::Paid,
        PayoutStatus::Failed => PayoutStage::Failed,
        PayoutStatus::Returned => PayoutStage::Returned,
    }
}

/// The event that tells where a payout is now.
///
/// # Errors
/// The encoder's; does not happen with a snapshot.
pub fn payout_event(payout: &Payout) -> Result<NewEvent, serde_json::Error> {
    let status = status_of(payout.stage);
    let kind = match status {
        PayoutStatus::Created => public::PAYOUT_CREATED,
        PayoutStatus::InTransit => public::PAYOUT_IN_TRANSIT,
        PayoutStatus::Paid => public::PAYOUT_PAID,
        PayoutStatus::Failed => public::PAYOUT_FAILED,
        PayoutStatus::Returned => public::PAYOUT_RETURNED,
    };
    let Payout { id, amount, requested_by, created_at, .. } = *payout;
    let data = serde_json::to_value(PayoutSnapshot { id, status, amount, requested_by, created_at })?;
    Ok(NewEvent { kind, subject: id.to_string(), data, personal: None })
}

/// A payout, as it is stored and in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Payout)]
pub struct StoredPayout {
    /// Its name.
    pub id: PayoutId,
    /// Where it stands.
    pub status: PayoutStatus,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: Currency,
    /// The account that asked for it, where it was a person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Why, where somebody said so with the last move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<&Payout> for StoredPayout {
    fn from(payout: &Payout) -> Self {
        Self {
            id: payout.id,
            status: status_of(payout.stage),
            amount_minor: payout.amount.minor(),
            currency: payout.amount.currency(),
            requested_by: payout.requested_by,
            created_at: payout.created_at,
            reason: payout.reason.as_ref().map(|text| text.as_str().to_owned()),
        }
    }
}

impl StoredPayout {
    /// The payout; `None` where what is stored cannot be one.
    pub fn read(self) -> Option<Payout> {
        Some(Payout {
            id: self.id,
            amount: Money::new(self.amount_minor, self.currency).ok()?,
            requested_by: self.requested_by,
            created_at: self.created_at,
            stage: stage_of(self.status),
            reason: self.reason.as_deref().map(Description::new).transpose().ok()?,
        })
    }
}

/// A payout as operators see it.
///
/// **Shape** `{"id":"po_00…","status":"created","amount_minor":5000,"currency":"EUR","created_at":"2026-…Z","allowed":
/// ["send","return"]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutAnswer {
    /// The payout.
    #[serde(flatten)]
    pub payout: StoredPayout,
    /// The moves that are open.
    #[schema(value_type = Vec<PayoutMoveName>)]
    pub allowed: Vec<String>,
}

impl From<&Payout> for PayoutAnswer {
    fn from(payout: &Payout) -> Self {
        let allowed = payout.stage.allowed().iter().map(ToString::to_string).collect();
        Self { payout: payout.into(), allowed }
    }
}

/// A line of the list: what fits into an index. The reason stands in the payout itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutPage {
    /// Newest first.
    pub items: Vec<StoredPayout>,
    /// How many there are altogether.
    pub total: u64,
    /// Where the next page starts; left out on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
