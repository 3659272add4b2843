//! One request is one effect: for every route that changes something, however often it is sent, also at once, and
//! wherever on its way it is cut off.

use super::faulty::{FaultyRecords, Loss};
use super::fixture::{Fault, House, Seen};
use super::on_pulse;
use futures::future::join_all;
use std::sync::Arc;

const CREATE: &str = r#"{"amount_minor":1000,"currency":"EUR","payment_method":"tok_visa","capture_method":"manual"}"#;

/// Every route that changes something: its last word, how to stand where it starts, a body, another body, the status of
/// its answer and of the payment afterwards.
struct Unsafe {
    step: &'static str,
    before: &'static [&'static str],
    body: &'static str,
    other: &'static str,
    status: u16,
    word: &'static str,
}

const ROUTES: [Unsafe; 5] = [
    Unsafe { step: "", before: &[], body: CREATE, other: "{}", status: 201, word: "requires_confirmation" },
    Unsafe { step: "/confirm", before: &[""], body: "", other: "{}", status: 200, word: "authorized" },
    Unsafe {
        step: "/capture",
        before: &["", "/confirm"],
        body: r#"{"amount_minor":700}"#,
        other: "",
        status: 200,
        word: "captured",
    },
    Unsafe { step: "/cancel", before: &["", "/confirm"], body: "", other: "{}", status: 200, word: "canceled" },
    Unsafe {
        step: "/refunds",
        before: &["", "/confirm", "/capture"],
        body: r#"{"amount_minor":300}"#,
        other: "",
        status: 200,
        word: "partially_refunded",
    },
];

/// Takes a payment to where a route starts, and names the route's path.
async fn stand(house: &House, route: &Unsafe) -> String {
    let mut path = "/v1/payments".to_owned();
    for step in route.before {
        let before = ROUTES.iter().find(|route| route.step == *step).unwrap();
        let seen = house.post(&format!("{path}{step}"), &format!("before{step}"), before.body).await;
        assert_eq!(seen.gist(), (before.status, before.word.to_owned()));
        if step.is_empty() {
            path = seen.header("location").unwrap().to_owned();
        }
    }
    format!("{path}{}", route.step)
}

/// A payer who may refund too, so that one caller walks all routes.
fn house() -> House {
    let mut house = House::new();
    house.scopes.push("payments:refund".to_owned());
    house
}

#[test]
fn the_table_names_every_route_of_a_payer_that_changes_something() {
    let routes =
        include_str!("../http/mod.rs").lines().filter(|line| line.contains("post(") && line.contains("/v1/payments"));
    let mut known: Vec<String> = routes.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect();
    let mut here: Vec<String> = ROUTES
        .iter()
        .map(|route| {
            if route.step.is_empty() { "/v1/payments".to_owned() } else { format!("/v1/payments/{{id}}{}", route.step) }
        })
        .collect();
    known.sort();
    here.sort();
    assert_eq!(known, here);
}

#[tokio::test]
async fn every_route_wants_a_key_replays_the_same_request_and_refuses_another() {
    for route in &ROUTES {
        let house = house();
        let path = stand(&house, route).await;
        let none = house.post_without_key(&path, route.body).await;
        assert_eq!(none.gist(), (428, "idempotency-key-required".to_owned()), "{path}");
        let first = house.post(&path, "key", route.body).await;
        assert_eq!(first.gist(), (route.status, route.word.to_owned()), "{path}: {}", first.text);
        let commits = house.records.commits();
        house.later(6 * 24 * 3600);
        let again = house.post(&path, "key", route.body).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{path}");
        assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
        // The edge's fingerprint covers method, path and body; here the body tells.
        let other = if route.step.is_empty() { CREATE.replace("1000", "999") } else { route.other.to_owned() };
        let refused = house.post(&path, "key", &other).await;
        assert_eq!(refused.gist(), (422, "idempotency-key-reused".to_owned()), "{path}");
        assert_eq!(house.records.commits(), commits, "{path}");
    }
}

#[tokio::test]
async fn every_route_refuses_a_card_number_and_repeats_none() {
    for route in &ROUTES {
        let house = house();
        let path = stand(&house, route).await;
        for body in [r#"{"note":"4242 4242 4242 4242"}"#, r#"{"4242424242424242":1}"#, r#"[4242424242424242]"#] {
            let seen = house.post(&path, "key", body).await;
            assert_eq!(seen.gist(), (422, "card-number".to_owned()), "{path}: {body}");
            assert!(!seen.text.contains("4242"));
        }
        assert_eq!(house.post(&path, "key", route.body).await.status, route.status, "the key is free");
    }
}

