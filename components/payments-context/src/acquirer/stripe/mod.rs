//! The acquirer that is Stripe, over its public HTTP API: PaymentIntents, captures, cancellations, refunds.
//!
//! One PaymentIntent a payment, made and confirmed in one request under the payment's idempotency key; it carries the
//! payment's id in its metadata, its refunds carry ours, so that what became of a lost call is found again. Requests are
//! form-encoded, answers JSON. Amounts that Stripe cannot take exactly are refused here and never rounded.
//!
//! A charge whose name we never learned is looked for with Stripe's search, which lags behind by up to a minute: an
//! empty answer is followed by the same request under the same key, which makes no second one (Stripe keeps keys for at
//! least 24 hours, we ask for 15 minutes).
//!
//! **Source** <https://docs.stripe.com/api>, version [`VERSION`].

mod amounts;
mod shapes;

use super::{Acquirer, Answer, NewCharge, NewRefund};
use crate::domain::{CaptureMethod, Charge, ChargeId, FailureCode};
use amounts::to_stripe;
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http::{Method, Request, StatusCode, header};
use http_client::{HttpClient, HttpError};
use money::Money;
use serde::de::DeserializeOwned;
use shapes::{Dispute, ErrorBody, Page, PaymentIntent, Refund, StripeError};
use std::sync::Arc;

/// The version of the API whose shapes are read here.
pub const VERSION: &str = "2024-06-20";

/// Calls Stripe.
#[derive(Clone)]
pub struct StripeAcquirer {
    http: Arc<dyn HttpClient>,
    base_url: String,
    authorization: String,
}

/// One request.
struct Call<'a> {
    path: String,
    /// Fields of the form; for a GET, of the query.
    fields: Vec<(&'static str, String)>,
    /// The idempotency key; a call without one only reads.
    key: Option<&'a str>,
}

/// What an answer that is not the wanted object proves.
enum Miss {
    /// Stripe refuses the step.
    Refused(StripeError),
    /// There is no such object.
    Missing,
    /// Nothing.
    Unknown(String),
}

impl From<Miss> for Answer {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Refused(error) => Self::Refused { code: error.word() },
            Miss::Missing => Self::Refused { code: FailureCode::new("resource_missing") },
            Miss::Unknown(reason) => Self::Unknown { reason },
        }
    }
}

impl StripeAcquirer {
    /// **Shape** `base_url` such as `https://api.stripe.com`, without a path; `key` is a secret key (`sk_…`, `rk_…`).
    pub fn new(http: Arc<dyn HttpClient>, base_url: &str, key: &str) -> Self {
        Self { http, base_url: base_url.trim_end_matches('/').to_owned(), authorization: format!("Bearer {key}") }
    }

    async fn call<T: DeserializeOwned>(&self, call: Call<'_>, timeout: Duration) -> Result<T, Miss> {
        let unknown = |reason: String| Miss::Unknown(reason);
        let fields: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&call.fields).finish();
        let (method, query, body) = match call.key {
            Some(_) => (Method::POST, String::new(), fields),
            None => (Method::GET, if fields.is_empty() { fields } else { format!("?{fields}") }, String::new()),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{}{query}", self.base_url, call.path))
            .header(header::AUTHORIZATION, &self.authorization)
            .header("stripe-version", VERSION);
        if let Some(key) = call.key {
            request = request
                .header("idempotency-key", key)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Bytes::from(body)).map_err(|error| unknown(error.to_string()))?;
        let response = match self.http.send(request, timeout).await {
            Ok(response) => response,
            Err(error @ (HttpError::NotSent(_) | HttpError::Lost(_) | HttpError::TooLarge { .. })) => {
                return Err(unknown(error.to_string()));
            }
        };
        if response.status() == StatusCode::OK {
            return serde_json::from_slice(response.body())
                .map_err(|_| unknown("stripe's answer has another shape".to_owned()));
        }
        Err(miss(response.status(), response.body()))
    }

    /// A PaymentIntent as it stands, with refunds and dispute where money was taken.
    async fn report(&self, intent: PaymentIntent, timeout: Duration) -> Result<Charge, Miss> {
        let taken = intent.is_taken();
        let mut charge = intent.to_charge().ok_or_else(|| Miss::Unknown("an undocumented state".to_owned()))?;
        if !taken {
            return Ok(charge);
        }
        let about = |limit: &str| vec![("payment_intent", intent.id.clone()), ("limit", limit.to_owned())];
        let refunds = Call { path: "/v1/refunds".to_owned(), fields: about("100"), key: None };
        let disputes = Call { path: "/v1/disputes".to_owned(), fields: about("1"), key: None };
        let (refunds, disputes) = futures::future::join(
            self.call::<Page<Refund>>(refunds, timeout),
            self.call::<Page<Dispute>>(disputes, timeout),
        )
        .await;
        let reports: Option<Vec<_>> = refunds?.data.iter().map(Refund::to_report).collect();
        charge.refunds = reports.ok_or_else(|| Miss::Unknown("a refund of another shape".to_owned()))?;
        charge.dispute = disputes?.data.first().and_then(Dispute::to_report);
        Ok(charge)
    }

    async fn retrieve(&self, id: &str, timeout: Duration) -> Result<Charge, Miss> {
        let call = Call { path: format!("/v1/payment_intents/{id}"), fields: Vec::new(), key: None };
        let intent = self.call::<PaymentIntent>(call, timeout).await?;
        self.report(intent, timeout).await
    }

