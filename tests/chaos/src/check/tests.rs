//! A run in which all went well, and one bug of each kind planted into it.

use super::*;
use crate::reading::{Balance, Charge, Event, Payment, Refund, Replay, Row, Waiting};
use crate::{Call, Deed, Ended, Order};
use serde_json::json;

const PAY: &str = "pay_1";
const PAYOUT: &str = "po_1";

fn call(deed: Deed, key: &str, about: &str, body: serde_json::Value, promise: serde_json::Value) -> Call {
    let ended = Ended::Acknowledged { status: 200, text: promise.to_string() };
    let (key, path, about) = (key.to_owned(), "/".to_owned(), Some(about.to_owned()));
    Call { deed, who: (!deed.is_operators()).then_some(0), key, path, body, about, tries: 1, ended }
}

/// A payment of 10.00 EUR, held, captured, 3.00 given back, 2.00 paid out.
fn promised() -> Record {
    let stands = |status: &str, captured: i64, refunds: serde_json::Value| {
        json!({ "id": PAY, "status": status, "amount_minor": 1000, "currency": "EUR", "captured_minor": captured,
            "refunds": refunds })
    };
    let refund = json!([{ "id": "rfd_1", "amount_minor": 300, "status": "succeeded" }]);
    let payout = json!({ "id": PAYOUT, "status": "created", "amount_minor": 200, "currency": "EUR" });
    let calls = vec![
        call(Deed::Create, "k1", PAY, json!({}), stands("requires_confirmation", 0, json!([]))),
        call(Deed::Confirm, "k2", PAY, json!({}), stands("authorized", 0, json!([]))),
        call(Deed::Capture, "k3", PAY, json!({}), stands("captured", 1000, json!([]))),
        call(Deed::Refund, "k4", PAY, json!({ "amount_minor": 300 }), stands("partially_refunded", 1000, refund)),
        call(Deed::Payout, "k5", PAYOUT, json!({ "amount_minor": 200 }), payout),
    ];
    let order = Order { who: 0, amount_minor: 1000, currency: "EUR".to_owned(), card: "tok_visa".to_owned() };
    Record { orders: [(PAY.to_owned(), order)].into(), calls, broken: Vec::new() }
}

fn row(account: &str, row: u64, entry: u64, cause: &str, posted: (i64, i64), held: (i64, i64)) -> Row {
    Row {
        account: account.to_owned(),
        row,
        entry,
        cause: cause.to_owned(),
        currency: "EUR".to_owned(),
        posted_minor: posted.0,
        posted_after_minor: posted.1,
        held_minor: held.0,
        held_after_minor: held.1,
    }
}

/// What is found after it.
fn found() -> Reading {
    let (pay, po) = ("payment:pay_1", "payout:po_1");
    let refund = Refund { id: "rfd_1".to_owned(), amount_minor: 300, status: "succeeded".to_owned() };
    let payment = Payment {
        status: "partially_refunded".to_owned(),
        amount_minor: 1000,
        currency: "EUR".to_owned(),
        captured_minor: 1000,
        refunded_minor: 300,
        refunds: vec![refund.clone()],
        dispute: None,
        allowed: vec!["refund".to_owned()],
    };
    let charge = Charge {
        status: "captured".to_owned(),
        amount_minor: 1000,
        captured_minor: 1000,
        refunded_minor: 300,
        refunds: vec![refund],
        dispute: None,
    };
    // The fee on 10.00 EUR: 1.4 % and 25 cents.
    let rows = vec![
        row("acquirer:EUR", 1, 2, pay, (-1000, -1000), (0, 0)),
        row("acquirer:EUR", 2, 4, pay, (300, -700), (0, 0)),
        row("fees:EUR", 1, 2, pay, (39, 39), (0, 0)),
        row("holds:EUR", 1, 1, pay, (0, 0), (1000, 1000)),
        row("holds:EUR", 2, 2, pay, (0, 0), (-1000, 0)),
        row("merchant:EUR", 1, 2, pay, (961, 961), (0, 0)),
        row("merchant:EUR", 2, 3, pay, (-300, 661), (0, 0)),
        row("merchant:EUR", 3, 5, po, (-200, 461), (0, 0)),
        row("payouts:EUR", 1, 5, po, (200, 200), (0, 0)),
        row("refunds:EUR", 1, 3, pay, (300, 300), (0, 0)),
        row("refunds:EUR", 2, 4, pay, (-300, 0), (0, 0)),
    ];
    let balances = [
        ("acquirer:EUR", -700),
        ("fees:EUR", 39),
        ("holds:EUR", 0),
        ("merchant:EUR", 461),
        ("payouts:EUR", 200),
        ("refunds:EUR", 0),
    ];
    let balances: BTreeMap<String, Balance> =
        balances.map(|(account, posted_minor)| (account.to_owned(), Balance { posted_minor, held_minor: 0 })).into();
    let event = |number: u64, word: &str, status: &str| Event {
        id: format!("evt_{number}"),
        kind: format!("payments.payment.{word}.v1"),
        subject: PAY.to_owned(),
        version: (1, number),
        status: status.to_owned(),
    };
    let replays = promised().calls.into_iter().map(|Call { key, ended, .. }| {
        let Ended::Acknowledged { status, text } = ended else { unreachable!() };
        Replay { key, status, text, marked: true }
    });
    Reading {
        payments: [(PAY.to_owned(), payment)].into(),
        charges: [(PAY.to_owned(), (1, vec![charge]))].into(),
        counted: [(0, 1)].into(),
        receipts: [(PAY.to_owned(), 1)].into(),
        replays: replays.collect(),
        trial: vec![("EUR".to_owned(), 0)],
        verified: Some(Ok(11)),
        told: balances.clone(),
        kept: balances,
        rows,
        events: vec![
            event(1, "created", "requires_confirmation"),
            event(2, "processing", "processing"),
            event(3, "authorized", "authorized"),
            event(4, "captured", "captured"),
            event(6, "partially_refunded", "partially_refunded"),
        ],
        payouts: [(PAYOUT.to_owned(), ("created".to_owned(), 200, "EUR".to_owned()))].into(),
        waiting: Waiting::default(),
        leaked: Vec::new(),
    }
}

