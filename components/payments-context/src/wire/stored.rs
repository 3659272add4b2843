//! The body of a payment's record: the whole payment, and the request that waits for the pending step's outcome.
//!
//! Bodies are kept for ever (they are the ledger's journal), so every shape ever written must stay readable: `v` tells
//! them apart.

use super::CaptureMethod;
use super::stored_after::{DisputeBody, RefundBody};
use crate::domain::{
    self, ChargeId, Description, FailureCode, Payment, PaymentToken, Pending, ProviderName, RefundId, ReturnUrl, Stage,
    Step,
};
use ambient::Timestamp;
use ids::{PaymentId, UserId};
use money::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The request that a pending step will answer: whoever learns the outcome finishes its once-row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// The caller's Idempotency-Key.
    pub key: String,
    /// The caller, where it is not the payer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// SHA-256 of the request, in hexadecimal.
    #[serde(with = "hex")]
    pub fingerprint: [u8; 32],
    /// The attempt that began it.
    #[serde(with = "attempt")]
    pub attempt: Uuid,
}

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// Another shape than any that was ever written.
    #[error("the stored payment is unreadable: {0}")]
    Shape(#[from] serde_json::Error),
    /// A value that no payment can have.
    #[error("the stored payment has an impossible {0}")]
    Value(&'static str),
}

/// What a record of a payment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The payment.
    pub payment: Payment,
    /// The request whose answer the pending step decides; `None` where the worker began it or none is pending.
    pub request: Option<OpenRequest>,
}

impl Stored {
    /// Writes the body.
    ///
    /// # Errors
    /// The encoder's; does not happen.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Body::from(self))
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoredError> {
        serde_json::from_slice::<Body>(bytes)?.try_into()
    }
}

