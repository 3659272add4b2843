//! The routes as callers see them.

use super::*;
use crate::app::{Delivered, Mark};
use crate::domain::{Kind, SendOutcome};
use crate::fixtures::{House, NOW, ada, bob, captured, meta as now_of, registered, seals};
use ::http::{Method, Request, header};
use ambient::CountedRandom;
use axum::body::Body;
use axum::response::Response;
use futures::executor::block_on;
use http_body_util::BodyExt;
use ids::NotificationId;
use serde_json::{Value, json};
use tower::ServiceExt;

const PASSWORD: &str = "a password of the tests";

fn state(house: &House) -> Notifications {
    Notifications {
        records: Arc::new(house.records.clone()),
        clock: Arc::new(house.clock.clone()),
        random: Arc::new(CountedRandom::default()),
        seals: seals(),
        notices: Arc::new(NoticeSecrets {
            password: PASSWORD.into(),
            twilio_token: "token".into(),
            public_url: "https://spindrift.example".into(),
        }),
    }
}

fn principal(user_id: UserId, scopes: &[&str]) -> Principal {
    Principal {
        subject: user_id.to_string(),
        session: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        roles: vec!["user".into()],
        assurance: 1,
        expires_at: NOW.parse().unwrap(),
    }
}

fn ask_as(house: &House, caller: Option<Principal>, method: Method, path: &str) -> (u16, Value) {
    let state = state(house);
    let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(scope());
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    block_on(async {
        let response = public(state).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    })
}

fn scope() -> RequestScope {
    RequestScope { trace: principal::TraceId::from_bytes([7; 16]), deadline: NOW.parse().unwrap() }
}

fn basic(password: &str) -> String {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("spindrift:{password}"));
    format!("Basic {encoded}")
}

/// Sends a request with a body; status, body, and whether its headers hold these.
fn send(house: &House, caller: Option<Principal>, request: ::http::request::Builder, body: &str) -> (Response, String) {
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(scope());
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    block_on(async {
        let response = public(state(house)).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        (Response::from_parts(parts, Body::empty()), text)
    })
}

