//! What an account at Stripe holds, and what may become of it.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The fields of a form or a query.
pub(crate) type Fields = BTreeMap<String, String>;
/// A status and a document.
pub(crate) type Answer = (u16, Value);

/// PaymentIntents, refunds, disputes, and what each idempotency key was asked for and answered.
#[derive(Default)]
pub(crate) struct Account {
    pub intents: Vec<Value>,
    pub refunds: Vec<Value>,
    pub disputes: Vec<Value>,
    pub keys: BTreeMap<String, (String, Answer)>,
    events: u32,
}

/// An error as Stripe writes it.
pub(crate) fn error(kind: &str, code: &str) -> Value {
    json!({ "error": { "type": kind, "code": code, "message": "for people" } })
}

fn refused(code: &str) -> Answer {
    (400, error("invalid_request_error", code))
}

fn missing() -> Answer {
    (404, error("invalid_request_error", "resource_missing"))
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, member: &str) -> i64 {
    object.get(member).and_then(Value::as_i64).unwrap_or_default()
}

fn set(object: &mut Value, member: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(member.to_owned(), value);
    }
}

/// A whole number of Stripe's units, at least 1.
fn amount(fields: &Fields, name: &str) -> Option<i64> {
    fields.get(name)?.parse().ok().filter(|amount| *amount >= 1)
}

