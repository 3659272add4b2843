//! The acquirer that the sandbox plays, over HTTP.
//!
//! Answers are sorted by what they prove: a charge is a charge; 404 to a look-up proves that there is none; 400 and 422
//! refuse a charge, 400, 404, 409 and 422 a step on one; everything else (no answer, 401, 429, 5xx, another shape)
//! proves nothing.

use super::{Acquirer, Answer, NewCharge, NewRefund};
use crate::domain::{
    CaptureMethod, Charge, ChargeId, ChargeStanding, DisputeId, DisputeReport, DisputeStanding, FailureCode,
    RefundProgress, RefundReport,
};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http::{Method, Request, StatusCode, header};
use http_client::HttpClient;
use money::{Currency, Money};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Calls the sandbox's charges.
#[derive(Clone)]
pub struct SandboxAcquirer {
    http: Arc<dyn HttpClient>,
    base_url: String,
    authorization: String,
}

impl SandboxAcquirer {
    /// **Shape** `base_url` such as `http://sandbox.spin.internal`, without a path; `key` is the bearer key of the
    /// acquirer's API.
    pub fn new(http: Arc<dyn HttpClient>, base_url: &str, key: &str) -> Self {
        Self { http, base_url: base_url.trim_end_matches('/').to_owned(), authorization: format!("Bearer {key}") }
    }

    async fn call(&self, call: Call, path: &str, key: Option<&str>, body: Bytes, timeout: Duration) -> Answer {
        let mut request = Request::builder()
            .method(if call == Call::Find { Method::GET } else { Method::POST })
            .uri(format!("{}/sandbox/v1/charges{path}", self.base_url))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::ACCEPT, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key).header(header::CONTENT_TYPE, "application/json");
        }
        let request = match request.body(body) {
            Ok(request) => request,
            Err(error) => return Answer::Unknown { reason: error.to_string() },
        };
        match self.http.send(request, timeout).await {
            Ok(response) => classify(call, response.status(), response.body()),
            Err(error) => Answer::Unknown { reason: error.to_string() },
        }
    }

    async fn post<B: Serialize + Sync>(
        &self,
        call: Call,
        path: &str,
        key: &str,
        body: &B,
        timeout: Duration,
    ) -> Answer {
        match serde_json::to_vec(body) {
            Ok(body) => self.call(call, path, Some(key), body.into(), timeout).await,
            Err(error) => Answer::Unknown { reason: error.to_string() },
        }
    }
}

/// Which call an answer belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Authorize,
    Step,
    Find,
}

/// What a status and a body prove.
fn classify(call: Call, status: StatusCode, body: &[u8]) -> Answer {
    let refuses = match call {
        Call::Find => false,
        // 404 would be a wrong address, 409 a twin of this call under way: both prove nothing about the charge.
        Call::Authorize => matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY),
        Call::Step => matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
        ),
    };
    if refuses {
        let code = serde_json::from_slice::<RefusalBody>(body).ok().and_then(|refusal| refusal.failure_code);
        return Answer::Refused { code: FailureCode::new(code.as_deref().unwrap_or("refused_by_acquirer")) };
    }
    match status {
        StatusCode::OK | StatusCode::CREATED => match read_charge(body) {
            Some(charge) => Answer::Charge(charge),
            None => Answer::Unknown { reason: "the acquirer's answer is not a charge".to_owned() },
        },
        StatusCode::NOT_FOUND if call == Call::Find => Answer::NoSuchCharge,
        other => Answer::Unknown { reason: format!("the acquirer answered {}", other.as_u16()) },
    }
}

#[derive(Serialize)]
struct ChargeRequest<'a> {
    reference: &'a str,
    amount_minor: i64,
    currency: &'a str,
    token: &'a str,
    capture: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<&'a str>,
}

#[derive(Serialize)]
struct CaptureRequest {
    amount_minor: i64,
}

#[derive(Serialize)]
struct RefundRequest {
    reference: String,
    amount_minor: i64,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Deserialize)]
struct RefusalBody {
    failure_code: Option<String>,
}

#[derive(Deserialize)]
struct ChargeBody {
    id: String,
    status: ChargeStatus,
    currency: Currency,
    #[serde(default)]
    captured_minor: i64,
    failure_code: Option<String>,
    action_url: Option<String>,
    #[serde(default)]
    refunds: Vec<RefundBody>,
    dispute: Option<DisputeBody>,
}