fn put(house: &House, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::put(path).header("content-type", "application/json");
    let (response, text) = send(house, Some(principal(ada(), &[READ, WRITE])), request, &body.to_string());
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn operator() -> Principal {
    let mut operator = principal(bob(), &[]);
    operator.roles.push(OPERATOR.to_owned());
    operator
}

fn ask(house: &House, user_id: UserId, method: Method, path: &str) -> (u16, Value) {
    ask_as(house, Some(principal(user_id, &[READ, WRITE])), method, path)
}

/// A house where Ada has a welcome and some receipts.
fn lived_in(receipts: usize) -> House {
    let house = House::new();
    house.hear(&registered(ada()));
    for n in 0..receipts {
        house.clock.advance_ms(1000);
        house.hear(&captured(ada(), &format!("p{n}")));
    }
    house
}

#[test]
fn the_document_and_the_routes_agree() {
    let house = lived_in(1);
    let mut caller = principal(ada(), &[READ, WRITE]);
    caller.roles.push(OPERATOR.to_owned());
    let authorization = basic(PASSWORD);
    let scene = api_document::Scene::new(public(state(&house)))
        .by(move |request| {
            request.extensions_mut().insert(caller.clone());
            request.extensions_mut().insert(scope());
            request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
        })
        .knowing("token", seals().unsubscribe_token(ada(), Kind::PaymentReceipt))
        .knowing("code", "000001");
    let tables = [include_str!("mod.rs")];
    let check = api_document::Agreement::new(scene, <Api as utoipa::OpenApi>::openapi(), &tables);
    let found: Vec<_> = block_on(check.complaints())
        .into_iter()
        // A code that was never sent is refused, as it should be.
        .filter(|complaint| !complaint.contains("phone/confirm"))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_inbox_and_one_message_look_like_this() {
    let house = lived_in(1);
    let (status, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    assert_eq!(status, 200);
    let id = page["items"][0]["id"].as_str().unwrap().to_owned();
    let (_, one) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/{id}"));
    insta::assert_json_snapshot!(json!({ "page": page, "one": one }));
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let house = lived_in(6);
    let (mut seen, mut path) = (Vec::new(), "/v1/notifications?limit=3".to_owned());
    loop {
        let (status, page) = ask(&house, ada(), Method::GET, &path);
        assert_eq!(status, 200, "{page}");
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["created_at"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/notifications?limit=3&cursor={cursor}");
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
}

#[test]
fn a_message_is_not_sent_again_to_who_has_it_and_not_changed_by_who_read_another() {
    let house = lived_in(0);
    let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    let path = format!("/v1/notifications/{}", page["items"][0]["id"].as_str().unwrap());
    let send = |method: Method, path: String, if_match: Option<&str>| {
        let state = state(&house);
        let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(principal(ada(), &[READ, WRITE]));
        request.extensions_mut().insert(scope());
        if let Some(tag) = if_match {
            request.headers_mut().insert("if-match", tag.parse().unwrap());
        }
        block_on(public(state).oneshot(request)).unwrap()
    };
    let tag = |response: &Response| response.headers()["etag"].to_str().unwrap().to_owned();
    let first = tag(&send(Method::GET, path.clone(), None));
    assert_eq!(first, "\"1.1\"");
    assert_eq!(send(Method::POST, format!("{path}/read"), Some("\"1.7\"")).status(), 412);
    assert_eq!(tag(&send(Method::GET, path.clone(), None)), first, "nothing changed");
    assert_eq!(send(Method::POST, format!("{path}/read"), Some(&first)).status(), 204);
    assert_ne!(tag(&send(Method::GET, path.clone(), None)), first);
    assert_eq!(send(Method::POST, format!("{path}/read"), Some(&first)).status(), 412, "it changed since");
}

#[test]
fn reading_twice_counts_once() {
    let house = lived_in(1);
    let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    let id = page["items"][0]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        assert_eq!(ask(&house, ada(), Method::POST, &format!("/v1/notifications/{id}/read")).0, 204);
    }
    let (_, count) = ask(&house, ada(), Method::GET, "/v1/notifications/unread-count");
    assert_eq!(count, json!({ "unread": 1 }));
    let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    let read: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["read"].as_bool().unwrap()).collect();
    assert_eq!(read, [true, false]);
    assert_eq!(house.said().iter().filter(|kind| kind.contains("read")).count(), 1);
}

#[test]
fn a_message_of_somebody_else_and_one_that_never_was_answer_alike() {
    let house = lived_in(0);
    let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    let theirs = page["items"][0]["id"].as_str().unwrap().to_owned();
    let never = NotificationId::derived(0, &[b"never"]).to_string();
    for id in [theirs.as_str(), never.as_str(), "nonsense"] {
        let shown = ask(&house, bob(), Method::GET, &format!("/v1/notifications/{id}"));
        let read = ask(&house, bob(), Method::POST, &format!("/v1/notifications/{id}/read"));
        assert_eq!((shown.0, read.0), (404, 404), "{id}");
        assert_eq!(shown.1, read.1);
    }
    let (_, count) = ask(&house, ada(), Method::GET, "/v1/notifications/unread-count");
    assert_eq!(count["unread"], 1);
}

#[test]
fn nobody_gets_in_without_a_token_or_the_scope() {
    let house = lived_in(0);
    let id = NotificationId::derived(0, &[b"n"]);
    for (method, path, scope) in [
        (Method::GET, "/v1/notifications".to_owned(), WRITE),
        (Method::GET, "/v1/notifications/unread-count".to_owned(), WRITE),
        (Method::GET, format!("/v1/notifications/{id}"), WRITE),
        (Method::POST, format!("/v1/notifications/{id}/read"), READ),
    ] {
        assert_eq!(ask_as(&house, None, method.clone(), &path).0, 401, "{path}");
        assert_eq!(ask_as(&house, Some(principal(ada(), &[scope])), method, &path).0, 403, "{path}");
    }
}

#[test]
fn a_limit_or_cursor_that_cannot_be_is_refused_by_name() {
    let house = lived_in(0);
    for (query, status, field) in [
        ("limit=0", 422, "limit"),
        ("limit=101", 422, "limit"),
        ("cursor=%FF%00", 422, "cursor"),
        ("status=lost", 422, "status"),
        ("kind=newsletter", 422, "kind"),
        ("limit=many", 400, ""),
    ] {
        let (found, problem) = ask(&house, ada(), Method::GET, &format!("/v1/notifications?{query}"));
        assert_eq!(found, status, "{query}: {problem}");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field);
    }
}

#[test]
fn a_store_that_is_gone_is_503_with_a_time_to_come_back() {
    let house = lived_in(0);
    let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    let id = page["items"][0]["id"].as_str().unwrap().to_owned();
    house.records.lose_everything();
    let (status, problem) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/{id}"));
    assert_eq!((status, problem["type"].as_str()), (503, Some("/problems/unavailable")));
}

#[test]
fn what_is_put_away_counts_as_read_and_lies_elsewhere() {
    let house = lived_in(2);
    let unread = |house: &House| ask(house, ada(), Method::GET, "/v1/notifications/unread-count").1["unread"].clone();
    let titles = |house: &House, query: &str| -> Vec<String> {
        let (status, page) = ask(house, ada(), Method::GET, &format!("/v1/notifications?{query}"));
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    };
    let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    let id = page["items"][0]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        assert_eq!(ask(&house, ada(), Method::POST, &format!("/v1/notifications/{id}/archive")).0, 204);
    }
    assert_eq!((unread(&house), titles(&house, "").len(), titles(&house, "status=archived").len()), (json!(2), 2, 1));
    assert_eq!(house.said().iter().filter(|kind| kind.contains("read")).count(), 1, "told as read, once");
    let (_, one) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/{id}"));
    assert!(one["read"] == true && one["archived_at"].is_string(), "{one}");
    for _ in 0..2 {
        assert_eq!(ask(&house, ada(), Method::POST, &format!("/v1/notifications/{id}/restore")).0, 204);
    }
    assert_eq!((unread(&house), titles(&house, "").len(), titles(&house, "status=archived").len()), (json!(2), 3, 0));
    assert_eq!(titles(&house, "status=unread").len(), 2);
    assert_eq!(titles(&house, "kind=welcome"), ["Welcome to Spindrift"]);
    assert_eq!(ask(&house, bob(), Method::POST, &format!("/v1/notifications/{id}/archive")).0, 404);
}

#[test]
fn pages_of_one_kind_follow_each_other_too() {
    let house = lived_in(7);
    let (mut seen, mut path) = (Vec::new(), "/v1/notifications?limit=3&kind=payment_receipt".to_owned());
    loop {
        let (_, page) = ask(&house, ada(), Method::GET, &path);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/notifications?limit=3&kind=payment_receipt&cursor={cursor}");
    }
    assert_eq!(seen.len(), 7);
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[test]
fn preferences_are_what_was_said_and_what_follows() {
    let house = lived_in(0);
    let path = "/v1/notifications/preferences";
    let (response, _) = send(&house, Some(principal(ada(), &[READ])), Request::get(path), "");
    assert_eq!(response.headers()["etag"], "\"0.0\"");
    let said = json!({ "channels": { "email": false }, "categories": { "payout": { "email": true } } });
    let (status, answer) = put(&house, path, &said);
    assert_eq!((status, &answer["preferences"]), (200, &said));
    let rule = |category: &str, channel: &str| {
        let all = answer["effective"].as_array().unwrap();
        let found = all.iter().find(|rule| rule["category"] == category && rule["channel"] == channel).unwrap();
        (found["enabled"].as_bool().unwrap(), found["decided_by"].as_str().unwrap().to_owned())
    };
    assert_eq!(rule("payout", "email"), (true, "category".into()));
    assert_eq!(rule("payment_receipt", "email"), (false, "channel".into()));
    assert_eq!(rule("security", "email"), (true, "critical".into()));
    assert_eq!(rule("security", "sms"), (false, "critical".into()), "there is no telephone");
    let (status, problem) = put(&house, path, &json!({ "zone": "Middle/Earth" }));
    assert_eq!((status, problem["field"].as_str()), (422, Some("zone")));
    // Who read another version replaces nothing.
    let request = Request::put(path).header("content-type", "application/json").header("if-match", "\"0.0\"");
    let (response, _) = send(&house, Some(principal(ada(), &[WRITE])), request, "{}");
    assert_eq!(response.status(), 412);
}

#[test]
fn a_telephone_is_proven_by_its_code_before_it_gets_anything() {
    let house = lived_in(0);
    let number = "+4915112345678";
    assert_eq!(put(&house, "/v1/notifications/phone", &json!({ "number": "0151" })).0, 422);
    assert_eq!(put(&house, "/v1/notifications/phone", &json!({ "number": number })).0, 202);
    house.deliver();
    let calls = house.phones.calls.lock().unwrap().clone();
    assert_eq!((calls.len(), calls[0].1.as_str()), (1, number));
    let code: String = calls[0].2.chars().filter(char::is_ascii_digit).take(6).collect();
    let confirm = |code: &str| {
        let request = Request::post("/v1/notifications/phone/confirm").header("content-type", "application/json");
        let body = json!({ "code": code }).to_string();
        send(&house, Some(principal(ada(), &[WRITE])), request, &body).0.status().as_u16()
    };
    assert_eq!(confirm("999999"), 422);
    assert_eq!(confirm(&code), 204);
    assert_eq!(confirm(&code), 422, "once");
    let (_, shown) = ask(&house, ada(), Method::GET, "/v1/notifications/preferences");
    assert_eq!(shown["phone"], number);
    for _ in 0..2 {
        assert_eq!(put(&house, "/v1/notifications/phone", &json!({ "number": number })).0, 202);
    }
    assert_eq!(put(&house, "/v1/notifications/phone", &json!({ "number": number })).0, 429, "three an hour");
    assert_eq!(ask(&house, ada(), Method::DELETE, "/v1/notifications/phone").0, 204);
    assert!(ask(&house, ada(), Method::GET, "/v1/notifications/preferences").1["phone"].is_null());
}

#[test]
fn the_link_of_a_letter_asks_and_one_click_turns_it_off() {
    let house = lived_in(1);
    house.deliver();
    let links: Vec<_> = house.mailbox.letters.lock().unwrap().iter().filter_map(|letter| letter.2.clone()).collect();
    assert_eq!(links.len(), 2, "the welcome and the receipt");
    let link = links.iter().find(|link| link.contains("payment_receipt")).unwrap();
    let path = link.strip_prefix("https://spindrift.example").unwrap();
    let (response, page) = send(&house, None, Request::get(path), "");
    assert_eq!(response.status(), 200);
    assert!(page.contains("<form method=\"post\">") && !page.contains("<script"), "{page}");
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));
    house.hear(&captured(ada(), "after-asking"));
    assert_eq!(house.deliver().len(), 1, "asking changes nothing");
    for _ in 0..2 {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let (response, page) = send(&house, None, request, "List-Unsubscribe=One-Click");
        assert!(response.status() == 200 && !page.contains("<form"), "{page}");
    }
    house.hear(&captured(ada(), "after-the-click"));
    assert_eq!(house.deliver(), []);
    let forged = path.replace("payment_receipt", "payout");
    for method in [Method::GET, Method::POST] {
        let request = Request::builder().method(method).uri(&forged);
        assert_eq!(send(&house, None, request, "").0.status(), 404);
    }
    let critical = format!("/v1/notifications/unsubscribe/{}", seals().unsubscribe_token(ada(), Kind::Security));
    assert_eq!(send(&house, None, Request::post(&critical), "").0.status(), 404);
}

