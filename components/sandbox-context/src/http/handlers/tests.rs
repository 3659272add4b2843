//! The sandbox as its callers meet it: over its routes, on the record double, with a sleeper that notes and does not
//! sleep.

use crate::Sandbox;
use crate::app::{Receiver, announce};
use ambient::{Clock, CountedRandom, FixedClock, Sleep};
use async_trait::async_trait;
use axum::body::Body;
use core::time::Duration;
use http::Request;
use http_body_util::BodyExt;
use http_client::ScriptedHttp;
use principal::{Idempotency, IdempotencyKey};
use records_memory::MemoryRecords;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

#[derive(Clone, Default)]
struct NotedSleep(Arc<Mutex<Vec<Duration>>>);

#[async_trait]
impl Sleep for NotedSleep {
    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }
}

struct House {
    sandbox: Sandbox,
    clock: FixedClock,
    sleep: NotedSleep,
}

impl House {
    fn new() -> Self {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let sleep = NotedSleep::default();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let records = MemoryRecords::new("sandbox", shared.clone(), Arc::new(CountedRandom::default()));
        let sandbox = Sandbox {
            records: Arc::new(records),
            clock: shared,
            sleep: Arc::new(sleep.clone()),
            acquirer_key: "acquirer".into(),
            mail_key: "mail".into(),
        };
        Self { sandbox, clock, sleep }
    }

