//! Whatever happens to payments and payouts, whatever a settlement says of it, however its chunks are cut, repeated and
//! interrupted: each line counts once, the books balance, and after everything is adjusted the acquirer's account says what
//! the settlement says.

use super::tests::{HEADING, chunk_of, house_with, settlement};
use crate::app::fixture::{Fault, House, Seen};
use crate::domain::DisputeStanding;
use proptest::prelude::*;
use serde_json::Value;

#[derive(Debug, Clone)]
enum Act {
    Pay(bool),
    Capture(u8, i64),
    Refund(u8, i64),
    Dispute(u8, DisputeStanding),
    RefundsComeBack,
    Payout(i64),
    MovePayout(u8, &'static str),
    Reverse(u8),
    Fault(bool),
    CommitLost(bool),
    Pulse,
}

fn act() -> impl Strategy<Value = Act> {
    let standing = prop::sample::select(vec![DisputeStanding::Open, DisputeStanding::Won, DisputeStanding::Lost]);
    prop_oneof![
        4 => any::<bool>().prop_map(Act::Pay),
        2 => (0u8..6, 1i64..1000).prop_map(|(which, minor)| Act::Capture(which, minor)),
        4 => (0u8..6, 1i64..700).prop_map(|(which, minor)| Act::Refund(which, minor)),
        2 => (0u8..6, standing).prop_map(|(which, standing)| Act::Dispute(which, standing)),
        1 => Just(Act::RefundsComeBack),
        2 => (1i64..1500).prop_map(Act::Payout),
        3 => (0u8..4, prop::sample::select(vec!["send", "settle", "fail", "return"]))
            .prop_map(|(which, step)| Act::MovePayout(which, step)),
        1 => (1u8..40).prop_map(Act::Reverse),
        1 => any::<bool>().prop_map(Act::Fault),
        2 => any::<bool>().prop_map(Act::CommitLost),
        1 => Just(Act::Pulse),
    ]
}

/// What a settlement makes of a line.
#[derive(Debug, Clone)]
enum Twist {
    True,
    Left,
    Twice,
    Amount(i64),
    Fee(i64),
    Currency,
    State,
    Strange,
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        6 => Just(Twist::True),
        1 => Just(Twist::Left),
        1 => Just(Twist::Twice),
        1 => (0i64..3000).prop_map(Twist::Amount),
        1 => (-50i64..90).prop_map(Twist::Fee),
        1 => Just(Twist::Currency),
        1 => Just(Twist::State),
        1 => Just(Twist::Strange),
    ]
}

fn twisted(line: &str, twist: &Twist) -> Vec<String> {
    let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
    match twist {
        Twist::True => {}
        Twist::Left => return Vec::new(),
        Twist::Twice => return vec![line.to_owned(), line.to_owned()],
        Twist::Amount(minor) => fields[3] = minor.to_string(),
        Twist::Fee(minor) => fields[5] = minor.to_string(),
        Twist::Currency => fields[4] = "JPY".to_owned(),
        Twist::State => {
            let other = if fields[0] == "dispute" { "won" } else { "failed" };
            fields[6] = other.to_owned();
        }
        Twist::Strange => fields[1] = format!("{}_strange", fields[1]),
    }
    vec![fields.join(",")]
}

/// What the lines say that the acquirer owes, in one currency.
fn said(lines: &[String], currency: &str) -> i64 {
    let of = |line: &String| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |place: usize| fields[place].parse::<i64>().unwrap();
        let sign = match (fields[0], fields[6]) {
            ("charge", "captured") => 1,
            ("refund", "succeeded") | ("dispute", "lost") => -1,
            _ => 0,
        };
        if fields[4] == currency { sign * number(3) - number(5) } else { 0 }
    };
    lines.iter().map(of).sum()
}