#[derive(Deserialize)]
struct RefundBody {
    reference: String,
    amount_minor: i64,
    status: RefundStatus,
    failure_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefundStatus {
    Succeeded,
    Failed,
}

#[derive(Deserialize)]
struct DisputeBody {
    id: String,
    amount_minor: i64,
    reason: String,
    status: DisputeStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DisputeStatus {
    Open,
    Won,
    Lost,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChargeStatus {
    Processing,
    RequiresAction,
    Authorized,
    Captured,
    Canceled,
    Declined,
}

/// Reads a charge; `None` for anything that is not one.
fn read_charge(body: &[u8]) -> Option<Charge> {
    let body: ChargeBody = serde_json::from_slice(body).ok()?;
    let standing = match body.status {
        ChargeStatus::Processing => ChargeStanding::Processing,
        ChargeStatus::RequiresAction => ChargeStanding::RequiresAction { url: body.action_url },
        ChargeStatus::Authorized => ChargeStanding::Authorized,
        ChargeStatus::Captured => {
            ChargeStanding::Captured { amount: Money::new(body.captured_minor, body.currency).ok()? }
        }
        ChargeStatus::Canceled => ChargeStanding::Canceled,
        ChargeStatus::Declined => {
            ChargeStanding::Declined { code: FailureCode::new(body.failure_code.as_deref().unwrap_or("declined")) }
        }
    };
    let refunds: Option<Vec<RefundReport>> =
        body.refunds.into_iter().map(|refund| read_refund(refund, body.currency)).collect();
    let dispute = match body.dispute {
        Some(dispute) => Some(read_dispute(dispute, body.currency)?),
        None => None,
    };
    Some(Charge { id: ChargeId::new(&body.id)?, standing, refunds: refunds?, dispute })
}

fn read_refund(body: RefundBody, currency: Currency) -> Option<RefundReport> {
    let progress = match body.status {
        RefundStatus::Succeeded => RefundProgress::Succeeded,
        RefundStatus::Failed => {
            RefundProgress::Failed { code: FailureCode::new(body.failure_code.as_deref().unwrap_or("declined")) }
        }
    };
    Some(RefundReport { reference: body.reference, amount: Money::new(body.amount_minor, currency).ok()?, progress })
}

fn read_dispute(body: DisputeBody, currency: Currency) -> Option<DisputeReport> {
    Some(DisputeReport {
        id: DisputeId::new(&body.id)?,
        amount: Money::new(body.amount_minor, currency).ok()?,
        reason: FailureCode::new(&body.reason),
        standing: match body.status {
            DisputeStatus::Open => DisputeStanding::Open,
            DisputeStatus::Won => DisputeStanding::Won,
            DisputeStatus::Lost => DisputeStanding::Lost,
        },
    })
}

#[async_trait]
impl Acquirer for SandboxAcquirer {
    async fn authorize(&self, charge: &NewCharge, key: &str, timeout: Duration) -> Answer {
        let currency = charge.amount.currency();
        let body = ChargeRequest {
            reference: &charge.reference,
            amount_minor: charge.amount.minor(),
            currency: currency.code(),
            token: charge.payment_method.as_str(),
            capture: charge.capture_method == CaptureMethod::Automatic,
            return_url: charge.return_url.as_ref().map(crate::domain::ReturnUrl::as_str),
        };
        self.post(Call::Authorize, "", key, &body, timeout).await
    }

    async fn capture(&self, charge: &ChargeId, amount: Money, key: &str, timeout: Duration) -> Answer {
        let body = CaptureRequest { amount_minor: amount.minor() };
        self.post(Call::Step, &format!("/{}/capture", charge.as_str()), key, &body, timeout).await
    }

    async fn cancel(&self, charge: &ChargeId, key: &str, timeout: Duration) -> Answer {
        self.post(Call::Step, &format!("/{}/cancel", charge.as_str()), key, &Empty {}, timeout).await
    }

    async fn refund(&self, charge: &ChargeId, refund: &NewRefund, key: &str, timeout: Duration) -> Answer {
        let body = RefundRequest { reference: refund.id.to_string(), amount_minor: refund.amount.minor() };
        self.post(Call::Step, &format!("/{}/refunds", charge.as_str()), key, &body, timeout).await
    }

    async fn find(&self, _known: Option<&ChargeId>, key: &str, timeout: Duration) -> Answer {
        // A key is a payment id and a word: nothing in it needs escaping in a query.
        self.call(Call::Find, &format!("?idempotency_key={key}"), None, Bytes::new(), timeout).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PaymentToken;
    use http_client::{HttpError, ScriptedHttp};

    const TIMEOUT: Duration = Duration::from_secs(1);

    fn acquirer(status: u16, body: &'static str) -> (SandboxAcquirer, ScriptedHttp) {
        let http = ScriptedHttp::new(move |_| {
            Ok(http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        });
        (SandboxAcquirer::new(Arc::new(http.clone()), "http://acquirer.test/", "secret"), http)
    }

    fn charge() -> NewCharge {
        NewCharge {
            reference: "pay_1".to_owned(),
            amount: Money::new(1099, "EUR".parse().unwrap()).unwrap(),
            payment_method: PaymentToken::new("tok_visa").unwrap(),
            capture_method: CaptureMethod::Manual,
            return_url: None,
        }
    }

    #[tokio::test]
    async fn a_charge_is_asked_for_with_its_key() {
        let (acquirer, http) =
            acquirer(201, r#"{"id":"chg_1","status":"authorized","currency":"EUR","captured_minor":0}"#);
        let answer = acquirer.authorize(&charge(), "pay_1:charge", TIMEOUT).await;
        assert_eq!(answer, Answer::Charge(Charge::new(ChargeId::new("chg_1").unwrap(), ChargeStanding::Authorized)));
        let request = &http.asked()[0];
        assert_eq!(request.uri(), "http://acquirer.test/sandbox/v1/charges");
        assert_eq!(request.headers()["idempotency-key"], "pay_1:charge");
        assert_eq!(request.headers()["authorization"], "Bearer secret");
        assert_eq!(
            request.body(),
            &Bytes::from_static(
                br#"{"reference":"pay_1","amount_minor":1099,"currency":"EUR","token":"tok_visa","capture":false}"#
            )
        );
    }

    #[tokio::test]
    async fn only_proof_counts_as_an_answer() {
        for (status, body) in [
            (500, ""),
            (502, "{}"),
            (401, "{}"),
            (429, "{}"),
            (200, "{}"),
            (200, r#"{"id":"../x","status":"authorized","currency":"EUR"}"#),
            (200, r#"{"id":"chg_1","status":"novel","currency":"EUR"}"#),
            (302, ""),
            (404, ""),
            (409, ""),
        ] {
            let (acquirer, _) = acquirer(status, body);
            let answer = acquirer.authorize(&charge(), "k", TIMEOUT).await;
            assert!(matches!(answer, Answer::Unknown { .. }), "{status} {body}: {answer:?}");
        }
        let lost = ScriptedHttp::new(|_| Err(HttpError::Lost("cut".to_owned())));
        let lost = SandboxAcquirer::new(Arc::new(lost), "http://acquirer.test", "secret");
        assert!(matches!(lost.find(None, "k", TIMEOUT).await, Answer::Unknown { .. }));
    }

    #[tokio::test]
    async fn not_found_is_proof_for_a_look_up_and_a_refusal_for_a_step() {
        let (acquirer, _) = acquirer(404, r#"{"failure_code":"no_such_charge"}"#);
        assert_eq!(acquirer.find(None, "k", TIMEOUT).await, Answer::NoSuchCharge);
        assert_eq!(
            acquirer.cancel(&ChargeId::new("chg_1").unwrap(), "k", TIMEOUT).await,
            Answer::Refused { code: FailureCode::new("no_such_charge") }
        );
    }

    #[tokio::test]
    async fn each_standing_is_read() {
        for (status, standing) in [
            ("processing", ChargeStanding::Processing),
            ("requires_action", ChargeStanding::RequiresAction { url: None }),
            ("captured", ChargeStanding::Captured { amount: Money::new(7, "EUR".parse().unwrap()).unwrap() }),
            ("canceled", ChargeStanding::Canceled),
            ("declined", ChargeStanding::Declined { code: FailureCode::new("declined") }),
        ] {
            let body = format!(r#"{{"id":"chg_1","status":"{status}","currency":"EUR","captured_minor":7}}"#);
            assert_eq!(read_charge(body.as_bytes()).map(|charge| charge.standing), Some(standing));
        }
    }

    #[tokio::test]
    async fn refunds_and_a_dispute_are_read_with_the_charge() {
        let body = r#"{"id":"chg_1","status":"captured","currency":"EUR","captured_minor":900,
            "refunds":[{"reference":"rfd_1","amount_minor":300,"status":"succeeded"},
                {"reference":"rfd_2","amount_minor":1,"status":"failed","failure_code":"lost_card"}],
            "dispute":{"id":"dsp_1","amount_minor":900,"reason":"fraudulent","status":"open"}}"#;
        let (acquirer, http) = acquirer(200, body);
        let refund = NewRefund {
            id: "rfd_000000000000000000000000007q".parse().unwrap(),
            amount: Money::new(300, "EUR".parse().unwrap()).unwrap(),
            reason: None,
        };
        let answer = acquirer.refund(&ChargeId::new("chg_1").unwrap(), &refund, "k", TIMEOUT).await;
        let Answer::Charge(charge) = answer else { unreachable!("{answer:?}") };
        let progress: Vec<_> = charge.refunds.iter().map(|refund| refund.progress.clone()).collect();
        assert_eq!(
            progress,
            [RefundProgress::Succeeded, RefundProgress::Failed { code: FailureCode::new("lost_card") }]
        );
        assert_eq!(charge.dispute.map(|dispute| dispute.standing), Some(DisputeStanding::Open));
        let request = &http.asked()[0];
        assert_eq!(request.uri(), "http://acquirer.test/sandbox/v1/charges/chg_1/refunds");
        assert_eq!(
            request.body(),
            &Bytes::from_static(br#"{"reference":"rfd_000000000000000000000000007q","amount_minor":300}"#)
        );
    }
}