impl Account {
    /// `POST /v1/payment_intents` with `confirm=true`.
    pub fn create(&mut self, fields: &Fields) -> Answer {
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let Some(amount) = amount(fields, "amount") else { return refused("parameter_invalid_integer") };
        let is_code = |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase());
        if !is_code(field("currency")) || field("confirm") != "true" || field("payment_method_types[]") != "card" {
            return refused("parameter_missing");
        }
        let method = field("payment_method");
        let (status, why) = match (method, field("capture_method")) {
            ("pm_card_authenticationRequired", "automatic" | "manual") => ("requires_action", None),
            ("pm_card_chargeDeclined", "automatic" | "manual") => ("requires_payment_method", Some("generic_decline")),
            ("pm_card_chargeDeclinedInsufficientFunds", "automatic" | "manual") => {
                ("requires_payment_method", Some("insufficient_funds"))
            }
            ("pm_card_visa", "manual") => ("requires_capture", None),
            ("pm_card_visa", "automatic") => ("succeeded", None),
            _ => return refused("resource_missing"),
        };
        let mut intent = json!({
            "id": format!("pi_{}", self.intents.len() + 1), "object": "payment_intent", "amount": amount,
            "currency": field("currency"), "amount_received": if status == "succeeded" { amount } else { 0 },
            "capture_method": field("capture_method"), "status": status, "last_payment_error": null,
            "next_action": null, "metadata": { "payment_id": field("metadata[payment_id]") },
        });
        if status == "requires_action" {
            let redirect = json!({ "url": "https://hooks.stripe.com/3ds", "return_url": field("return_url") });
            set(&mut intent, "next_action", json!({ "type": "redirect_to_url", "redirect_to_url": redirect }));
        }
        let error = why.map(|why| json!({ "type": "card_error", "code": "card_declined", "decline_code": why }));
        if let Some(error) = &error {
            set(&mut intent, "last_payment_error", error.clone());
        }
        self.intents.push(intent.clone());
        match error {
            None => (200, intent),
            // A declined card is an error that carries the PaymentIntent which it left behind.
            Some(mut error) => {
                set(&mut error, "payment_intent", intent);
                (402, json!({ "error": error }))
            }
        }
    }

    /// `POST /v1/payment_intents/{id}/capture` and `…/cancel`.
    pub fn step(&mut self, id: &str, step: &str, fields: &Fields) -> Answer {
        let Some(intent) = self.intents.iter_mut().find(|intent| text(intent, "id") == id) else { return missing() };
        match (step, text(intent, "status")) {
            ("capture", "requires_capture") => {
                let all = number(intent, "amount");
                let Some(taken) = amount(fields, "amount_to_capture").filter(|taken| *taken <= all) else {
                    return refused("amount_too_large");
                };
                set(intent, "status", "succeeded".into());
                set(intent, "amount_received", taken.into());
            }
            ("cancel", "requires_capture" | "requires_action" | "requires_payment_method") => {
                set(intent, "status", "canceled".into());
            }
            _ => return refused("payment_intent_unexpected_state"),
        }
        (200, intent.clone())
    }

    /// `POST /v1/refunds`.
    pub fn refund(&mut self, fields: &Fields) -> Answer {
        let of = fields.get("payment_intent").map(String::as_str).unwrap_or_default();
        let Some(intent) = self.intents.iter().find(|intent| text(intent, "id") == of) else { return missing() };
        let Some(amount) = amount(fields, "amount") else { return refused("parameter_invalid_integer") };
        let theirs = self.refunds.iter().filter(|refund| text(refund, "payment_intent") == of);
        let given: i64 = theirs.map(|refund| number(refund, "amount")).sum();
        if given + amount > number(intent, "amount_received") {
            return refused("charge_already_refunded");
        }
        if self.disputes.iter().any(|dispute| text(dispute, "payment_intent") == of && text(dispute, "status") != "won")
        {
            return refused("charge_disputed");
        }
        let refund = json!({
            "id": format!("re_{}", self.refunds.len() + 1), "object": "refund", "amount": amount,
            "currency": text(intent, "currency"), "payment_intent": of, "status": "succeeded",
            "reason": fields.get("reason"),
            "metadata": { "refund_id": fields.get("metadata[refund_id]").cloned().unwrap_or_default() },
        });
        self.refunds.push(refund.clone());
        (200, refund)
    }

    /// Everything that only reads.
    pub fn read(&self, path: &str, fields: &Fields) -> Answer {
        let of = fields.get("payment_intent").cloned().unwrap_or_default();
        let limit: usize = fields.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
        // Newest first, as every list of Stripe's.
        let about = |list: &[Value]| {
            let theirs = list.iter().rev().filter(|object| text(object, "payment_intent") == of);
            (200, json!({ "object": "list", "data": theirs.take(limit).cloned().collect::<Vec<_>>() }))
        };
        match path {
            "/v1/refunds" => about(&self.refunds),
            "/v1/disputes" => about(&self.disputes),
            "/v1/payment_intents/search" => {
                let query = fields.get("query").cloned().unwrap_or_default();
                let fits = |intent: &&Value| {
                    let payment = intent.pointer("/metadata/payment_id").and_then(Value::as_str).unwrap_or_default();
                    query == format!("metadata['payment_id']:'{payment}'")
                };
                let found: Vec<Value> = self.intents.iter().filter(fits).take(limit).cloned().collect();
                (200, json!({ "object": "search_result", "data": found }))
            }
            other => {
                let id = other.trim_start_matches("/v1/payment_intents/");
                let found = self.intents.iter().find(|intent| text(intent, "id") == id);
                found.map_or_else(missing, |intent| (200, intent.clone()))
            }
        }
    }

    /// The payer proves who they are; the event that tells it.
    pub fn authenticate(&mut self, id: &str, success: bool) -> Option<Value> {
        let intent = self.intents.iter_mut().find(|intent| text(intent, "id") == id)?;
        if text(intent, "status") != "requires_action" {
            return None;
        }
        let (status, word) = match (success, text(intent, "capture_method")) {
            (false, _) => ("requires_payment_method", "payment_failed"),
            (true, "manual") => ("requires_capture", "amount_capturable_updated"),
            (true, _) => ("succeeded", "succeeded"),
        };
        if !success {
            let error = json!({ "type": "invalid_request_error", "code": "payment_intent_authentication_failure" });
            set(intent, "last_payment_error", error);
        }
        let taken = if status == "succeeded" { number(intent, "amount") } else { 0 };
        set(intent, "amount_received", taken.into());
        set(intent, "status", status.into());
        set(intent, "next_action", Value::Null);
        let intent = intent.clone();
        Some(self.event(&format!("payment_intent.{word}"), &intent))
    }

    /// A dispute over all that was taken is opened, or moved on; the event that tells it.
    pub fn dispute(&mut self, id: &str, status: &str) -> Option<Value> {
        let intent = self.intents.iter().find(|intent| text(intent, "id") == id)?;
        let (amount, currency) = (number(intent, "amount_received"), text(intent, "currency").to_owned());
        let known = self.disputes.iter().position(|dispute| text(dispute, "payment_intent") == id);
        let name = known.unwrap_or(self.disputes.len()) + 1;
        let dispute = json!({
            "id": format!("dp_{name}"), "object": "dispute", "payment_intent": id, "amount": amount,
            "currency": currency, "reason": "fraudulent", "status": status, "metadata": {},
        });
        match known.and_then(|place| self.disputes.get_mut(place)) {
            Some(before) => *before = dispute.clone(),
            None => self.disputes.push(dispute.clone()),
        }
        let word = match status {
            "won" | "lost" => "closed",
            _ if known.is_some() => "updated",
            _ => "created",
        };
        Some(self.event(&format!("charge.dispute.{word}"), &dispute))
    }

    /// An event about an object as it is now.
    pub fn event(&mut self, kind: &str, object: &Value) -> Value {
        self.events += 1;
        json!({
            "id": format!("evt_{}", self.events), "object": "event", "api_version": super::VERSION, "type": kind,
            "data": { "object": object },
        })
    }
}