/// The letters that went out, by their names.
fn sent(house: &House) -> Vec<String> {
    house.mailbox.calls.lock().unwrap().iter().map(|call| call.0.clone()).collect()
}

fn told(house: &House, provider: &str, body: &Value, authorization: &str) -> u16 {
    let request = Request::post(format!("/v1/notifications/providers/{provider}/notices"))
        .header("content-type", "application/json")
        .header("authorization", authorization);
    send(house, None, request, &body.to_string()).0.status().as_u16()
}

#[test]
fn who_comes_back_for_good_gets_nothing_until_an_operator_lifts_it() {
    let house = lived_in(0);
    house.deliver();
    let id = sent(&house).remove(0);
    let notice = json!({ "message": id, "what": "bounced", "for_good": true });
    for wrong in ["", "Bearer x", &basic("another"), "Basic !!!", &basic("")] {
        assert_eq!(told(&house, "generic", &notice, wrong), 401, "{wrong}");
    }
    for _ in 0..2 {
        assert_eq!(told(&house, "generic", &notice, &basic(PASSWORD)), 204);
    }
    let (_, one) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/messages/{id}"));
    assert_eq!(one["state"], "bounced");
    assert_eq!(one["log"].as_array().unwrap().iter().filter(|row| row["what"] == "bounced").count(), 1);
    house.hear(&captured(ada(), "to-a-dead-address"));
    assert_eq!(house.deliver(), [Ok(Delivered::Nothing)]);
    assert_eq!(sent(&house).len(), 1);

    let (status, list) = ask_as(&house, Some(operator()), Method::GET, "/v1/notifications/suppressions");
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!(list["items"][0]["hint"], "a…@example.com");
    assert!(!list.to_string().contains("ada@"), "{list}");
    let path = format!("/v1/notifications/suppressions/{}", list["items"][0]["id"].as_str().unwrap());
    assert_eq!(ask_as(&house, Some(operator()), Method::DELETE, &path).0, 204);
    assert_eq!(ask_as(&house, Some(operator()), Method::DELETE, &path).0, 404);
    house.hear(&captured(ada(), "to-a-living-address"));
    house.deliver();
    assert_eq!(sent(&house).len(), 2);
}

