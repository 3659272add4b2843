//! What operators send about payouts and receive, and how a payout is stored.

use super::schemas::PayoutMoveName;
use crate::domain::{Description, Payout, PayoutId, PayoutStage};
use ambient::Timestamp;
use money::{Currency, Money};
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

/// Where a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

impl From<PayoutStage> for PayoutStatus {
    fn from(stage: PayoutStage) -> Self {
        match stage {
            PayoutStage::Created => Self::Created,
            PayoutStage::InTransit => Self::InTransit,
            PayoutStage::Paid => Self::Paid,
            PayoutStage::Failed => Self::Failed,
            PayoutStage::Returned => Self::Returned,
        }
    }
}

impl From<PayoutStatus> for PayoutStage {
    fn from(status: PayoutStatus) -> Self {
        match status {
            PayoutStatus::Created => Self::Created,
            PayoutStatus::InTransit => Self::InTransit,
            PayoutStatus::Paid => Self::Paid,
            PayoutStatus::Failed => Self::Failed,
            PayoutStatus::Returned => Self::Returned,
        }
    }
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
            status: payout.stage.into(),
            amount_minor: payout.amount.minor(),
            currency: payout.amount.currency(),
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
            created_at: self.created_at,
            stage: self.status.into(),
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