#[tokio::test]
async fn of_sixty_four_twins_at_once_one_is_carried_out() {
    for route in &ROUTES {
        let house = house();
        let path = stand(&house, route).await;
        let told = house.told().len();
        let twins: Vec<Seen> = join_all((0..64).map(|_| house.post(&path, "key", route.body))).await;
        let first =
            twins.iter().filter(|seen| seen.status == route.status && seen.header("idempotency-replayed").is_none());
        assert!(first.count() >= 1, "{path}");
        for twin in &twins {
            let in_flight = twin.gist() == (409, "in-flight".to_owned()) || twin.gist() == (409, "conflict".to_owned());
            assert!(in_flight || twin.status == route.status, "{path}: {} {}", twin.status, twin.text);
        }
        let bodies: std::collections::BTreeSet<_> =
            twins.iter().filter(|seen| seen.status == route.status).map(|seen| &seen.text).collect();
        assert_eq!(bodies.len(), 1, "{path}: all who are answered are answered alike");
        let news = house.told().len() - told;
        assert!(news <= if route.step == "/confirm" { 2 } else { 1 }, "{path}: {:?}", house.told());
        assert!(house.acquirer.charges() <= 1);
        assert_eq!(house.acquirer.given_minor(), if route.step == "/refunds" { 300 } else { 0 });
    }
}

/// Sends a request until it is answered for good, as a patient client does, while the worker's pulses go on.
async fn insist(house: &House, path: &str, key: &str, body: &str) -> Seen {
    for _ in 0..20 {
        let seen = house.post(path, key, body).await;
        if !matches!(seen.status, 202 | 409 | 503) {
            return seen;
        }
        house.later(31);
        // A pulse that fails is followed by another.
        let _failed = on_pulse(&house.payments, &"0".repeat(32), None).await;
    }
    panic!("{path} is never answered");
}

/// The whole life of a payment, with this fault in one of its requests. Whether the fault was reached.
async fn live(faulty_step: usize, number: u32, loss: Loss, acquirer: Option<Fault>) -> bool {
    let mut house = house();
    let faulty = FaultyRecords::new(house.records.clone());
    house.payments.records = Arc::new(faulty.clone());
    let mut path = "/v1/payments".to_owned();
    for (place, route) in ROUTES.iter().filter(|route| route.step != "/cancel").enumerate() {
        if place == faulty_step {
            faulty.fail_at(number, loss);
            if let Some(fault) = &acquirer {
                house.acquirer.fail_next(fault.clone());
            }
        }
        let seen = insist(&house, &format!("{path}{}", route.step), &format!("key{place}"), route.body).await;
        let what = format!("{} failing {loss:?} at call {number} of step {faulty_step}: {}", route.step, seen.text);
        assert_eq!(seen.gist(), (route.status, route.word.to_owned()), "{what}");
        if place == 0 {
            path = seen.header("location").unwrap().to_owned();
        }
    }
    let what = format!("{loss:?} at call {number} of step {faulty_step}");
    let fired = faulty.fired();
    faulty.fail_at(0, loss);
    for _ in 0..3 {
        house.later(31);
        house.pulse().await;
    }
    assert_eq!(house.acquirer.charges(), 1, "{what}");
    assert_eq!((house.acquirer.taken_minor(), house.acquirer.given_minor()), (700, 300), "{what}");
    assert_eq!(house.balances().await, [(-400, 0), (400, 0)], "{what}");
    assert_eq!(house.told(), ["created", "processing", "authorized", "captured", "partially_refunded"], "{what}");
    let sums = house.as_operator().get("/v1/ledger/trial-balance").await.json();
    assert_eq!((&sums["balanced"], house.records.timers().len()), (&true.into(), 0), "{what}");
    fired
}

#[tokio::test]
async fn cut_off_at_any_call_to_the_store_each_step_happens_once() {
    let mut cuts = 0;
    for step in 0..4 {
        for loss in [Loss::Before, Loss::After] {
            // On after the last call of the step there is nothing left to cut.
            let mut number = 1;
            while live(step, number, loss, None).await {
                (number, cuts) = (number + 1, cuts + 1);
            }
        }
    }
    assert!(cuts > 20, "only {cuts} cuts");
}

#[tokio::test]
async fn cut_off_at_any_call_to_the_store_with_the_acquirers_answer_lost_too() {
    for step in 1..4 {
        for fault in [Fault::AnswerLost, Fault::LostOnTheWay] {
            for loss in [Loss::Before, Loss::After] {
                let mut number = 1;
                while live(step, number, loss, Some(fault.clone())).await {
                    number += 1;
                }
            }
        }
    }
}
