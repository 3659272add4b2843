//! A flood in which all went well, and one bug of each kind planted into it.

use super::check::{ANNOUNCED_ONCE, COUNTED, DRAINED, ONE_LETTER, ONE_MESSAGE, PROJECTED, TOLD_ONCE};
use super::*;
use crate::reading::Event;
use ids::UserId;
use std::collections::BTreeSet;

const PAYMENTS: u64 = 40;
const CAPTURED_EVERY: u64 = 5;

fn plan() -> Plan {
    let people = ["ada", "bob", "eve"].map(|name| UserId::derived(0, &[name.as_bytes()]).to_string());
    Plan::new(7, PAYMENTS, CAPTURED_EVERY, &people).unwrap()
}

fn event(payment: &str, number: u64, kind: &str) -> Event {
    Event {
        id: format!("evt_{payment}_{number}"),
        kind: kind.to_owned(),
        subject: payment.to_owned(),
        version: (1, number),
        status: String::new(),
    }
}

/// What is found after a flood in which all went well.
fn found(plan: &Plan) -> Found {
    let mut found = Found::default();
    for person in plan.people() {
        let (person, welcome) = (person.to_string(), format!("ntf_welcome_{person}"));
        found.before.insert(person.clone(), BTreeSet::from([welcome.clone()]));
        let effects = found.people.entry(person).or_default();
        effects.inbox.insert(welcome.clone(), 1);
        effects.unread.insert(welcome.clone());
        effects.projected.messages.insert(welcome.clone());
        found.announced.push((welcome, (1, 1)));
    }
    found.letters_before.insert("ltr_welcome".to_owned());
    found.letters.insert("ltr_welcome".to_owned(), 1);
    for number in 0..plan.payments() {
        let wanted = plan.wanted(number);
        let payment = wanted.payment.to_string();
        let last = event(&payment, 2, Plan::last_kind(&wanted));
        let message = Plan::message(&last.id, &wanted, "in_app").to_string();
        if wanted.is_captured {
            found.letters.insert(Plan::letter(&last.id, &wanted), 1);
        }
        let effects = found.people.get_mut(&wanted.user.to_string()).unwrap();
        effects.inbox.insert(message.clone(), 1);
        effects.unread.insert(message.clone());
        effects.projected.messages.insert(message.clone());
        effects.projected.captured_minor += wanted.captured_minor;
        let list = if wanted.is_captured { "captured" } else { "failed" };
        effects.projected.payments.insert(payment.clone(), Stands { lists: [list.to_owned()].into(), times: 1 });
        found.announced.push((message, (1, 1)));
        found.events.extend([event(&payment, 1, "payments.payment.created.v1"), last]);
    }
    found
}

fn somebody(found: &mut Found) -> &mut Effects {
    found.people.values_mut().next().unwrap()
}

/// A bug, its name, and the invariant that must find it.
type Bug = (&'static str, &'static str, fn(&Plan, &mut Found));