fn payment(reading: &mut Reading) -> &mut Payment {
    reading.payments.get_mut(PAY).unwrap()
}

/// A bug, its name, and the invariant that must find it.
type Bug = (&'static str, &'static str, fn(&mut Record, &mut Reading));

#[rustfmt::skip]
const BUGS: &[Bug] = &[
    ("an acknowledged payment is lost", promises::KEPT, |_, found| { found.payments.clear(); }),
    ("a captured payment is authorized again", promises::KEPT, |_, found| payment(found).status = "authorized".to_owned()),
    ("another amount is captured than was acknowledged", promises::KEPT, |_, found| payment(found).captured_minor = 999),
    ("an acknowledged refund is gone", promises::KEPT, |_, found| payment(found).refunds.clear()),
    ("an acknowledged payout is gone", promises::KEPT, |_, found| found.payouts.clear()),
    ("a key makes two payments", promises::ONCE, |_, found| { found.counted.insert(0, 2); }),
    ("a refund is made twice", promises::ONCE, |_, found| {
        let again = Refund { id: "rfd_2".to_owned(), ..payment(found).refunds[0].clone() };
        payment(found).refunds.push(again);
    }),
    ("a refused refund has an effect", promises::ONCE, |record, _| {
        record.calls[3].ended = Ended::Refused { status: 422, kind: "invalid".to_owned() };
    }),
    ("a payout is made twice", promises::ONCE, |_, found| {
        found.payouts.insert("po_2".to_owned(), ("created".to_owned(), 200, "EUR".to_owned()));
    }),
    ("a replay differs by a byte", promises::REPLAYED, |_, found| found.replays[1].text.push(' ')),
    ("a replay is carried out again", promises::REPLAYED, |_, found| found.replays[2].marked = false),
    ("a call never ends", promises::ENDED, |record, _| record.calls[1].ended = Ended::Open),
    ("two answers to one key", AT_ONCE, |record, _| record.broken.push(("201 a, then 201 b".to_owned(), None))),
    ("the card is charged twice", provider::CHARGED_ONCE, |_, found| found.charges.get_mut(PAY).unwrap().0 = 2),
    ("the acquirer has given nothing back", provider::CHARGED_ONCE, |_, found| {
        let charge = &mut found.charges.get_mut(PAY).unwrap().1[0];
        charge.refunds.clear();
        charge.refunded_minor = 0;
    }),
    ("captured without a charge", provider::CHARGED_ONCE, |_, found| { found.charges.insert(PAY.to_owned(), (0, Vec::new())); }),
    ("more is captured than was asked for", provider::WITHIN, |_, found| payment(found).captured_minor = 1001),
    ("more is refunded than was captured", provider::WITHIN, |_, found| payment(found).refunded_minor = 1001),
    ("a second receipt", provider::ONE_RECEIPT, |_, found| { found.receipts.insert(PAY.to_owned(), 2); }),
    ("no receipt", provider::ONE_RECEIPT, |_, found| found.receipts.clear()),
    ("a refund stays pending", provider::SETTLED, |_, found| payment(found).refunds[0].status = "pending".to_owned()),
    ("the trial balance is off by one", books::ZERO, |_, found| found.trial[0].1 = 1),
    ("an entry does not balance", books::ZERO, |_, found| found.rows[0].posted_minor = -999),
    ("a balance is tampered with in Redis", books::FOLDED, |_, found| {
        found.kept.get_mut("merchant:EUR").unwrap().posted_minor += 100;
    }),
    ("the API tells another balance", books::FOLDED, |_, found| { found.told.remove("fees:EUR"); }),
    ("a row is missing", books::FOLDED, |_, found| { found.rows.remove(6); }),
    ("a hold is tampered with in Redis", books::FOLDED, |_, found| {
        found.kept.get_mut("holds:EUR").unwrap().held_minor += 100;
    }),
    ("the chain is broken", books::VERIFIED, |_, found| found.verified = Some(Err("page 3 is altered".to_owned()))),
    ("a fee is rounded down", books::POSTED, |_, found| { found.rows[2].posted_minor = 38; found.rows[5].posted_minor = 962; }),
    ("a hold is never released", books::POSTED, |_, found| found.rows[4].held_minor = 0),
    ("a hold is released from the acquirer's account", books::POSTED, |_, found| {
        found.rows[4].account = "acquirer:EUR".to_owned();
    }),
    ("what is set aside for a refund is never moved on", books::POSTED, |_, found| {
        found.rows[1].posted_minor = 0;
        found.rows[10].posted_minor = 0;
    }),
    ("what is disputed stays with the merchant", books::POSTED, |_, found| {
        payment(found).dispute = Some((700, "open".to_owned()));
    }),
    ("what is disputed is held of the merchant's instead of set aside", books::POSTED, |_, found| {
        payment(found).dispute = Some((700, "open".to_owned()));
        let held = row("merchant:EUR", 4, 6, "payment:pay_1", (0, 461), (700, 700));
        found.rows.insert(8, held);
    }),
    ("something posts that nobody asked for", books::POSTED, |_, found| found.rows[0].cause = "payment:pay_2".to_owned()),
    ("an event is told twice", events::NAMED_ONCE, |_, found| { let twin = found.events[2].clone(); found.events.push(twin); }),
    ("an event is lost", events::NAMED_ONCE, |_, found| { found.events.pop(); }),
    ("events are in the wrong order", events::LISTED, |_, found| found.events.swap(1, 2)),
    ("a state is skipped", events::LISTED, |_, found| { found.events.remove(1); }),
    ("an event lies in the dead letters", DRAINED, |_, found| found.waiting.note("dead letters", 1)),
    ("a log holds a password", SECRETS, |_, found| found.leaked.push("a password".to_owned())),
];

