//! Charges.

use super::after::{DisputeAnswer, RefundAnswer, StoredDispute, StoredRefund};
use crate::domain::{Card, Charge, ChargeId, NewCharge, Standing};
use ambient::Timestamp;
use money::Money;
use serde::{Deserialize, Serialize};

/// The body of `POST /sandbox/v1/charges`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChargeRequest {
    /// The caller's own name for what it is for; at most 100 characters.
    #[serde(default)]
    pub reference: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Which card.
    pub token: String,
    /// Whether the money is taken at once.
    pub capture: bool,
    /// Where the payer comes back to after proving who they are.
    #[serde(default)]
    pub return_url: Option<String>,
}

/// The body of `POST /sandbox/v1/charges/{id}/capture`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CaptureRequest {
    /// How much, in minor units.
    pub amount_minor: i64,
}

/// How the payer does at the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// They prove who they are.
    Success,
    /// They do not.
    Failure,
}

/// The body of `POST /sandbox/v1/charges/{id}/authenticate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AuthenticateRequest {
    /// How the payer does.
    pub outcome: Proof,
}

/// The query of `GET /sandbox/v1/charges`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ChargeQuery {
    /// The charge that this key made.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// The charges for this reference.
    #[serde(default)]
    pub reference: Option<String>,
}

/// A charge as callers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChargeAnswer {
    /// Its name.
    pub id: ChargeId,
    /// `processing`, `requires_action`, `authorized`, `captured`, `canceled` or `declined`.
    pub status: &'static str,
    /// How much was asked for, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// How much was taken, in minor units.
    pub captured_minor: i64,
    /// Which card.
    pub token: String,
    /// The caller's own name for what it is for.
    pub reference: String,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<&'static str>,
    /// Where the payer proves who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_url: Option<String>,
    /// What was given back, in minor units.
    pub refunded_minor: i64,
    /// Its refunds, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<RefundAnswer>,
    /// The dispute of the payer's bank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute: Option<DisputeAnswer>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ChargeAnswer {
    /// The charge as it is known at `now`.
    pub fn at(charge: &Charge, now: Timestamp) -> Self {
        let standing = charge.known(now);
        let (status, failure_code) = match standing {
            None => ("processing", None),
            Some(Standing::RequiresAction) => ("requires_action", None),
            Some(Standing::Authorized) => ("authorized", None),
            Some(Standing::Captured(_)) => ("captured", None),
            Some(Standing::Canceled) => ("canceled", None),
            Some(Standing::Declined(code)) => ("declined", Some(code)),
        };
        let acts = standing == Some(Standing::RequiresAction);
        Self {
            id: charge.id,
            status,
            amount_minor: charge.asked.amount.minor(),
            currency: charge.asked.amount.currency().to_string(),
            captured_minor: charge.captured_minor(now),
            token: charge.asked.token.clone(),
            reference: charge.asked.reference.clone(),
            failure_code,
            action_url: acts.then(|| format!("/sandbox/v1/charges/{}/authenticate", charge.id)),
            refunded_minor: charge.refunded_minor(now),
            refunds: charge.refunds.iter().map(|refund| RefundAnswer::at(refund, now)).collect(),
            dispute: charge.dispute.as_ref().map(|dispute| DisputeAnswer::over(dispute, charge.captured_minor(now))),
            created_at: charge.created_at,
        }
    }
}

/// The answer of `GET /sandbox/v1/charges` without a key, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChargeList {
    /// The newest charges, at most 20.
    pub items: Vec<ChargeAnswer>,
    /// How many there are.
    pub total: u64,
}

/// The body of a charge's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCharge {
    id: ChargeId,
    key: String,
    reference: String,
    amount: Money,
    token: String,
    capture: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    return_url: Option<String>,
    standing: StoredStanding,
    known_from: Timestamp,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<StoredRefund>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dispute: Option<StoredDispute>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum StoredStanding {
    RequiresAction,
    Authorized,
    Captured { amount: Money },
    Canceled,
    Declined,
    AuthenticationFailed,
}

impl From<&Charge> for StoredCharge {
    fn from(charge: &Charge) -> Self {
        Self {
            id: charge.id,
            key: charge.asked.key.clone(),
            reference: charge.asked.reference.clone(),
            amount: charge.asked.amount,
            token: charge.asked.token.clone(),
            capture: charge.asked.capture,
            return_url: charge.asked.return_url.clone(),
            refunds: charge.refunds.iter().map(StoredRefund::from).collect(),
            dispute: charge.dispute.map(StoredDispute::from),
            standing: match charge.standing {
                Standing::RequiresAction => StoredStanding::RequiresAction,
                Standing::Authorized => StoredStanding::Authorized,
                Standing::Captured(amount) => StoredStanding::Captured { amount },
                Standing::Canceled => StoredStanding::Canceled,
                // A card declines with its own code, or because the payer failed at the bank.
                Standing::Declined("authentication_failed") => StoredStanding::AuthenticationFailed,
                Standing::Declined(_) => StoredStanding::Declined,
            },
            known_from: charge.known_from,
            created_at: charge.created_at,
        }
    }
}

impl TryFrom<StoredCharge> for Charge {
    type Error = &'static str;

    fn try_from(stored: StoredCharge) -> Result<Self, &'static str> {
        let standing = match stored.standing {
            StoredStanding::RequiresAction => Standing::RequiresAction,
            StoredStanding::Authorized => Standing::Authorized,
            StoredStanding::Captured { amount } => Standing::Captured(amount),
            StoredStanding::Canceled => Standing::Canceled,
            StoredStanding::AuthenticationFailed => Standing::Declined("authentication_failed"),
            StoredStanding::Declined => match Card::of_token(&stored.token) {
                Some(Card::Declined(code)) => Standing::Declined(code),
                _ => return Err("a declined charge of a card that does not decline"),
            },
        };
        Ok(Self {
            id: stored.id,
            asked: NewCharge {
                key: stored.key,
                reference: stored.reference,
                amount: stored.amount,
                token: stored.token,
                capture: stored.capture,
                return_url: stored.return_url,
            },
            refunds: stored.refunds.into_iter().map(Into::into).collect(),
            dispute: stored.dispute.map(Into::into),
            standing,
            known_from: stored.known_from,
            created_at: stored.created_at,
        })
    }
}