#[test]
fn postmark_tells_in_its_own_words() {
    let house = lived_in(0);
    house.deliver();
    let id = sent(&house).remove(0);
    let metadata = json!({ "message": id });
    let state_of =
        |house: &House| ask(house, ada(), Method::GET, &format!("/v1/notifications/messages/{id}")).1["state"].clone();
    let transient = json!({ "RecordType": "Bounce", "Type": "Transient", "Inactive": false, "Metadata": metadata });
    assert_eq!(told(&house, "postmark", &transient, &basic(PASSWORD)), 204);
    assert_eq!(state_of(&house), "sent");
    let opened = json!({ "RecordType": "Open", "Metadata": metadata, "Client": { "Name": "x" } });
    assert_eq!(told(&house, "postmark", &opened, &basic(PASSWORD)), 204);
    let other =
        json!({ "RecordType": "Bounce", "Type": "HardBounce", "Inactive": true, "Metadata": { "user_id": "43" } });
    assert_eq!(told(&house, "postmark", &other, &basic(PASSWORD)), 204, "another system's letter");
    assert_eq!(told(&house, "postmark", &json!({ "ID": 1 }), &basic(PASSWORD)), 400);
    let bounce = json!({
        "RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Metadata": metadata, "Email": "ada@example.com",
        "BouncedAt": "2026-01-01T00:00:00Z", "DumpAvailable": true, "Inactive": true, "CanActivate": true,
    });
    assert_eq!(told(&house, "postmark", &bounce, &basic("wrong")), 401);
    assert_eq!(told(&house, "postmark", &bounce, &basic(PASSWORD)), 204);
    assert_eq!(state_of(&house), "bounced");
}

