//! Requests as they come in: who asks, in which version, how encoded, under which key, with which parameters.

use crate::account::{Account, Answer, Fields, error};
use crate::{KEY, VERSION};
use serde_json::Value;
use support::http::Asked;

/// The parameters that each route takes here; `metadata[…]` besides. Stripe refuses any other.
const PARAMETERS: [(&str, &[&str]); 4] = [
    (
        "payment_intents",
        &["amount", "currency", "payment_method", "payment_method_types[]", "capture_method", "confirm", "return_url"],
    ),
    ("capture", &["amount_to_capture"]),
    ("cancel", &["cancellation_reason"]),
    ("refunds", &["payment_intent", "amount", "reason"]),
];
/// The words that a refund's reason may be.
const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// The answer to a request, and the event that it causes.
pub(crate) fn answer(account: &mut Account, asked: &Asked) -> (Answer, Option<Value>) {
    if asked.header("authorization") != Some(&format!("Bearer {KEY}")) {
        return ((401, error("invalid_request_error", "api_key_invalid")), None);
    }
    if asked.header("stripe-version") != Some(VERSION) {
        return ((400, error("invalid_request_error", "api_version_unknown")), None);
    }
    if asked.method == "GET" {
        return (account.read(asked.path(), &fields(asked.query().as_bytes())), None);
    }
    if asked.header("content-type") != Some("application/x-www-form-urlencoded") {
        return ((400, error("invalid_request_error", "content_type_invalid")), None);
    }
    // Stripe takes requests without a key; for ours that would be a mistake.
    let Some(key) = asked.header("idempotency-key").filter(|key| (1..=255).contains(&key.len())) else {
        return ((400, error("idempotency_error", "idempotency_key_missing")), None);
    };
    let request = format!("{} {}", asked.path(), String::from_utf8_lossy(&asked.body));
    if let Some((before, answer)) = account.keys.get(key) {
        let same = *before == request;
        let reused = || (400, error("idempotency_error", "idempotency_key_reused"));
        return (if same { answer.clone() } else { reused() }, None);
    }
    let answer = change(account, asked.path(), &fields(&asked.body));
    account.keys.insert(key.to_owned(), (request, answer.clone()));
    let event = event(account, &answer);
    (answer, event)
}

fn fields(text: &[u8]) -> Fields {
    form_urlencoded::parse(text).into_owned().collect()
}

fn change(account: &mut Account, path: &str, fields: &Fields) -> Answer {
    let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
    let known = PARAMETERS.iter().find(|(route, _)| parts.last() == Some(route)).map_or(&[][..], |(_, known)| known);
    if fields.keys().any(|name| !known.contains(&name.as_str()) && !name.starts_with("metadata[")) {
        return (400, error("invalid_request_error", "parameter_unknown"));
    }
    if fields.get("reason").is_some_and(|reason| !REASONS.contains(&reason.as_str())) {
        return (400, error("invalid_request_error", "parameter_invalid_string"));
    }
    match parts.as_slice() {
        ["payment_intents"] => account.create(fields),
        ["payment_intents", id, step] => account.step(id, step, fields),
        ["refunds"] => account.refund(fields),
        _ => (404, error("invalid_request_error", "url_invalid")),
    }
}

/// What Stripe tells about a change that it has carried out.
fn event(account: &mut Account, answer: &Answer) -> Option<Value> {
    let (_, object) = answer;
    let intent = object.pointer("/error/payment_intent").unwrap_or(object).clone();
    let word = |member: &str| intent.get(member).and_then(Value::as_str).unwrap_or_default();
    let kind = match (word("object"), word("status")) {
        ("payment_intent", "succeeded") => "payment_intent.succeeded",
        ("payment_intent", "requires_capture") => "payment_intent.amount_capturable_updated",
        ("payment_intent", "requires_action") => "payment_intent.requires_action",
        ("payment_intent", "canceled") => "payment_intent.canceled",
        ("payment_intent", _) => "payment_intent.payment_failed",
        ("refund", _) => "refund.created",
        _ => return None,
    };
    Some(account.event(kind, &intent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str, key: &str, body: &str) -> Asked {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Asked {
            method: "POST".to_owned(),
            target: path.to_owned(),
            headers: vec![
                header("authorization", &format!("Bearer {KEY}")),
                header("stripe-version", VERSION),
                header("content-type", "application/x-www-form-urlencoded"),
                header("idempotency-key", key),
            ],
            body: body.as_bytes().to_vec(),
        }
    }

    const CREATE: &str = "amount=1099&currency=eur&payment_method=pm_card_visa&payment_method_types%5B%5D=card\
        &capture_method=automatic&confirm=true&metadata%5Bpayment_id%5D=pay_1";

    #[test]
    fn a_key_is_one_request_with_one_answer() {
        let mut account = Account::default();
        let first = answer(&mut account, &post("/v1/payment_intents", "k1", CREATE));
        assert_eq!((first.0.0, first.1.is_some()), (200, true));
        let again = answer(&mut account, &post("/v1/payment_intents", "k1", CREATE));
        assert_eq!((again.0, again.1), (first.0, None));
        let other = answer(&mut account, &post("/v1/payment_intents", "k1", &CREATE.replace("1099", "1")));
        assert_eq!(other.0.1["error"]["type"], "idempotency_error");
        assert_eq!(account.intents.len(), 1);
    }

    #[test]
    fn what_stripe_would_refuse_is_refused() {
        let mut account = Account::default();
        for (body, code) in [
            (CREATE.replace("amount=1099", "amount=10.99"), "parameter_invalid_integer"),
            (CREATE.replace("eur", "EUR"), "parameter_missing"),
            (format!("{CREATE}&card=4"), "parameter_unknown"),
            (CREATE.replace("pm_card_visa", "tok_visa"), "resource_missing"),
        ] {
            let ((status, found), _) = answer(&mut account, &post("/v1/payment_intents", &body, &body));
            assert_eq!((status, found["error"]["code"].as_str()), (400, Some(code)), "{body}");
        }
        for name in ["authorization", "stripe-version", "content-type", "idempotency-key"] {
            let mut asked = post("/v1/payment_intents", "k", CREATE);
            asked.headers.retain(|(known, _)| known != name);
            assert!(answer(&mut account, &asked).0.0 >= 400, "without {name}");
        }
        assert_eq!(account.intents.len(), 0);
    }

    #[test]
    fn no_more_is_given_back_than_was_taken_of_each_intent() {
        let mut account = Account::default();
        for key in ["k1", "k2"] {
            answer(&mut account, &post("/v1/payment_intents", key, CREATE));
        }
        let refund = |intent: &str, amount: u32| format!("payment_intent={intent}&amount={amount}");
        let mut ask = |key: &str, body: String| answer(&mut account, &post("/v1/refunds", key, &body)).0.0;
        assert_eq!(ask("r1", refund("pi_1", 1000)), 200);
        assert_eq!(ask("r2", refund("pi_1", 100)), 400);
        assert_eq!(ask("r3", refund("pi_2", 1099)), 200);
        assert_eq!(ask("r4", refund("pi_3", 1)), 404);
    }
}
