//! What callers receive.

use super::schemas::PaymentMove;
use super::{CaptureMethod, DisputeAnswer, RefundAnswer};
use crate::domain::{Move, Payment, Stage, allowed};
use ambient::Timestamp;
use ids::PaymentId;
use payments_wire::PaymentStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

/// What the payer has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextAction {
    /// Where; relative to the acquirer where it has no host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Until when.
    pub until: Timestamp,
}

/// A payment as its owner sees it.
///
/// **Shape** `{"id":"pay_00…","status":"authorized","amount_minor":1099,"currency":"EUR","captured_minor":0,
/// "capture_method":"manual","payment_method":"tok_visa","allowed":["capture","cancel"],"hold_expires_at":"…",
/// "created_at":"…"}`; members that say nothing are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentAnswer {
    /// Its name.
    pub id: PaymentId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// What was asked for, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    #[schema(value_type = money::Currency)]
    pub currency: String,
    /// What was taken, in minor units.
    pub captured_minor: i64,
    /// What was given back, in minor units; not there while that is nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunded_minor: i64,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// What stands for the card.
    #[schema(pattern = "^(tok|pm)_[A-Za-z0-9_]{1,60}$", examples("tok_visa"))]
    pub payment_method: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Why it failed.
    #[schema(pattern = "^[a-z0-9_]{1,40}$", examples("card_declined"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// What the payer has to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
    /// When the hold runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_expires_at: Option<Timestamp>,
    /// Its refunds, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<RefundAnswer>,
    /// Its newest dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<DisputeAnswer>,
    /// The moves that are open: `confirm`, `capture`, `cancel`, `refund`. None while the acquirer's answer is awaited.
    #[schema(value_type = Vec<PaymentMove>)]
    pub allowed: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<&Payment> for PaymentAnswer {
    fn from(payment: &Payment) -> Self {
        let next_action = match (&payment.stage, payment.pending) {
            (Stage::RequiresAction { until, url }, None) => Some(NextAction { url: url.clone(), until: *until }),
            _ => None,
        };
        let hold_expires_at = match payment.stage {
            Stage::Authorized { until } => Some(until),
            _ => None,
        };
        Self {
            id: payment.id,
            status: payment.status(),
            amount_minor: payment.amount.minor(),
            currency: payment.amount.currency().to_string(),
            captured_minor: payment.captured().minor(),
            refunded_minor: payment.refunded().minor(),
            capture_method: payment.capture_method.into(),
            payment_method: payment.payment_method.as_str().to_owned(),
            description: payment.description.as_ref().map(|text| text.as_str().to_owned()),
            failure_code: payment.failure_code().map(|code| code.as_str().to_owned()),
            next_action,
            hold_expires_at,
            refunds: RefundAnswer::all_of(payment),
            dispute: payment.dispute.as_ref().map(DisputeAnswer::from),
            allowed: allowed(payment).iter().map(Move::to_string).collect(),
            created_at: payment.created_at,
        }
    }
}

/// A payment in a list, and the summary that the index keeps for it.
///
/// **Invariant** at most 256 bytes as JSON, so that a list is one script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentSummary {
    /// Its name.
    pub id: PaymentId,
    /// Where it stands.
    pub status: PaymentStatus,
    /// What was asked for, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    #[schema(value_type = money::Currency)]
    pub currency: String,
    /// What was taken, in minor units.
    pub captured_minor: i64,
    /// What was given back, in minor units; not there while that is nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunded_minor: i64,
    /// Why it failed.
    #[schema(pattern = "^[a-z0-9_]{1,40}$", examples("card_declined"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<&Payment> for PaymentSummary {
    fn from(payment: &Payment) -> Self {
        Self {
            id: payment.id,
            status: payment.status(),
            amount_minor: payment.amount.minor(),
            currency: payment.amount.currency().to_string(),
            captured_minor: payment.captured().minor(),
            refunded_minor: payment.refunded().minor(),
            failure_code: payment.failure_code().map(|code| code.as_str().to_owned()),
            created_at: payment.created_at,
        }
    }
}

/// The answer of `GET /v1/payments`, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentPage {
    /// The payments of this page.
    pub items: Vec<PaymentSummary>,
    /// How many there are altogether.
    pub total: u64,
    /// Where the next page starts; not there on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::{at, eur, payment_in, refund_of};
    use crate::domain::{FailureCode, MAX_AMOUNT_MINOR};

    #[test]
    fn the_longest_summary_fits_into_an_index() {
        for stage in [
            Stage::Failed { code: FailureCode::new(&"x".repeat(40)) },
            Stage::Captured { captured: eur(MAX_AMOUNT_MINOR) },
            Stage::RequiresConfirmation,
        ] {
            let mut payment = payment_in(stage);
            payment.amount = eur(MAX_AMOUNT_MINOR);
            payment.refunds = vec![refund_of(payment.captured().minor())];
            let summary = serde_json::to_string(&PaymentSummary::from(&payment)).unwrap();
            assert!(summary.len() <= records::MAX_SUMMARY_BYTES, "{} bytes: {summary}", summary.len());
        }
    }

    #[test]
    fn an_owner_sees_the_open_moves_and_no_empty_members() {
        let shown =
            serde_json::to_value(PaymentAnswer::from(&payment_in(Stage::Authorized { until: at(60) }))).unwrap();
        assert_eq!(shown["allowed"], serde_json::json!(["capture", "cancel"]));
        assert_eq!(shown["hold_expires_at"], "2026-01-01T00:01:00.000Z");
        assert_eq!(shown.get("failure_code"), None);
    }
}
