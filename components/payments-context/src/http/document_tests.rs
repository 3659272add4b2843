//! The document and the routes say the same: each operation's example is sent in a house where it succeeds.

use super::{api, ledger, public, reconciliation};
use crate::app::fixture::{House, NOTICE_SECRET};
use crate::notices::sign;
use ambient::Clock;
use api_document::{Agreement, Scene};
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use principal::{Idempotency, IdempotencyKey};
use serde_json::json;

/// A house as whoever entered it asks, with a key as the edge would have found it.
fn scene(house: &House) -> Scene {
    let caller = house.principal();
    let payments = || house.payments.clone();
    let routes = public(payments()).merge(ledger(payments())).merge(reconciliation(payments()));
    Scene::new(routes).by(move |request: &mut Request<Body>| {
        let key = request.headers().get("idempotency-key").and_then(|value| value.to_str().ok());
        let key = key.map(|text| IdempotencyKey::new(text).unwrap());
        let extensions = request.extensions_mut();
        extensions.insert(caller.clone());
        if let Some(key) = key {
            extensions.insert(Idempotency { key, fingerprint: [7; 32] });
        }
    })
}

/// The last part of a path.
fn named(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

/// A house with a merchant's money in it.
async fn with_money() -> House {
    let house = House::new();
    for number in 0..9 {
        let path = house.created(&format!("k{number}"), "tok_visa", "automatic").await;
        house.confirm(&path, &format!("c{number}")).await;
    }
    house.as_operator()
}

/// A reconciliation of nine charges with as many chunks of one line that says what our books say not, and its name.
async fn reconciling(chunks: usize) -> (House, String) {
    let house = with_money().await;
    let body = r#"{"provider":"sandbox","statement":"2026-01","from":"2026-01-01"}"#;
    let path = house.post("/v1/reconciliations", "r1", body).await.header("location").unwrap().to_owned();
    for chunk in 1..=chunks {
        let csv = "kind,reference,amount_minor,currency,state\ncharge,ch_1,900,EUR,captured\n";
        let seen = house.put(&format!("{path}/chunks/{chunk}"), &json!({ "csv": csv }).to_string()).await;
        assert_eq!(seen.status, 200, "{}", seen.text);
    }
    (house, named(&path))
}

/// What an operation needs to succeed.
async fn before(operation: String) -> Scene {
    let mut house = House::new();
    match operation.as_str() {
        "get_payment" | "confirm_payment" | "cancel_payment" => {
            let path = house.created("k1", "tok_visa", "automatic").await;
            scene(&house).knowing("id", named(&path))
        }
        "capture_payment" => {
            let path = house.authorized("k1").await;
            scene(&house).knowing("id", named(&path))
        }
        "refund_payment" => {
            house.scopes.push("payments:refund".to_owned());
            let path = house.created("k1", "tok_visa", "automatic").await;
            house.confirm(&path, "k2").await;
            scene(&house).knowing("id", named(&path))
        }
        "forget_payment_method" => {
            let saved = house.post("/v1/payment-methods", "k1", r#"{"token":"tok_visa"}"#).await.json();
            scene(&house).knowing("id", saved["id"].clone())
        }
        "take_notice" => {
            // The example, as the check sends it.
            let charge = json!({ "id": "chg_1", "reference": "pay_0001hf9a7zj0e8vr5c2b4k6m8n9p" });
            let body = json!({ "id": "evt_1", "charge": charge }).to_string();
            let signature = sign(NOTICE_SECRET, body.as_bytes(), house.clock.now());
            let signature = HeaderValue::from_str(&signature).unwrap();
            Scene::new(public(house.payments.clone()))
                .by(move |request| drop(request.headers_mut().insert("sandbox-signature", signature.clone())))
                .knowing("provider", "sandbox")
        }
        "reverse_entry" | "get_entry" | "create_payout" => scene(&with_money().await),
        "get_payout" | "move_payout" => {
            let house = with_money().await;
            let payout = house.post("/v1/ledger/payouts", "p1", r#"{"currency":"EUR"}"#).await.json();
            scene(&house).knowing("id", payout["id"].clone())
        }
        "create_reconciliation" | "get_verification" => scene(&house.as_operator()),
        "get_reconciliation" | "list_reconciliations" | "take_chunk" | "discard_reconciliation" => {
            let (house, id) = reconciling(0).await;
            scene(&house).knowing("id", id)
        }
        "close_reconciliation" => {
            let (house, id) = reconciling(1).await;
            scene(&house).knowing("id", id)
        }
        "list_differences" | "get_difference" | "resolve_difference" => {
            let (house, id) = reconciling(1).await;
            let seen = house.post(&format!("/v1/reconciliations/{id}/close"), "r2", "").await;
            assert_eq!(seen.gist(), (200, "closed".to_owned()));
            scene(&house).knowing("id", id)
        }
        name if name.contains("ledger") || name.contains("statement") || name.contains("payouts") => {
            scene(&with_money().await)
        }
        "list_notices" | "get_trial_balance" | "verify_journal" => scene(&house.as_operator()),
        _ => {
            house.created("k1", "tok_visa", "automatic").await;
            scene(&house)
        }
    }
}

#[tokio::test]
async fn the_document_and_the_routes_agree() {
    let check = Agreement::afresh(before, api(), &[include_str!("mod.rs")]);
    assert_eq!(check.complaints().await, Vec::<String>::new());
}