    async fn send(&self, method: &str, path: &str, bearer: &str, key: Option<&str>, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        if !bearer.is_empty() {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let mut request = request.body(body).unwrap();
        if let Some(key) = key {
            let key = IdempotencyKey::new(key).unwrap();
            request.extensions_mut().insert(Idempotency { key, fingerprint: [0; 32] });
        }
        let response = crate::http::public(self.sandbox.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn charge(&self, key: &str, token: &str, capture: bool) -> (u16, Value) {
        let body =
            json!({"reference": "pay_1", "amount_minor": 1000, "currency": "EUR", "token": token, "capture": capture});
        self.send("POST", "/sandbox/v1/charges", "acquirer", Some(key), body).await
    }

    async fn step(&self, id: &Value, step: &str, body: Value) -> (u16, Value) {
        let path = format!("/sandbox/v1/charges/{}/{step}", id.as_str().unwrap());
        self.send("POST", &path, "acquirer", Some("step"), body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, "", None, Value::Null).await
    }
}

#[tokio::test]
async fn one_key_is_one_charge_however_often_it_is_sent() {
    let house = House::new();
    let (status, first) = house.charge("k1", "tok_visa", true).await;
    assert_eq!((status, &first["status"], &first["captured_minor"]), (200, &json!("captured"), &json!(1000)));
    house.clock.advance_ms(86_400_000);
    assert_eq!(house.charge("k1", "tok_visa", true).await, (200, first.clone()));
    assert_eq!(house.get("/sandbox/v1/charges?idempotency_key=k1").await, (200, first));
    assert_eq!(house.charge("k1", "tok_visa", false).await.0, 422, "the same key with another request");
    for path in ["/sandbox/v1/charges", "/sandbox/v1/charges?reference=pay_1"] {
        let (_, list) = house.get(path).await;
        assert_eq!((&list["total"], list["items"].as_array().map(Vec::len)), (&json!(1), Some(1)));
    }
    assert_eq!(house.get("/sandbox/v1/charges?idempotency_key=k2").await.0, 404);
    assert_eq!(house.get("/sandbox/v1/charges?reference=pay_2").await.1["total"], 0);
}

#[tokio::test]
async fn a_lost_answer_comes_after_the_charge_and_only_once() {
    let house = House::new();
    assert_eq!(house.charge("k1", "tok_lost_answer", true).await.0, 500);
    assert_eq!(house.get("/sandbox/v1/charges?idempotency_key=k1").await.1["status"], "captured");
    assert_eq!(house.charge("k1", "tok_lost_answer", true).await.0, 200);
}

#[tokio::test]
async fn slow_cards_take_their_time_once_and_late_ones_are_known_later() {
    let house = House::new();
    for (key, token) in [("k1", "tok_slow"), ("k2", "tok_timeout"), ("k1", "tok_slow")] {
        assert_eq!(house.charge(key, token, true).await.1["status"], "captured");
    }
    assert_eq!(*house.sleep.0.lock().unwrap(), [Duration::from_secs(2), Duration::from_secs(20)]);
    assert_eq!(house.charge("k3", "tok_late_success", true).await.1["status"], "processing");
    house.clock.advance_ms(5000);
    assert_eq!(house.get("/sandbox/v1/charges?idempotency_key=k3").await.1["status"], "captured");
}

#[tokio::test]
async fn declines_are_charges_and_unknown_tokens_are_refused() {
    let house = House::new();
    for (token, code) in [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_expired_card", "expired_card"),
    ] {
        let (status, charge) = house.charge(token, token, true).await;
        assert_eq!((status, &charge["status"], &charge["failure_code"]), (200, &json!("declined"), &json!(code)));
        assert_eq!(house.charge(token, token, true).await.1, charge, "also when it is read back");
    }
    let (status, problem) = house.charge("k", "tok_none", true).await;
    assert_eq!((status, &problem["failure_code"]), (422, &json!("unknown_token")));
}

#[tokio::test]
async fn a_hold_is_captured_or_canceled_once() {
    let house = House::new();
    let (_, charge) = house.charge("k1", "tok_visa", false).await;
    let (status, problem) = house.step(&charge["id"], "capture", json!({"amount_minor": 1001})).await;
    assert_eq!((status, &problem["failure_code"]), (422, &json!("amount_out_of_range")));
    for _ in 0..2 {
        let (status, captured) = house.step(&charge["id"], "capture", json!({"amount_minor": 400})).await;
        assert_eq!((status, &captured["captured_minor"]), (200, &json!(400)));
    }
    assert_eq!(house.step(&charge["id"], "capture", json!({"amount_minor": 500})).await.0, 409);
    let (status, problem) = house.step(&charge["id"], "cancel", json!({})).await;
    assert_eq!((status, &problem["failure_code"]), (409, &json!("already_captured")));
    assert_eq!(house.step(&json!("chg_none"), "cancel", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_secured_card_waits_for_the_payer_at_the_open_bank() {
    for (outcome, status) in [("success", "captured"), ("failure", "declined")] {
        let house = House::new();
        let (_, charge) = house.charge("k1", "tok_3ds", true).await;
        assert_eq!(charge["status"], "requires_action");
        let bank = charge["action_url"].as_str().unwrap();
        let (_, decided) = house.send("POST", bank, "", None, json!({"outcome": outcome})).await;
        assert_eq!(decided["status"], status);
        assert_eq!(house.get("/sandbox/v1/charges?idempotency_key=k1").await.1, decided);
        assert_eq!(house.send("POST", bank, "", None, json!({"outcome": outcome})).await.0, 409);
    }
}

#[tokio::test]
async fn charging_and_sending_need_their_own_key() {
    let house = House::new();
    let letter = json!({"to": "ada@example.com", "subject": "s", "text": "t", "idempotency_key": "k"});
    for bearer in ["", "mail", "acquirerx", "acquire"] {
        assert_eq!(house.send("POST", "/sandbox/v1/charges/chg_x/cancel", bearer, Some("k"), json!({})).await.0, 401);
    }
    for bearer in ["", "acquirer"] {
        assert_eq!(house.send("POST", "/sandbox/v1/mail", bearer, None, letter.clone()).await.0, 401);
    }
    assert_eq!(house.send("POST", "/sandbox/v1/charges/chg_x/cancel", "acquirer", None, json!({})).await.0, 428);
}

#[tokio::test]
async fn a_letter_is_taken_back_by_its_key_also_before_it_came() {
    let house = House::new();
    let letter = |key: &str| json!({"to": "ada@example.com", "subject": "s", "text": "t", "idempotency_key": key});
    house.send("POST", "/sandbox/v1/mail", "mail", None, letter("k1")).await;
    for _ in 0..2 {
        assert_eq!(house.send("DELETE", "/sandbox/v1/mail/k1", "mail", None, json!({})).await.0, 204);
    }
    assert_eq!(house.get("/sandbox/v1/mail?to=ada%40example.com").await.1["total"], 0);
    assert_eq!(house.send("DELETE", "/sandbox/v1/mail/k2", "mail", None, json!({})).await.0, 204);
    assert_eq!(house.send("POST", "/sandbox/v1/mail", "mail", None, letter("k2")).await.0, 404);
    assert_eq!(house.get("/sandbox/v1/mail?to=ada%40example.com").await.1["total"], 0);
    assert_eq!(house.send("DELETE", "/sandbox/v1/mail/k1", "", None, json!({})).await.0, 401);
}

#[tokio::test]
async fn a_telephone_shows_what_it_was_sent_once_a_key() {
    let house = House::new();
    let sms = |key: &str, to: &str| json!({ "from": "Spindrift", "to": to, "text": "Hello", "idempotency_key": key });
    assert_eq!(house.send("POST", "/sandbox/v1/sms", "mail", None, sms("s1", "+4915112345678")).await.0, 201);
    assert_eq!(house.send("POST", "/sandbox/v1/sms", "mail", None, sms("s1", "+4915112345678")).await.0, 200);
    assert_eq!(house.send("POST", "/sandbox/v1/sms", "mail", None, sms("s2", "0151")).await.0, 422);
    assert_eq!(house.send("POST", "/sandbox/v1/sms", "", None, sms("s3", "+4915112345678")).await.0, 401);
    let (_, list) = house.get("/sandbox/v1/sms?to=%2B4915112345678").await;
    assert_eq!((&list["total"], &list["items"][0]["text"]), (&json!(1), &json!("Hello")));
    assert_eq!(house.send("DELETE", "/sandbox/v1/sms/s1", "mail", None, json!({})).await.0, 204);
    assert_eq!(house.get("/sandbox/v1/sms?to=%2B4915112345678").await.1["total"], 0);
}

#[tokio::test]
async fn a_letter_keeps_its_html_and_its_headers() {
    let house = House::new();
    let letter = json!({
        "to": "ada@example.com", "subject": "Receipt", "text": "Hello", "html": "<p>Hello</p>",
        "headers": { "List-Unsubscribe": "<https://x.example>" }, "idempotency_key": "h1",
    });
    assert_eq!(house.send("POST", "/sandbox/v1/mail", "mail", None, letter).await.0, 201);
    let (_, list) = house.get("/sandbox/v1/mail?to=ada%40example.com").await;
    assert_eq!(list["items"][0]["html"], "<p>Hello</p>");
    assert_eq!(list["items"][0]["headers"]["List-Unsubscribe"], "<https://x.example>");
}

#[tokio::test]
async fn a_letter_is_kept_once_and_found_by_its_address() {
    let house = House::new();
    let letter = |key: &str, subject: &str| json!({"to": "Ada@example.com", "subject": subject, "text": "Hello", "idempotency_key": key});
    let (status, first) = house.send("POST", "/sandbox/v1/mail", "mail", None, letter("k1", "Welcome")).await;
    assert_eq!(status, 201);
    house.clock.advance_ms(1000);
    assert_eq!(house.send("POST", "/sandbox/v1/mail", "mail", None, letter("k1", "Other")).await, (200, first));
    assert_eq!(house.send("POST", "/sandbox/v1/mail", "mail", None, letter("k2", "Receipt")).await.0, 201);
    let (_, list) = house.get("/sandbox/v1/mail?to=ada%40example.com").await;
    let subjects: Vec<_> = list["items"].as_array().unwrap().iter().map(|letter| &letter["subject"]).collect();
    assert_eq!((subjects, &list["total"]), (vec![&json!("Receipt"), &json!("Welcome")], &json!(2)));
    assert_eq!(house.get("/sandbox/v1/mail?to=bob%40example.com").await.1["total"], 0);
    assert_eq!(house.get("/sandbox/v1/mail").await.0, 400);
}

#[tokio::test]
async fn a_refund_and_a_dispute_are_kept_with_the_charge() {
    let house = House::new();
    let (_, charge) = house.charge("k1", "tok_visa", true).await;
    let refund = json!({"reference": "rfd_1", "amount_minor": 300});
    let (status, seen) = house.step(&charge["id"], "refunds", refund.clone()).await;
    assert_eq!((status, &seen["refunded_minor"]), (200, &json!(300)));
    assert_eq!(seen["refunds"], json!([{"reference": "rfd_1", "amount_minor": 300, "status": "succeeded"}]));
    assert_eq!(house.step(&charge["id"], "refunds", refund).await, (200, seen), "one key is one refund");
    let (_, disputed) = house.step(&charge["id"], "dispute", Value::Null).await;
    assert_eq!((&disputed["dispute"]["status"], &disputed["dispute"]["amount_minor"]), (&json!("open"), &json!(1000)));
    let (_, closed) = house.step(&charge["id"], "dispute/close", json!({"outcome": "lost"})).await;
    assert_eq!(closed["dispute"]["status"], "lost");
    let (_, read) = house.get("/sandbox/v1/charges?idempotency_key=k1").await;
    assert_eq!(read, closed, "it is read back as it was stored");
    let (status, again) = house.step(&charge["id"], "dispute/close", json!({"outcome": "won"})).await;
    assert_eq!((status, &again["failure_code"]), (409, &json!("not_disputed")));
}

#[tokio::test]
async fn a_browser_answers_the_bank_once_and_comes_back_to_the_shop() {
    let house = House::new();
    let body = json!({"reference": "pay_1", "amount_minor": 1000, "currency": "EUR", "token": "tok_3ds",
        "capture": true, "return_url": "https://shop.example/back"});
    let (_, charge) = house.send("POST", "/sandbox/v1/charges", "acquirer", Some("k1"), body).await;
    let page = charge["action_url"].as_str().unwrap().to_owned();
    let browse = async |path: String| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        crate::http::public(house.sandbox.clone()).oneshot(request).await.unwrap()
    };
    let question = browse(page.clone()).await;
    let text = String::from_utf8(question.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(text.contains("10.00 EUR") && text.contains(&format!("{page}/success")), "{text}");
    for (link, status) in [("success", 303), ("failure", 303), ("perhaps", 404)] {
        let answer = browse(format!("{page}/{link}")).await;
        assert_eq!(answer.status(), status);
        let back = answer.headers().get("location").map(|url| url.to_str().unwrap());
        assert_eq!(back, (status == 303).then_some("https://shop.example/back"));
        assert_eq!(house.get("/sandbox/v1/charges?idempotency_key=k1").await.1["status"], "captured");
    }
}

/// Whoever is told, in order; refuses the first `refuse` notices.
fn receiver(refuse: usize) -> (Receiver, ScriptedHttp) {
    let heard = Arc::new(Mutex::new(0));
    let http = ScriptedHttp::new(move |_| {
        let mut heard = heard.lock().unwrap();
        *heard += 1;
        let status = if *heard <= refuse { 503 } else { 200 };
        Ok(http::Response::builder().status(status).body(bytes::Bytes::new()).unwrap())
    });
    (Receiver { http: Arc::new(http.clone()), base_url: "http://payments.test/".to_owned() }, http)
}

#[tokio::test]
async fn what_no_answer_told_is_announced_and_nothing_else() {
    let house = House::new();
    let (told, http) = receiver(0);
    for (key, token) in [("k1", "tok_visa"), ("k2", "tok_declined"), ("k3", "tok_3ds"), ("k4", "tok_late_success")] {
        house.charge(key, token, true).await;
    }
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 0);
    let (_, secured) = house.get("/sandbox/v1/charges?idempotency_key=k3").await;
    house.step(&secured["id"], "authenticate", json!({"outcome": "success"})).await;
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 1);
    house.clock.advance_ms(5000);
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 1, "the late one is known now");
    let (_, taken) = house.get("/sandbox/v1/charges?idempotency_key=k1").await;
    house.step(&taken["id"], "dispute", Value::Null).await;
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 1);
    let asked = http.asked();
    assert_eq!(asked[0].uri(), "http://payments.test/v1/providers/acquirer/events");
    let notice: Value = serde_json::from_slice(asked[0].body()).unwrap();
    assert_eq!((&notice["charge"]["id"], &notice["charge"]["reference"]), (&secured["id"], &json!("pay_1")));
    assert!(asked[0].headers()["sandbox-signature"].to_str().unwrap().starts_with("t=1767225600,v1="));
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 0, "each once");
}

#[tokio::test]
async fn a_notice_that_is_not_taken_comes_again_under_its_name_and_some_come_twice() {
    let house = House::new();
    let (told, http) = receiver(1);
    house.charge("k1", "tok_notice_twice", true).await;
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 0, "one of the two was refused");
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 0, "not before its lease ends");
    house.clock.advance_ms(30_000);
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 1);
    let ids: Vec<Value> = http
        .asked()
        .iter()
        .map(|request| serde_json::from_slice::<Value>(request.body()).unwrap()["id"].clone())
        .collect();
    assert!(ids.len() == 4 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_refund_that_comes_back_is_announced_when_it_does() {
    let house = House::new();
    let (told, _) = receiver(0);
    let (_, charge) = house.charge("k1", "tok_refund_fails", true).await;
    house.step(&charge["id"], "refunds", json!({"reference": "rfd_1", "amount_minor": 300})).await;
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 0);
    house.clock.advance_ms(5000);
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 1);
}