#[test]
fn twilio_is_believed_by_its_signature_over_the_address_that_it_was_given() {
    let house = lived_in(0);
    let id = NotificationId::derived(0, &[b"n"]);
    let path = format!("/v1/notifications/providers/twilio/notices?message={id}");
    let form = "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005&To=%2B4915112345678";
    let pairs: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let url = format!("https://spindrift.example{path}");
    let post = |path: &str, signature: &str| {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", signature);
        send(&house, None, request, form).0.status().as_u16()
    };
    let signature = twilio_signature_of("token", &url, &pairs);
    assert_eq!(post(&path, &signature), 204);
    assert_eq!(post(&path, &twilio_signature_of("another", &url, &pairs)), 401);
    assert_eq!(post(&path.replace("twilio/notices?message=ntf", "twilio/notices?message=x"), &signature), 401);
    assert_eq!(post("/v1/notifications/providers/nobody/notices", &signature), 404);
}

fn twilio_signature_of(token: &str, url: &str, pairs: &[(String, String)]) -> String {
    crate::providers::twilio_signature(token, url, pairs)
}

#[test]
fn the_log_answers_why_somebody_did_not_get_it_to_them_and_to_operators() {
    let house = lived_in(0);
    house.deliver();
    assert_eq!(put(&house, "/v1/notifications/preferences", &json!({ "channels": { "email": false } })).0, 200);
    house.hear(&captured(ada(), "p1"));
    house.clock.advance_ms(1000);
    let (status, page) = ask(&house, ada(), Method::GET, "/v1/notifications/messages?limit=2");
    assert_eq!((status, page["items"].as_array().unwrap().len()), (200, 2));
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, rest) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/messages?limit=2&cursor={cursor}"));
    assert_eq!(rest["items"].as_array().unwrap().len(), 2, "two of the welcome");
    let all: Vec<_> = [&page, &rest].iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    let skipped = all.iter().find(|line| line["state"] == "skipped").unwrap();
    assert_eq!((skipped["channel"].as_str(), skipped["kind"].as_str()), (Some("email"), Some("payment_receipt")));
    let path = format!("/v1/notifications/messages/{}", skipped["id"].as_str().unwrap());
    let (_, one) = ask(&house, ada(), Method::GET, &path);
    assert_eq!((one["reason"].as_str(), one["template_version"].as_u64()), (Some("preference: channel"), Some(2)));
    assert_eq!((one["to"].as_str(), one["locale"].as_str()), (Some("ada@example.com"), Some("en")));
    let rows: Vec<_> = one["log"].as_array().unwrap().iter().map(|row| row["what"].as_str().unwrap()).collect();
    assert_eq!(rows, ["created", "turned_off"]);
    assert_eq!(ask(&house, bob(), Method::GET, &path).0, 404);

    let theirs = format!("/v1/notifications/users/{}/messages", ada());
    let (status, page) = ask_as(&house, Some(operator()), Method::GET, &theirs);
    assert_eq!((status, page["items"].as_array().unwrap().len()), (200, 4));
    let one = ask_as(&house, Some(operator()), Method::GET, &format!("{theirs}/{}", skipped["id"].as_str().unwrap())).1;
    assert!(one["to"].is_null() && one["subject"].is_null() && one["reason"] == "preference: channel", "{one}");
    assert_eq!(ask(&house, ada(), Method::GET, &theirs).0, 403);
    let nobody = format!("/v1/notifications/users/{}/messages/{}", bob(), skipped["id"].as_str().unwrap());
    assert_eq!(ask_as(&house, Some(operator()), Method::GET, &nobody).0, 404);
}

