//! The routes, as callers see them.

use super::*;
use crate::fixtures::{House, NOW, ada, answered, bob, captured};
use ::http::{Method, Request};
use axum::body::Body;
use core::time::Duration;
use futures::executor::block_on;
use http_body_util::BodyExt;
use principal::IdempotencyKey;
use serde_json::{Value, json};
use tower::ServiceExt;

fn principal(user_id: UserId, scopes: &[&str], roles: &[&str]) -> Principal {
    Principal {
        subject: user_id.to_string(),
        session: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        assurance: 1,
        expires_at: NOW.parse().unwrap(),
    }
}

/// What the edge would have found.
fn prepared(request: &mut Request<Body>, caller: &Principal) {
    let key = request.headers().get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    request.extensions_mut().insert(caller.clone());
    if let Some(key) = key {
        let fingerprint = [7; 32];
        request.extensions_mut().insert(Idempotency { key: IdempotencyKey::new(&key).unwrap(), fingerprint });
    }
}

struct Seen {
    status: u16,
    headers: ::http::HeaderMap,
    json: Value,
}

fn ask_as(house: &House, caller: &Principal, method: Method, path: &str, key: Option<&str>, body: Value) -> Seen {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let mut request = request.body(body).unwrap();
    prepared(&mut request, caller);
    block_on(async {
        let response = public(house.webhooks.clone()).oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Seen { status, headers, json: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    })
}

fn ada_with_all() -> Principal {
    principal(ada(), &[READ, WRITE], &["user"])
}

fn post(house: &House, path: &str, key: &str, body: Value) -> Seen {
    ask_as(house, &ada_with_all(), Method::POST, path, Some(key), body)
}

fn get(house: &House, path: &str) -> Seen {
    ask_as(house, &ada_with_all(), Method::GET, path, None, Value::Null)
}

const ENDPOINTS: &str = "/v1/webhooks/endpoints";

fn created(house: &House, key: &str) -> (String, Seen) {
    let seen = post(house, ENDPOINTS, key, json!({ "url": "https://a.example.com/" }));
    assert_eq!(seen.status, 201, "{}", seen.json);
    (seen.headers["location"].to_str().unwrap().to_owned(), seen)
}

#[test]
fn the_document_and_the_routes_agree() {
    let house = House::new();
    created(&house, "k");
    let caller = ada_with_all();
    let scene = api_document::Scene::new(public(house.webhooks.clone()))
        .by(move |request: &mut Request<Body>| prepared(request, &caller));
    let check = api_document::Agreement::new(scene, api(), &[include_str!("mod.rs")]);
    let found = block_on(check.complaints());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn an_endpoint_is_made_once_shown_without_its_secret_and_its_secret_on_demand() {
    let house = House::new();
    let (path, first) = created(&house, "k1");
    let secret = first.json["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    let (again, repeated) = created(&house, "k1");
    assert_eq!((&again, &repeated.json["secret"]), (&path, &first.json["secret"]));
    let shown = get(&house, &path);
    assert_eq!((shown.status, shown.json.get("secret")), (200, None));
    assert_eq!(shown.json["enabled"], true);
    let secret_shown = get(&house, &format!("{path}/secret"));
    assert_eq!(secret_shown.json["secret"], secret);
    assert_eq!(secret_shown.headers["cache-control"], "no-store");
    let list = get(&house, ENDPOINTS);
    assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
    assert!(!list.json.to_string().contains("whsec_"));
}

#[test]
fn anothers_endpoint_is_none_whatever_is_tried() {
    let house = House::new();
    let (path, _) = created(&house, "k1");
    let bob = principal(bob(), &[READ, WRITE], &["user", "admin"]);
    for (method, rest, body) in [
        (Method::GET, "", Value::Null),
        (Method::GET, "/secret", Value::Null),
        (Method::GET, "/messages", Value::Null),
        (Method::GET, "/attempts", Value::Null),
        (Method::GET, "/messages/msg_0001hf9a7zj0e8vr5c2b4k6m8n9p", Value::Null),
        (Method::PATCH, "", json!({ "url": "https://b.example.com/" })),
        (Method::POST, "/enable", Value::Null),
        (Method::POST, "/disable", Value::Null),
        (Method::POST, "/test", Value::Null),
        (Method::POST, "/recover", json!({ "since": NOW })),
        (Method::POST, "/secret/rotate", Value::Null),
        (Method::POST, "/messages/msg_0001hf9a7zj0e8vr5c2b4k6m8n9p/resend", Value::Null),
        (Method::DELETE, "", Value::Null),
    ] {
        let seen = ask_as(&house, &bob, method.clone(), &format!("{path}{rest}"), Some("x"), body);
        assert_eq!(seen.status, 404, "{method} {rest}: {}", seen.json);
    }
    assert_eq!(get(&house, &path).status, 200);
}

#[test]
fn each_route_asks_for_its_scope_and_only_administrators_hear_of_everybody() {
    let house = House::new();
    let (path, _) = created(&house, "k1");
    let reader = principal(ada(), &[READ], &["user"]);
    for (method, rest) in [(Method::GET, "/secret"), (Method::POST, "/disable"), (Method::DELETE, "")] {
        assert_eq!(ask_as(&house, &reader, method, &format!("{path}{rest}"), None, Value::Null).status, 403);
    }
    assert_eq!(ask_as(&house, &reader, Method::GET, &path, None, Value::Null).status, 200);
    let all = json!({ "url": "https://a.example.com/", "all_accounts": true });
    assert_eq!(post(&house, ENDPOINTS, "k2", all.clone()).status, 403);
    let admin = principal(ada(), &[READ, WRITE], &["user", "admin"]);
    assert_eq!(ask_as(&house, &admin, Method::POST, ENDPOINTS, Some("k3"), all).status, 201);
}

#[test]
fn values_that_cannot_be_are_refused_by_name() {
    let house = House::new();
    for (body, field) in [
        (json!({ "url": "http://a.example.com/" }), "url"),
        (json!({ "url": "https://169.254.169.254/" }), "url"),
        (json!({ "url": "https://a.example.com/", "events": ["users.code.issued.v1"] }), "events"),
        (json!({ "url": "https://a.example.com/", "events": ["payments.payout.paid.v1"] }), "events"),
        (json!({ "url": "https://a.example.com/", "rate_per_s": 1000 }), "rate_per_s"),
        (json!({ "url": "https://a.example.com/", "secret": "short" }), "secret"),
        (json!({ "url": "https://a.example.com/", "description": "x".repeat(300) }), "description"),
        (json!({ "url": "https://a.example.com/", "owner": "usr_1" }), "owner"),
        (json!({}), "url"),
    ] {
        let seen = post(&house, ENDPOINTS, "k", body);
        assert_eq!((seen.status, seen.json["field"].as_str()), (422, Some(field)), "{}", seen.json);
    }
    let seen =
        ask_as(&house, &ada_with_all(), Method::POST, ENDPOINTS, None, json!({ "url": "https://a.example.com/" }));
    assert_eq!(seen.status, 428);
    assert_eq!(get(&house, &format!("{ENDPOINTS}?limit=0")).json["field"], "limit");
    assert_eq!(get(&house, &format!("{ENDPOINTS}?cursor=%FF")).json["field"], "cursor");
    assert_eq!(house.records.commits(), 0);
}

#[test]
fn an_account_has_at_most_twenty_and_a_repetition_is_none_too_many() {
    let house = House::new();
    for number in 0..20 {
        created(&house, &format!("k{number}"));
    }
    let seen = post(&house, ENDPOINTS, "k20", json!({ "url": "https://a.example.com/" }));
    assert_eq!((seen.status, &seen.json["type"]), (409, &"/problems/too-many-endpoints".into()));
    created(&house, "k7");
}

#[test]
fn a_change_is_conditional_and_leaves_what_it_does_not_name() {
    let house = House::new();
    let (path, _) = created(&house, "k1");
    let tag = get(&house, &path).headers["etag"].to_str().unwrap().to_owned();
    let patch = |tag: &str, body: Value| {
        let mut request = Request::patch(&path).header("if-match", tag).body(Body::from(body.to_string())).unwrap();
        prepared(&mut request, &ada_with_all());
        block_on(public(house.webhooks.clone()).oneshot(request)).unwrap().status().as_u16()
    };
    assert_eq!(patch(&tag, json!({ "description": "the shop", "rate_per_s": 5 })), 200);
    assert_eq!(patch(&tag, json!({ "ordered": true })), 412);
    let shown = get(&house, &path).json;
    assert_eq!(
        (&shown["description"], &shown["rate_per_s"], &shown["ordered"]),
        (&"the shop".into(), &5.into(), &false.into())
    );
    assert_eq!(patch("*", json!({ "description": "", "rate_per_s": 0 })), 200);
    let shown = get(&house, &path).json;
    assert_eq!((shown.get("description"), shown.get("rate_per_s")), (None, None));
}

#[test]
fn messages_and_tries_are_listed_page_by_page_with_request_and_answer() {
    let house = House::new();
    let (path, _) = created(&house, "k1");
    house.script(|_, before| (Duration::from_millis(30), answered(if before == 0 { 500 } else { 200 })));
    for number in 0..5 {
        house.hear(&captured(ada(), &format!("p{number}")));
        house.send();
    }
    house.send_for(Duration::from_secs(60));
    for what in ["messages", "attempts"] {
        let (mut seen, mut next) = (0, format!("{path}/{what}?limit=2"));
        loop {
            let page = get(&house, &next).json;
            seen += page["items"].as_array().unwrap().len();
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("{path}/{what}?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, if what == "messages" { 5 } else { 6 });
    }
    let oldest = get(&house, &format!("{path}/messages")).json["items"][4]["id"].as_str().unwrap().to_owned();
    let whole = get(&house, &format!("{path}/messages/{oldest}")).json;
    assert_eq!((&whole["state"], whole["attempts"].as_array().unwrap().len()), (&"delivered".into(), 2));
    assert_eq!(whole["payload"]["type"], "payments.payment.captured.v1");
    let first = &whole["attempts"][0];
    assert_eq!((&first["status"], &first["answer_body"], &first["took_ms"]), (&500.into(), &"seen".into(), &30.into()));
    let none = get(&house, &format!("{path}/messages/msg_0001hf9a7zj0e8vr5c2b4k6m8n9p"));
    assert_eq!(none.status, 404);
}

#[test]
fn nothing_is_tried_or_recovered_at_a_disabled_endpoint() {
    let house = House::new();
    let (path, _) = created(&house, "k1");
    assert_eq!(post(&house, &format!("{path}/disable"), "d", Value::Null).json["disabled_reason"], "owner");
    for (rest, body) in [("test", Value::Null), ("recover", json!({ "since": NOW }))] {
        let seen = post(&house, &format!("{path}/{rest}"), rest, body);
        assert_eq!((seen.status, &seen.json["type"]), (409, &"/problems/endpoint-disabled".into()));
    }
    assert_eq!(post(&house, &format!("{path}/enable"), "e", Value::Null).json["enabled"], true);
    assert_eq!(post(&house, &format!("{path}/test"), "t", Value::Null).status, 202);
    assert_eq!(ask_as(&house, &ada_with_all(), Method::DELETE, &path, None, Value::Null).status, 204);
    assert_eq!(get(&house, &path).status, 404);
}

#[test]
fn the_catalogue_is_open_and_lists_every_type() {
    let seen = get(&House::new(), "/v1/webhooks/event-types");
    assert_eq!(seen.status, 200);
    assert!(seen.json["event_types"].as_array().unwrap().len() > 30);
}

#[test]
fn a_store_that_is_gone_is_503_with_a_time_to_come_back() {
    let house = House::new();
    let (path, _) = created(&house, "k1");
    house.records.lose_everything();
    assert_eq!(get(&house, &path).json["type"], "/problems/unavailable");
}