#[derive(Serialize, Deserialize)]
struct Body {
    v: u8,
    id: PaymentId,
    payer: UserId,
    amount: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    capture_method: CaptureMethod,
    payment_method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    return_url: Option<String>,
    created_at: Timestamp,
    stage: StageBody,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<PendingBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charge: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dispute: Option<DisputeBody>,
    steps_begun: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<OpenRequest>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum StageBody {
    RequiresConfirmation,
    RequiresAction {
        until: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    Authorized {
        until: Timestamp,
    },
    Captured {
        captured: Money,
    },
    Canceled,
    Expired,
    Failed {
        code: String,
    },
}

#[derive(Serialize, Deserialize)]
struct PendingBody {
    step: StepBody,
    since: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum StepBody {
    Authorize,
    Capture {
        amount: Money,
    },
    Cancel,
    Expire,
    Refund {
        id: RefundId,
        amount: Money,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl From<&Stored> for Body {
    fn from(stored: &Stored) -> Self {
        let payment = &stored.payment;
        Self {
            v: 1,
            id: payment.id,
            payer: payment.payer,
            amount: payment.amount,
            description: payment.description.as_ref().map(|text| text.as_str().to_owned()),
            capture_method: payment.capture_method.into(),
            payment_method: payment.payment_method.as_str().to_owned(),
            return_url: payment.return_url.as_ref().map(|url| url.as_str().to_owned()),
            created_at: payment.created_at,
            stage: match &payment.stage {
                Stage::RequiresConfirmation => StageBody::RequiresConfirmation,
                Stage::RequiresAction { until, url } => StageBody::RequiresAction { until: *until, url: url.clone() },
                Stage::Authorized { until } => StageBody::Authorized { until: *until },
                Stage::Captured { captured } => StageBody::Captured { captured: *captured },
                Stage::Canceled => StageBody::Canceled,
                Stage::Expired => StageBody::Expired,
                Stage::Failed { code } => StageBody::Failed { code: code.as_str().to_owned() },
            },
            pending: payment.pending.map(|pending| PendingBody {
                since: pending.since,
                step: match pending.step {
                    Step::Authorize => StepBody::Authorize,
                    Step::Capture { amount } => StepBody::Capture { amount },
                    Step::Cancel => StepBody::Cancel,
                    Step::Expire => StepBody::Expire,
                    Step::Refund { id, amount, reason } => {
                        StepBody::Refund { id, amount, reason: reason.map(|reason| reason.to_string()) }
                    }
                },
            }),
            provider: payment.provider.as_ref().map(ProviderName::to_string),
            charge: payment.charge.as_ref().map(|charge| charge.as_str().to_owned()),
            refunds: payment.refunds.iter().map(RefundBody::from).collect(),
            dispute: payment.dispute.as_ref().map(DisputeBody::from),
            steps_begun: payment.steps_begun,
            request: stored.request.clone(),
        }
    }
}

impl TryFrom<Body> for Stored {
    type Error = StoredError;

    fn try_from(body: Body) -> Result<Self, StoredError> {
        if body.v != 1 {
            return Err(StoredError::Value("version of its shape"));
        }
        let return_url = body.return_url.as_deref().map(ReturnUrl::new).transpose();
        let refunds: Result<Vec<_>, _> = body.refunds.into_iter().map(TryInto::try_into).collect();
        let provider = body.provider.as_deref().map(str::parse).transpose();
        let pending = body.pending.map(read_pending).transpose()?;
        let description = body.description.as_deref().map(Description::new).transpose();
        let charge = body.charge.as_deref().map(|text| ChargeId::new(text).ok_or(StoredError::Value("charge")));
        Ok(Self {
            payment: Payment {
                id: body.id,
                payer: body.payer,
                amount: body.amount,
                description: description.map_err(|_| StoredError::Value("description"))?,
                capture_method: domain::CaptureMethod::from(body.capture_method),
                payment_method: PaymentToken::new(&body.payment_method)
                    .map_err(|_| StoredError::Value("payment method"))?,
                return_url: return_url.map_err(|_| StoredError::Value("return address"))?,
                created_at: body.created_at,
                stage: match body.stage {
                    StageBody::RequiresConfirmation => Stage::RequiresConfirmation,
                    StageBody::RequiresAction { until, url } => Stage::RequiresAction { until, url },
                    StageBody::Authorized { until } => Stage::Authorized { until },
                    StageBody::Captured { captured } => Stage::Captured { captured },
                    StageBody::Canceled => Stage::Canceled,
                    StageBody::Expired => Stage::Expired,
                    StageBody::Failed { code } => Stage::Failed { code: FailureCode::new(&code) },
                },
                pending,
                provider: provider.map_err(|_| StoredError::Value("provider"))?,
                charge: charge.transpose()?,
                refunds: refunds?,
                dispute: body.dispute.map(TryInto::try_into).transpose()?,
                steps_begun: body.steps_begun,
            },
            request: body.request,
        })
    }
}

fn read_pending(body: PendingBody) -> Result<Pending, StoredError> {
    let step = match body.step {
        StepBody::Authorize => Step::Authorize,
        StepBody::Capture { amount } => Step::Capture { amount },
        StepBody::Cancel => Step::Cancel,
        StepBody::Expire => Step::Expire,
        StepBody::Refund { id, amount, reason } => {
            let reason = reason.map(|word| word.parse()).transpose();
            Step::Refund { id, amount, reason: reason.map_err(|_| StoredError::Value("reason of a refund"))? }
        }
    };
    Ok(Pending { step, since: body.since })
}

/// An attempt as the usual text of a UUID.
mod attempt {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use uuid::Uuid;

    pub fn serialize<S: Serializer>(attempt: &Uuid, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(attempt)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
        Uuid::parse_str(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A fingerprint as 64 hexadecimal digits.
mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&records::Fingerprint(*bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(D::Error::custom("64 hexadecimal digits are expected"));
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            let pair = text.get(2 * place..2 * place + 2).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).map_err(D::Error::custom)?;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::{at, dispute_of, eur, payment_in, refund_of};
    use crate::domain::{DisputeStanding, Refund, RefundReason, RefundStanding};

    #[test]
    fn every_stage_and_step_reads_back() {
        for stage in [
            Stage::RequiresConfirmation,
            Stage::RequiresAction { until: at(9), url: Some("/x".to_owned()) },
            Stage::Authorized { until: at(9) },
            Stage::Captured { captured: eur(3) },
            Stage::Canceled,
            Stage::Expired,
            Stage::Failed { code: FailureCode::new("card_declined") },
        ] {
            let id = RefundId::new(0, Uuid::from_u128(9));
            let refund = Step::Refund { id, amount: eur(1), reason: Some(RefundReason::Duplicate) };
            for step in [Step::Authorize, Step::Capture { amount: eur(2) }, Step::Cancel, Step::Expire, refund] {
                let mut payment = payment_in(stage.clone());
                payment.pending = Some(Pending { step, since: at(1) });
                payment.description = Some(Description::new("Tea").unwrap());
                payment.return_url = Some(ReturnUrl::new("https://shop.example/back").unwrap());
                payment.provider = Some("sandbox".parse().unwrap());
                payment.refunds = vec![refund_of(1), Refund { standing: RefundStanding::Failed, ..refund_of(2) }];
                payment.dispute = Some(dispute_of(3, DisputeStanding::Lost));
                let by = Some(UserId::new(0, Uuid::from_u128(8)));
                let request =
                    OpenRequest { key: "k".to_owned(), by, fingerprint: [171; 32], attempt: Uuid::from_u128(7) };
                let stored = Stored { payment, request: Some(request) };
                assert_eq!(Stored::from_bytes(&stored.to_bytes().unwrap()).unwrap(), stored);
            }
        }
    }

    #[test]
    fn the_first_shape_ever_written_stays_readable() {
        let written = r#"{"v":1,"id":"pay_0000000000000000000000000001","payer":"usr_0000000000000000000000000002",
            "amount":{"amount_minor":1000,"currency":"EUR"},"capture_method":"manual","payment_method":"tok_visa",
            "created_at":"2026-01-01T00:00:00.000Z","stage":{"name":"captured","captured":{"amount_minor":400,
            "currency":"EUR"}},"charge":"ch_1","steps_begun":0}"#;
        let stored = Stored::from_bytes(written.as_bytes()).unwrap();
        assert_eq!(stored.payment, payment_in(Stage::Captured { captured: eur(400) }));
    }

    #[test]
    fn another_shape_is_an_error_and_not_a_payment() {
        assert!(matches!(Stored::from_bytes(b"{}"), Err(StoredError::Shape(_))));
    }
}