#[test]
fn a_try_that_failed_stands_in_the_log() {
    let house = lived_in(0);
    house.mailbox.answers.lock().unwrap().push_back(SendOutcome::NotTaken { reason: "status 429".into() });
    house.deliver();
    let id = sent(&house).remove(0);
    let (_, one) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/messages/{id}"));
    let rows: Vec<_> = one["log"].as_array().unwrap().iter().map(|row| row["what"].as_str().unwrap()).collect();
    assert_eq!(rows, ["created", "provider_asked", "provider_did_not_take_it"]);
    assert_eq!(one["log"][2]["why"], "status 429");
    assert_eq!(one["state"], "queued");
}

#[test]
fn only_operators_see_templates_and_the_list() {
    let house = lived_in(0);
    for path in [
        "/v1/notifications/templates",
        "/v1/notifications/templates/welcome/preview?locale=de-AT",
        "/v1/notifications/suppressions",
    ] {
        assert_eq!(ask_as(&house, None, Method::GET, path).0, 401, "{path}");
        assert_eq!(ask(&house, ada(), Method::GET, path).0, 403, "{path}");
        assert_eq!(ask_as(&house, Some(operator()), Method::GET, path).0, 200, "{path}");
    }
    let shown =
        ask_as(&house, Some(operator()), Method::GET, "/v1/notifications/templates/welcome/preview?locale=de-AT");
    assert_eq!((shown.1["locale"].as_str(), shown.1["version"].as_u64()), (Some("de"), Some(2)));
    for missing in ["nothing/preview", "welcome/preview?version=9"] {
        let path = format!("/v1/notifications/templates/{missing}");
        assert_eq!(ask_as(&house, Some(operator()), Method::GET, &path).0, 404);
    }
}

#[test]
fn a_mark_that_meets_another_change_is_made_on_top_of_it() {
    let house = lived_in(0);
    let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
    let id: NotificationId = page["items"][0]["id"].as_str().unwrap().parse().unwrap();
    let mark = |mark| {
        let condition = principal::IfMatch::Unconditional;
        block_on(crate::app::mark(&house.records, ada(), id, mark, &condition, &now_of(&house))).unwrap();
    };
    // Read and put away at once: whoever comes second finds what the first did, and the count stays true.
    mark(Mark::Read);
    mark(Mark::Archived);
    mark(Mark::Read);
    assert_eq!(ask(&house, ada(), Method::GET, "/v1/notifications/unread-count").1["unread"], 0);
    assert_eq!(ask(&house, ada(), Method::GET, "/v1/notifications?status=archived").1["items"][0]["read"], true);
}