#[tokio::test]
async fn a_dispute_that_is_announced_does_not_forget_the_refund_that_comes_back() {
    let house = House::new();
    let (told, http) = receiver(0);
    let (_, charge) = house.charge("k1", "tok_refund_fails", true).await;
    house.step(&charge["id"], "refunds", json!({"reference": "rfd_1", "amount_minor": 300})).await;
    house.clock.advance_ms(3000);
    house.step(&charge["id"], "dispute", Value::Null).await;
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 1, "the dispute");
    house.clock.advance_ms(2000);
    assert_eq!(announce(&house.sandbox, &told).await.unwrap(), 1, "the refund");
    let name = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["id"].clone();
    let names: Vec<Value> = http.asked().iter().map(|request| name(request.body())).collect();
    assert!(names.len() == 2 && names[0] != names[1], "two of one name are one to who hears them: {names:?}");
}

#[tokio::test]
async fn a_settlement_shows_what_became_of_each_charge_in_pieces_that_are_one_file() {
    let house = House::new();
    let lines = async |path: &str| {
        let routes = crate::http::public(house.sandbox.clone());
        let response = routes.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (String::from_utf8(bytes.to_vec()).unwrap(), link)
    };
    const PATH: &str = "/sandbox/v1/settlement.csv";
    let (empty, link) = lines(PATH).await;
    assert_eq!((empty.as_str(), link), ("kind,reference,payment,amount_minor,currency,fee_minor,state\n", None));
    for number in 0..51 {
        let body = json!({"reference": format!("pay_{number}"), "amount_minor": 1000, "currency": "EUR", "token": "tok_visa", "capture": number > 0});
        assert_eq!(
            house.send("POST", "/sandbox/v1/charges", "acquirer", Some(&format!("k{number}")), body).await.0,
            200
        );
        house.clock.advance_ms(1000);
    }
    let (_, list) = house.send("GET", "/sandbox/v1/charges", "", None, Value::Null).await;
    let newest = list["items"][0]["id"].as_str().unwrap().to_owned();
    let refund = json!({"reference": "rfd_1", "amount_minor": 300});
    house.send("POST", &format!("/sandbox/v1/charges/{newest}/refunds"), "acquirer", Some("r"), refund).await;
    house.send("POST", &format!("/sandbox/v1/charges/{newest}/dispute"), "", None, Value::Null).await;
    let (first, link) = lines(PATH).await;
    assert_eq!(first.lines().count(), 1 + 50 + 2);
    assert!(first.contains(&format!("charge,{newest},pay_50,1000,EUR,14,captured\n")), "{first}");
    assert!(first.contains("refund,rfd_1,pay_50,300,EUR,0,succeeded\n") && first.contains(",pay_50,1000,EUR,0,open\n"));
    let next = link.unwrap();
    let (rest, link) = lines(next.trim_start_matches('<').split('>').next().unwrap()).await;
    assert_eq!((rest.as_str(), link), ("", None), "what is not taken is not settled");
    let (part, _) = lines(&format!("{PATH}?from=2026-01-01T00:00:49.000Z&to=2026-01-01T00:00:50.000Z")).await;
    assert_eq!(part.lines().count(), 2);
}