#[test]
fn a_run_in_which_all_went_well_is_clean() {
    let checked = check(&promised(), &found());
    assert_eq!(checked.violations, []);
    assert!(checked.invariants.values().all(|times| *times > 0));
}

#[test]
fn each_planted_bug_is_found_by_its_invariant() {
    let mut missed = Vec::new();
    for (name, invariant, plant) in BUGS {
        let (mut record, mut reading) = (promised(), found());
        plant(&mut record, &mut reading);
        let checked = check(&record, &reading);
        if !checked.violations.iter().any(|violation| violation.invariant == *invariant) {
            missed.push(format!("{name}: {:?}", checked.violations));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(BUGS.len() >= 20);
}

#[test]
fn every_invariant_has_a_planted_bug() {
    let checked = check(&promised(), &found());
    for invariant in checked.invariants.keys() {
        assert!(BUGS.iter().any(|(_, found_by, _)| found_by == invariant), "nobody has seen {invariant:?} fail");
    }
}

#[test]
fn findings_of_one_invariant_do_not_drown_the_others() {
    let (record, mut reading) = (promised(), found());
    for number in 0..100 {
        reading.receipts.insert(format!("pay_{}", 100 + number), 1);
    }
    reading.trial[0].1 = 1;
    let checked = check(&record, &reading);
    assert_eq!(checked.violations.len(), MOST_OF_ONE + 1, "{:?}", checked.violations);
}
