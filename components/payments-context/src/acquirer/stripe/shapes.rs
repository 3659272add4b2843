//! The objects of Stripe's API, as far as this adapter reads them.

use super::amounts::from_stripe;
use crate::domain::{
    Charge, ChargeId, ChargeStanding, DisputeId, DisputeReport, DisputeStanding, FailureCode, RefundProgress,
    RefundReport,
};
use serde::Deserialize;

/// <https://docs.stripe.com/api/payment_intents/object>
#[derive(Debug, Deserialize)]
pub struct PaymentIntent {
    pub id: String,
    status: String,
    currency: String,
    #[serde(default)]
    amount_received: i64,
    next_action: Option<NextAction>,
    last_payment_error: Option<StripeError>,
}

#[derive(Debug, Deserialize)]
struct NextAction {
    redirect_to_url: Option<Redirect>,
}

#[derive(Debug, Deserialize)]
struct Redirect {
    url: Option<String>,
}

/// <https://docs.stripe.com/api/errors>
#[derive(Debug, Deserialize)]
pub struct StripeError {
    #[serde(default, rename = "type")]
    pub kind: String,
    pub code: Option<String>,
    pub decline_code: Option<String>,
    /// The PaymentIntent that an error of a card left behind.
    pub payment_intent: Option<Box<PaymentIntent>>,
}

impl StripeError {
    /// The most telling word.
    pub fn word(&self) -> FailureCode {
        FailureCode::new(self.decline_code.as_deref().or(self.code.as_deref()).unwrap_or("declined"))
    }
}

/// An error as it is answered.
#[derive(Debug, Deserialize)]
pub struct ErrorBody {
    pub error: StripeError,
}

/// A page of a list or of a search.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
}

/// <https://docs.stripe.com/api/refunds/object>
#[derive(Debug, Deserialize)]
pub struct Refund {
    id: String,
    amount: i64,
    currency: String,
    status: Option<String>,
    failure_reason: Option<String>,
    metadata: Option<RefundMetadata>,
}

#[derive(Debug, Deserialize)]
struct RefundMetadata {
    refund_id: Option<String>,
}

/// <https://docs.stripe.com/api/disputes/object>
#[derive(Debug, Deserialize)]
pub struct Dispute {
    id: String,
    amount: i64,
    currency: String,
    reason: String,
    status: String,
}

impl PaymentIntent {
    /// Whether money was taken, so that refunds and disputes are possible.
    pub fn is_taken(&self) -> bool {
        self.status == "succeeded"
    }

    /// The charge without what followed it; `None` for a state that is not documented.
    pub fn to_charge(&self) -> Option<Charge> {
        let standing = match self.status.as_str() {
            // Confirmation is part of the request that makes it: where it is missing, it is under way.
            "processing" | "requires_confirmation" => ChargeStanding::Processing,
            "requires_action" => {
                let redirect = self.next_action.as_ref().and_then(|action| action.redirect_to_url.as_ref());
                ChargeStanding::RequiresAction { url: redirect.and_then(|redirect| redirect.url.clone()) }
            }
            "requires_capture" => ChargeStanding::Authorized,
            "succeeded" => ChargeStanding::Captured { amount: from_stripe(self.amount_received, &self.currency)? },
            "canceled" => ChargeStanding::Canceled,
            "requires_payment_method" => ChargeStanding::Declined {
                code: self.last_payment_error.as_ref().map_or_else(|| FailureCode::new("declined"), StripeError::word),
            },
            _ => return None,
        };
        Some(Charge::new(ChargeId::new(&self.id)?, standing))
    }
}

impl Refund {
    /// The refund in our words; `None` where it is not one.
    pub fn to_report(&self) -> Option<RefundReport> {
        let progress = match self.status.as_deref() {
            // Pending at the network: the balance is charged already, and it can only come back as failed.
            Some("succeeded" | "pending") => RefundProgress::Succeeded,
            Some("failed" | "canceled") => RefundProgress::Failed {
                code: FailureCode::new(self.failure_reason.as_deref().unwrap_or("refund_failed")),
            },
            _ => RefundProgress::Processing,
        };
        let own = self.metadata.as_ref().and_then(|metadata| metadata.refund_id.clone());
        Some(RefundReport {
            reference: own.unwrap_or_else(|| self.id.clone()),
            amount: from_stripe(self.amount, &self.currency)?,
            progress,
        })
    }
}

impl Dispute {
    /// The dispute in our words; `None` for an inquiry, which moves no money.
    pub fn to_report(&self) -> Option<DisputeReport> {
        let standing = match self.status.as_str() {
            "needs_response" | "under_review" => DisputeStanding::Open,
            "won" => DisputeStanding::Won,
            "lost" => DisputeStanding::Lost,
            _ => return None,
        };
        Some(DisputeReport {
            id: DisputeId::new(&self.id)?,
            amount: from_stripe(self.amount, &self.currency)?,
            reason: FailureCode::new(&self.reason),
            standing,
        })
    }
}