    /// A step of a PaymentIntent: its answer is the PaymentIntent.
    async fn step(
        &self,
        charge: &ChargeId,
        step: &str,
        fields: Vec<(&'static str, String)>,
        key: &str,
        timeout: Duration,
    ) -> Answer {
        let call = Call { path: format!("/v1/payment_intents/{}/{step}", charge.as_str()), fields, key: Some(key) };
        match self.call::<PaymentIntent>(call, timeout).await {
            Ok(intent) => charge_of(&intent),
            Err(miss) => miss.into(),
        }
    }
}

fn charge_of(intent: &PaymentIntent) -> Answer {
    match intent.to_charge() {
        Some(charge) => Answer::Charge(charge),
        None => Answer::Unknown { reason: "a PaymentIntent in an undocumented state".to_owned() },
    }
}

/// What a status and an error prove.
fn miss(status: StatusCode, body: &[u8]) -> Miss {
    let Ok(ErrorBody { error }) = serde_json::from_slice(body) else {
        return Miss::Unknown(format!("stripe answered {}", status.as_u16()));
    };
    match (status, error.kind.as_str()) {
        // A key that made another request, or whose twin is under way: nothing about the charge.
        (_, "idempotency_error") => Miss::Unknown("stripe has another request under this key".to_owned()),
        (StatusCode::NOT_FOUND, _) => Miss::Missing,
        (StatusCode::PAYMENT_REQUIRED | StatusCode::BAD_REQUEST, "card_error" | "invalid_request_error") => {
            Miss::Refused(error)
        }
        _ => Miss::Unknown(format!("stripe answered {} {}", status.as_u16(), error.word().as_str())),
    }
}

#[async_trait]
impl Acquirer for StripeAcquirer {
    async fn authorize(&self, charge: &NewCharge, key: &str, timeout: Duration) -> Answer {
        let Some(amount) = to_stripe(charge.amount) else {
            return Answer::Refused { code: FailureCode::new("amount_not_supported") };
        };
        let method = match charge.capture_method {
            CaptureMethod::Automatic => "automatic",
            CaptureMethod::Manual => "manual",
        };
        let mut fields = vec![
            ("amount", amount.to_string()),
            ("currency", charge.amount.currency().code().to_ascii_lowercase()),
            ("payment_method", charge.payment_method.as_str().to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("capture_method", method.to_owned()),
            ("confirm", "true".to_owned()),
            ("metadata[payment_id]", charge.reference.clone()),
        ];
        if let Some(url) = &charge.return_url {
            fields.push(("return_url", url.as_str().to_owned()));
        }
        let call = Call { path: "/v1/payment_intents".to_owned(), fields, key: Some(key) };
        match self.call::<PaymentIntent>(call, timeout).await {
            Ok(intent) => charge_of(&intent),
            // A declined card leaves a PaymentIntent behind: that is the charge, and it was declined.
            Err(Miss::Refused(StripeError { payment_intent: Some(intent), .. })) => charge_of(&intent),
            Err(miss) => miss.into(),
        }
    }

    async fn capture(&self, charge: &ChargeId, amount: Money, key: &str, timeout: Duration) -> Answer {
        match to_stripe(amount) {
            Some(amount) => {
                let fields = vec![("amount_to_capture", amount.to_string())];
                self.step(charge, "capture", fields, key, timeout).await
            }
            None => Answer::Refused { code: FailureCode::new("amount_not_supported") },
        }
    }

    async fn cancel(&self, charge: &ChargeId, key: &str, timeout: Duration) -> Answer {
        self.step(charge, "cancel", Vec::new(), key, timeout).await
    }

    async fn refund(&self, charge: &ChargeId, refund: &NewRefund, key: &str, timeout: Duration) -> Answer {
        let Some(amount) = to_stripe(refund.amount) else {
            return Answer::Refused { code: FailureCode::new("amount_not_supported") };
        };
        let mut fields = vec![
            ("payment_intent", charge.as_str().to_owned()),
            ("amount", amount.to_string()),
            ("metadata[refund_id]", refund.id.to_string()),
        ];
        if let Some(reason) = refund.reason {
            fields.push(("reason", reason.to_string()));
        }
        let call = Call { path: "/v1/refunds".to_owned(), fields, key: Some(key) };
        if let Err(miss) = self.call::<Refund>(call, timeout).await {
            return miss.into();
        }
        match self.retrieve(charge.as_str(), timeout).await {
            Ok(charge) => Answer::Charge(charge),
            // The refund is made; how the charge stands will be asked again.
            Err(_) => Answer::Unknown { reason: "the refund was made, the charge cannot be read".to_owned() },
        }
    }

    async fn find(&self, known: Option<&ChargeId>, key: &str, timeout: Duration) -> Answer {
        let found = match known {
            Some(charge) => self.retrieve(charge.as_str(), timeout).await,
            None => {
                // The key is the payment's id and a word: nothing in it can leave the quotes.
                let payment = key.split(':').next().unwrap_or_default();
                let fields = vec![("query", format!("metadata['payment_id']:'{payment}'")), ("limit", "1".to_owned())];
                let call = Call { path: "/v1/payment_intents/search".to_owned(), fields, key: None };
                match self.call::<Page<PaymentIntent>>(call, timeout).await {
                    Ok(page) => match page.data.into_iter().next() {
                        Some(intent) => self.report(intent, timeout).await,
                        None => return Answer::NoSuchCharge,
                    },
                    Err(miss) => Err(miss),
                }
            }
        };
        match found {
            Ok(charge) => Answer::Charge(charge),
            Err(Miss::Missing) => Answer::NoSuchCharge,
            Err(Miss::Refused(error)) => Answer::Unknown { reason: error.word().as_str().to_owned() },
            Err(Miss::Unknown(reason)) => Answer::Unknown { reason },
        }
    }
}

#[cfg(test)]
mod tests;