async fn play(house: &House, acts: &[Act]) {
    let (mut paths, mut payouts) = (Vec::<String>::new(), Vec::<String>::new());
    for (number, act) in acts.iter().enumerate() {
        let key = format!("a{number}");
        match act {
            Act::Pay(automatic) => {
                let method = if *automatic { "automatic" } else { "manual" };
                let body = format!(
                    r#"{{"amount_minor":1000,"currency":"EUR","payment_method":"tok_visa","capture_method":"{method}"}}"#
                );
                if let Some(path) = house.post("/v1/payments", &key, &body).await.header("location") {
                    house.confirm(path, &format!("{key}c")).await;
                    paths.push(path.to_owned());
                }
            }
            Act::Capture(which, minor) => {
                if let Some(path) = paths.get(usize::from(*which)) {
                    house.post(&format!("{path}/capture"), &key, &format!(r#"{{"amount_minor":{minor}}}"#)).await;
                }
            }
            Act::Refund(which, minor) => {
                if let Some(path) = paths.get(usize::from(*which)) {
                    let body = format!(r#"{{"amount_minor":{minor}}}"#);
                    house.post(&format!("{path}/refunds"), &key, &body).await;
                }
            }
            Act::Dispute(which, standing) => {
                let nth = usize::from(*which) + 1;
                house.acquirer.dispute_nth(nth, house.acquirer.taken_of_nth(nth), *standing);
                hear_all(house, &paths, number).await;
            }
            Act::RefundsComeBack => {
                house.acquirer.return_refunds();
                hear_all(house, &paths, number).await;
            }
            Act::Payout(minor) => {
                let body = format!(r#"{{"currency":"EUR","amount_minor":{minor}}}"#);
                let seen = house.post("/v1/ledger/payouts", &key, &body).await;
                payouts.extend(seen.header("location").map(str::to_owned));
            }
            Act::MovePayout(which, step) => {
                if let Some(path) = payouts.get(usize::from(*which)) {
                    house.post(&format!("{path}/{step}"), &key, "").await;
                }
            }
            // Reversals of payouts only: one of a payment's would set its account apart from its provider's on purpose.
            Act::Reverse(entry) => {
                let path = format!("/v1/ledger/entries/{entry}");
                if house.get(&path).await.json()["kind"] == "payout" {
                    house.post(&format!("{path}/reversal"), &key, r#"{"reason":"No reason"}"#).await;
                }
            }
            Act::Fault(true) => house.acquirer.fail_next(Fault::AnswerLost),
            Act::Fault(false) => house.acquirer.fail_next(Fault::LostOnTheWay),
            Act::CommitLost(true) => house.records.fail_next_commit_after(),
            Act::CommitLost(false) => house.records.fail_next_commit_before(),
            Act::Pulse => {
                house.later(31);
                // A pulse that fails is followed by another.
                let _failed = crate::app::on_pulse(&house.payments, &"0".repeat(32), None).await;
            }
        }
    }
    // Calm returns: faults run dry, open steps are settled, what others did is heard of.
    for round in 0..60 {
        house.later(31);
        let _failed = crate::app::on_pulse(&house.payments, &"0".repeat(32), None).await;
        if round % 20 == 0 {
            hear_all(house, &paths, 1000 + round).await;
        }
    }
    hear_all(house, &paths, 2000).await;
    hear_all(house, &paths, 2001).await;
    for path in &paths {
        let json = house.get(path).await.json();
        let minor = |word: &str| json[word].as_i64().unwrap_or(0);
        assert_ne!(json["status"], "processing", "{json}");
        assert!(minor("captured_minor") <= 1000 && minor("refunded_minor") <= minor("captured_minor"), "{json}");
    }
    assert_eq!(house.acquirer.charges(), paths.len(), "one charge an intent");
}

/// The provider tells of every charge.
async fn hear_all(house: &House, paths: &[String], round: usize) {
    for (number, path) in paths.iter().enumerate() {
        let payment = path.trim_start_matches("/v1/payments/");
        let body = format!(r#"{{"id":"evt_{round}_{number}","charge":{{"id":"unknown","reference":"{payment}"}}}}"#);
        house.notify_as("acquirer", &body).await;
    }
}

/// Repeats until it is answered for good.
async fn insist(send: impl AsyncFn() -> Seen) -> Seen {
    for _ in 0..10 {
        let seen = send().await;
        if !matches!(seen.status, 202 | 503) {
            return seen;
        }
    }
    panic!("it is never answered");
}

/// Takes a settlement in, in pieces of this many lines, with a commit lost now and then and each chunk sent twice.
async fn import(house: &House, lines: &[String], piece: usize, losses: &[u8]) -> String {
    let mut losses = losses.iter().cycle();
    let mut lose = || match losses.next() {
        Some(0) => house.records.fail_next_commit_before(),
        Some(1) => house.records.fail_next_commit_after(),
        _ => {}
    };
    let create = r#"{"provider":"acquirer","statement":"all","from":"2026-01-01","to":"2026-01-09"}"#;
    let path = insist(async || house.post("/v1/reconciliations", "create", create).await).await;
    let path = path.header("location").unwrap().to_owned();
    let heading = HEADING.trim_end().to_owned();
    let all: Vec<String> = core::iter::once(heading).chain(lines.iter().cloned()).collect();
    for (number, some) in all.chunks(piece).enumerate() {
        let body = chunk_of(&some.join("\n"));
        for _ in 0..2 {
            lose();
            let seen = insist(async || house.put(&format!("{path}/chunks/{}", number + 1), &body).await).await;
            assert_eq!(seen.status, 200, "{}", seen.text);
        }
    }
    lose();
    let body = format!(r#"{{"lines":{}}}"#, lines.len());
    let seen = insist(async || house.post(&format!("{path}/close"), "close", &body).await).await;
    assert_eq!(seen.gist(), (200, "closed".to_owned()), "{}", seen.text);
    path
}

async fn posted(house: &House, account: &str) -> i64 {
    house.get(&format!("/v1/ledger/accounts/{account}")).await.json()["posted_minor"].as_i64().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn after_all_is_adjusted_the_books_balance_and_the_acquirers_account_says_what_the_settlement_says(
        acts in prop::collection::vec(act(), 1..25),
        twists in prop::collection::vec(twist(), 1..12),
        piece in 1usize..7,
        losses in prop::collection::vec(0u8..4, 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let house = house_with(0).await;
            play(&house, &acts).await;
            // Faults that were planned and not met yet are met by somebody else.
            while house.post("/v1/payment-methods", "drain", r#"{"token":"tok_visa","label":"x"}"#).await.status == 503 {}
            let honest = settlement(&house);
            let lines: Vec<String> =
                honest.iter().zip(twists.iter().cycle()).flat_map(|(line, twist)| twisted(line, twist)).collect();
            let path = import(&house, &lines, piece, &losses).await;
            let json = house.get(&path).await.json();
            assert_eq!(json["lines"].as_u64(), Some(lines.len() as u64), "each line once");
            if lines == honest {
                assert_eq!(json["differences"].as_u64(), Some(0), "{json}");
            }
            let page = house.get(&format!("{path}/differences")).await.json();
            for (number, found) in page["items"].as_array().unwrap().iter().enumerate() {
                let action = if found["adjustment"].as_array().unwrap().is_empty() { "accept" } else { "adjust" };
                let body = format!(r#"{{"action":"{action}","reason":"As it says"}}"#);
                let to = format!("{path}/differences/{}/resolution", found["id"].as_str().unwrap());
                for _ in 0..2 {
                    let seen = insist(async || house.post(&to, &format!("r{number}"), &body).await).await;
                    assert_eq!(seen.status, 200, "{}", seen.text);
                }
            }
            assert_eq!(house.get(&path).await.json()["open_differences"].as_u64(), Some(0));
            for currency in ["EUR", "JPY"] {
                assert_eq!(posted(&house, &format!("acquirer:{currency}")).await, -said(&lines, currency), "{lines:?}");
            }
            let trial = house.get("/v1/ledger/trial-balance").await.json();
            assert_eq!(&trial["balanced"], &Value::from(true));
            assert_eq!(house.get("/v1/ledger/verify").await.json()["status"], "intact");
            // What is set aside belongs to something that is under way.
            assert_eq!(posted(&house, "refunds:EUR").await, 0);
        });
    }
}
