//! A small Stripe behind the client's port: the documented requests of this adapter, their answers and errors.

use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http::{Request, Response};
use http_client::{HttpClient, HttpError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Fields = BTreeMap<String, String>;

#[derive(Default)]
struct Account {
    intents: Vec<Value>,
    refunds: Vec<Value>,
    disputes: Vec<Value>,
    /// What each idempotency key was asked for and answered.
    keys: BTreeMap<String, (String, u16, Value)>,
    lose_next: bool,
    made: usize,
}

/// An account at Stripe with the key `sk_test`.
#[derive(Clone, Default)]
pub struct FakeStripe(Arc<Mutex<Account>>);

impl FakeStripe {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request is carried out, its answer lost.
    pub fn lose_next_answer(&self) {
        self.account().lose_next = true;
    }

    pub fn intents(&self) -> Vec<Value> {
        self.account().intents.clone()
    }

    pub fn dispute(&self, intent: &str, status: &str) {
        let dispute = json!({"id": "dp_1", "object": "dispute", "payment_intent": intent, "amount": 1099,
            "currency": "eur", "reason": "fraudulent", "status": status});
        self.account().disputes = vec![dispute];
    }
}

fn error(kind: &str, code: &str) -> Value {
    json!({"error": {"type": kind, "code": code, "message": "for people"}})
}

impl Account {
    fn create(&mut self, fields: &Fields) -> (u16, Value) {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        if field("confirm") != "true" || field("payment_method_types[]") != "card" {
            return (400, error("invalid_request_error", "parameter_missing"));
        }
        let amount: i64 = field("amount").parse().unwrap_or(0);
        self.made += 1;
        let mut intent = json!({"id": format!("pi_{}", self.made), "object": "payment_intent", "amount": amount,
            "currency": field("currency"), "amount_received": 0, "metadata": {"payment_id": field("metadata[payment_id]")}});
        let manual = field("capture_method") == "manual";
        let declined = field("payment_method") == "pm_card_chargeDeclinedInsufficientFunds";
        intent["status"] = match field("payment_method").as_str() {
            "pm_card_authenticationRequired" => "requires_action",
            _ if declined => "requires_payment_method",
            _ if manual => "requires_capture",
            _ => "succeeded",
        }
        .into();
        if intent["status"] == "succeeded" {
            intent["amount_received"] = amount.into();
        }
        if intent["status"] == "requires_action" {
            intent["next_action"] = json!({"type": "redirect_to_url", "redirect_to_url":
                {"url": "https://hooks.stripe.com/3ds", "return_url": field("return_url")}});
        }
        let why = json!({"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"});
        if declined {
            intent["last_payment_error"] = why.clone();
        }
        self.intents.push(intent.clone());
        if !declined {
            return (200, intent);
        }
        let mut refusal = json!({ "error": why });
        refusal["error"]["payment_intent"] = intent;
        (402, refusal)
    }

    fn step(&mut self, id: &str, step: &str, fields: &Fields) -> (u16, Value) {
        let Some(intent) = self.intents.iter_mut().find(|intent| intent["id"] == id) else {
            return (404, error("invalid_request_error", "resource_missing"));
        };
        match (step, intent["status"].as_str().unwrap_or_default()) {
            ("capture", "requires_capture") => {
                let amount: i64 = fields.get("amount_to_capture").and_then(|text| text.parse().ok()).unwrap_or(0);
                if amount < 1 || amount > intent["amount"].as_i64().unwrap_or(0) {
                    return (400, error("invalid_request_error", "amount_too_large"));
                }
                intent["status"] = "succeeded".into();
                intent["amount_received"] = amount.into();
            }
            ("cancel", "requires_capture" | "requires_action") => intent["status"] = "canceled".into(),
            _ => return (400, error("invalid_request_error", "payment_intent_unexpected_state")),
        }
        (200, intent.clone())
    }

    fn refund(&mut self, fields: &Fields) -> (u16, Value) {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let Some(intent) = self.intents.iter().find(|intent| intent["id"] == field("payment_intent")) else {
            return (404, error("invalid_request_error", "resource_missing"));
        };
        let amount: i64 = field("amount").parse().unwrap_or(0);
        let given: i64 = self.refunds.iter().filter_map(|refund| refund["amount"].as_i64()).sum();
        if given + amount > intent["amount_received"].as_i64().unwrap_or(0) {
            return (400, error("invalid_request_error", "charge_already_refunded"));
        }
        let refund = json!({"id": format!("re_{}", self.refunds.len() + 1), "object": "refund", "amount": amount,
            "currency": intent["currency"], "payment_intent": intent["id"], "status": "succeeded",
            "metadata": {"refund_id": field("metadata[refund_id]")}});
        self.refunds.push(refund.clone());
        (200, refund)
    }

    fn read(&self, path: &str, fields: &Fields) -> (u16, Value) {
        let about = |list: &[Value]| {
            let of = fields.get("payment_intent").cloned().unwrap_or_default();
            let data: Vec<Value> = list.iter().filter(|entry| entry["payment_intent"] == of).cloned().collect();
            (200, json!({"object": "list", "data": data}))
        };
        match path {
            "/v1/refunds" => about(&self.refunds),
            "/v1/disputes" => about(&self.disputes),
            "/v1/payment_intents/search" => {
                let query = fields.get("query").cloned().unwrap_or_default();
                let fits = |intent: &&Value| {
                    query == format!("metadata['payment_id']:'{}'", intent["metadata"]["payment_id"].as_str().unwrap())
                };
                let data: Vec<Value> = self.intents.iter().filter(fits).cloned().collect();
                (200, json!({"object": "search_result", "data": data}))
            }
            other => {
                let id = other.trim_start_matches("/v1/payment_intents/");
                match self.intents.iter().find(|intent| intent["id"] == id) {
                    Some(intent) => (200, intent.clone()),
                    None => (404, error("invalid_request_error", "resource_missing")),
                }
            }
        }
    }
}

#[async_trait]
impl HttpClient for FakeStripe {
    async fn send(&self, request: Request<Bytes>, _timeout: Duration) -> Result<Response<Bytes>, HttpError> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut account = self.account();
        let path = request.uri().path().to_owned();
        let asked = format!("{} {path} {}", request.method(), String::from_utf8_lossy(request.body()));
        let (status, body) = if header("authorization").as_deref() != Some("Bearer sk_test") {
            (401, error("invalid_request_error", "api_key_invalid"))
        } else if request.method() == http::Method::GET {
            let query = request.uri().query().unwrap_or_default().as_bytes();
            account.read(&path, &form_urlencoded::parse(query).into_owned().collect())
        } else if let Some(key) = header("idempotency-key") {
            assert_eq!(header("content-type").as_deref(), Some("application/x-www-form-urlencoded"));
            match account.keys.get(&key).cloned() {
                Some((before, ..)) if before != asked => (400, error("idempotency_error", "idempotency_key_reused")),
                Some((_, status, body)) => (status, body),
                None => {
                    let fields: Fields = form_urlencoded::parse(request.body()).into_owned().collect();
                    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
                    let (status, body) = match parts.as_slice() {
                        ["payment_intents"] => account.create(&fields),
                        ["payment_intents", id, step] => account.step(id, step, &fields),
                        ["refunds"] => account.refund(&fields),
                        _ => (404, error("invalid_request_error", "resource_missing")),
                    };
                    account.keys.insert(key, (asked, status, body.clone()));
                    (status, body)
                }
            }
        } else {
            (400, error("invalid_request_error", "no_key"))
        };
        if std::mem::take(&mut account.lose_next) {
            return Err(HttpError::Lost("cut".to_owned()));
        }
        Ok(Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
    }
}