#[rustfmt::skip]
const BUGS: &[Bug] = &[
    ("an acknowledged event is lost with a restart", TOLD_ONCE, |_, found| { found.events.remove(7); }),
    ("a commit that is sent again appends twice", TOLD_ONCE, |_, found| { let twin = found.events[3].clone(); found.events.push(twin); }),
    ("a commit that is sent again tells under another name", TOLD_ONCE, |_, found| {
        let twin = Event { id: "evt_other".to_owned(), ..found.events[3].clone() };
        found.events.push(twin);
    }),
    ("events of a record are told in the wrong order", TOLD_ONCE, |_, found| found.events.swap(4, 5)),
    ("somebody tells of what nobody did", TOLD_ONCE, |_, found| found.events.push(event("pay_x", 1, "payments.payment.created.v1"))),
    ("the dedup is skipped: a second delivery makes a second message", ONE_MESSAGE, |_, found| {
        somebody(found).inbox.insert("ntf_second".to_owned(), 1);
    }),
    ("a message lies in the inbox twice", ONE_MESSAGE, |_, found| {
        *somebody(found).inbox.values_mut().next().unwrap() = 2;
    }),
    ("an event is acknowledged before its effect, and its worker dies", ONE_MESSAGE, |plan, found| {
        let wanted = plan.wanted(1);
        let last = event(&wanted.payment.to_string(), 2, Plan::last_kind(&wanted));
        let message = Plan::message(&last.id, &wanted, "in_app").to_string();
        for effects in found.people.values_mut() {
            effects.inbox.remove(&message);
        }
    }),
    ("a message goes to another person", ONE_MESSAGE, |plan, found| {
        let wanted = plan.wanted(1);
        let last = event(&wanted.payment.to_string(), 2, Plan::last_kind(&wanted));
        let message = Plan::message(&last.id, &wanted, "in_app").to_string();
        found.people.get_mut(&wanted.user.to_string()).unwrap().inbox.remove(&message);
        let other = plan.people().iter().find(|person| **person != wanted.user).unwrap();
        found.people.get_mut(&other.to_string()).unwrap().inbox.insert(message, 1);
    }),
    ("one message instead of another: the count is right, the name is not", ONE_MESSAGE, |_, found| {
        let effects = somebody(found);
        let last = effects.inbox.keys().next_back().unwrap().clone();
        effects.inbox.remove(&last);
        effects.inbox.insert("ntf_wrong".to_owned(), 1);
    }),
    ("a message comes in as read", ONE_MESSAGE, |_, found| { somebody(found).unread.pop_last(); }),
    ("a message announces itself twice", ANNOUNCED_ONCE, |_, found| { let twin = found.announced[5].clone(); found.announced.push(twin); }),
    ("a message does not announce itself", ANNOUNCED_ONCE, |_, found| { found.announced.pop(); }),
    ("a message is announced that is not there", ANNOUNCED_ONCE, |_, found| found.announced.push(("ntf_x".to_owned(), (1, 1)))),
    ("a message was made twice, one over the other", ANNOUNCED_ONCE, |_, found| found.announced[4].1 = (1, 2)),
    ("a letter is sent under a second key", ONE_LETTER, |_, found| { found.letters.insert("ltr_again".to_owned(), 1); }),
    ("a letter is in the mailbox twice", ONE_LETTER, |_, found| { *found.letters.values_mut().next().unwrap() = 2; }),
    ("a letter is lost", ONE_LETTER, |_, found| {
        let letter = found.letters.keys().find(|letter| *letter != "ltr_welcome").unwrap().clone();
        found.letters.remove(&letter);
    }),
    ("an older event overwrites a newer one", PROJECTED, |_, found| {
        let stands = somebody(found).projected.payments.values_mut().next().unwrap();
        stands.lists = ["requires_confirmation".to_owned()].into();
    }),
    ("a payment is in two lists", PROJECTED, |_, found| {
        let stands = somebody(found).projected.payments.values_mut().next().unwrap();
        stands.lists.insert("requires_confirmation".to_owned());
    }),
    ("a payment is listed twice", PROJECTED, |_, found| {
        somebody(found).projected.payments.values_mut().next().unwrap().times = 2;
    }),
    ("a payment is not projected", PROJECTED, |_, found| { somebody(found).projected.payments.pop_first(); }),
    ("the read model misses a message", PROJECTED, |_, found| { somebody(found).projected.messages.pop_last(); }),
    ("what is captured is added twice", COUNTED, |_, found| somebody(found).projected.captured_minor += 1000),
    ("what is captured is not added", COUNTED, |_, found| somebody(found).projected.captured_minor -= 1000),
    ("the acknowledgement is dropped", DRAINED, |_, found| found.waiting.note("payments: delivered to queries-worker, not handled", 1)),
    ("an event lies among the dead letters", DRAINED, |_, found| found.waiting.note("dead letters of notifications", 1)),
];

#[test]
fn a_flood_in_which_all_went_well_is_clean() {
    let plan = plan();
    let checked = check(&plan, &found(&plan));
    assert_eq!(checked.violations, []);
    assert!(checked.invariants.values().all(|times| *times > 0));
}

#[test]
fn each_planted_bug_is_found_by_its_invariant() {
    let plan = plan();
    let mut missed = Vec::new();
    for (name, invariant, plant) in BUGS {
        let mut found = found(&plan);
        plant(&plan, &mut found);
        let checked = check(&plan, &found);
        if !checked.violations.iter().any(|violation| violation.invariant == *invariant) {
            missed.push(format!("{name}: {:?}", checked.violations));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(BUGS.len() >= 20);
}

#[test]
fn every_invariant_has_a_planted_bug() {
    let plan = plan();
    for invariant in check(&plan, &found(&plan)).invariants.keys() {
        assert!(BUGS.iter().any(|(_, found_by, _)| found_by == invariant), "nobody has seen {invariant:?} fail");
    }
}

#[test]
fn what_is_told_can_be_committed_and_names_nobody_else() {
    let plan = plan();
    let told = plan.told(0..PAYMENTS).unwrap();
    assert_eq!(told.len() as u64, PAYMENTS);
    let steps = told.iter().map(|record| record["steps"].as_array().unwrap().len() as u64).sum::<u64>();
    assert_eq!(steps, plan.events());
    let names: BTreeSet<&str> = told.iter().map(|record| record["record"].as_str().unwrap()).collect();
    assert_eq!(names.len() as u64, PAYMENTS);
    for (number, record) in told.iter().enumerate() {
        let wanted = plan.wanted(number as u64);
        assert_eq!(record["steps"][1]["data"]["user_id"], wanted.user.to_string());
        assert_eq!(record["steps"][1]["kind"], Plan::last_kind(&wanted));
    }
}
