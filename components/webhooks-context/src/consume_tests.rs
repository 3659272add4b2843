//! What events do to endpoints, and what is left of a person who leaves.

use super::*;
use crate::app::{create_endpoint, show_endpoint};
use crate::fixtures::{House, ada, answered, bob, captured, envelope, erasure, export_event};
use crate::keys;
use core::time::Duration;
use futures::executor::block_on;
use payments_wire::PAYMENT_CAPTURED;
use privacy::ErasurePart;
use proptest::prelude::*;
use serde_json::json;
use users_wire::{CODE_ISSUED, SESSION_STARTED};
use webhooks_wire::{ENDPOINT_DISABLED, EndpointId};

fn is_enabled(house: &House, owner: ids::UserId, id: EndpointId) -> bool {
    block_on(show_endpoint(&house.webhooks, &house.caller(owner), id)).unwrap().1.is_enabled()
}

#[test]
fn an_event_of_another_shape_is_parked_and_one_of_another_kind_is_none_of_its_business() {
    let house = House::new();
    house.endpoint(ada(), "a");
    let commits = house.records.commits();
    for data in [json!({ "id": 7 }), json!({ "user_id": "nobody" }), json!([])] {
        let broken = envelope(PAYMENT_CAPTURED, "pay_x", "1.1", data);
        assert!(matches!(house.hear(&broken), Verdict::Park { .. }));
    }
    let code = envelope(CODE_ISSUED, "usr_x", "1.1", json!({ "user_id": ada() }));
    assert_eq!(house.hear(&code), Verdict::Done);
    assert_eq!(house.records.commits(), commits, "codes never leave the house");
}

#[test]
fn what_is_personal_never_leaves_the_house() {
    let house = House::new();
    house.endpoint(ada(), "a");
    let mut event = envelope("users.user.updated.v1", "usr", "1.2", json!({ "id": ada(), "locale": "en" }));
    event.personal = Some(json!({ "subject": ada(), "sealed": "x1.abc" }));
    house.hear(&event);
    house.send();
    let [given] = &house.given("a")[..] else { panic!("one") };
    assert!(!given.body.contains("sealed") && !given.body.contains("personal"), "{}", given.body);
}

#[test]
fn the_largest_event_fits() {
    let house = House::new();
    let id = house.endpoint(ada(), "a");
    let mut event = captured(ada(), "p1");
    // As much as an event may hold, in the form that takes the most room in a body.
    event.data["filler"] = "\"".repeat(9_500).into();
    assert!(serde_json::to_vec(&event).unwrap().len() <= Envelope::MAX_BYTES);
    house.script(|_, _| {
        let body = crate::domain::redacted("\"".repeat(5000).as_bytes());
        (Duration::ZERO, crate::domain::Ending::Answered { status: 500, content_type: None, body, retry_after: None })
    });
    assert_eq!(house.hear(&event), Verdict::Done);
    house.send_for(Duration::from_secs(100 * 3600));
    let message = house.message(&event, id).unwrap();
    assert!(message.body.len() <= 20_480 && message.made == 10 && !message.log.is_empty());
}

#[test]
fn a_locked_account_and_a_lost_role_end_what_they_end() {
    let house = House::new();
    let own = house.endpoint(ada(), "own");
    let all = house.endpoint_with(ada(), "all", |request| request.all_accounts = true);
    let other = house.endpoint(bob(), "other");
    let roles =
        |roles: &[&str], version| envelope(ROLES_CHANGED, "usr", version, json!({ "user_id": ada(), "roles": roles }));
    house.hear(&roles(&["user", "admin"], "1.2"));
    assert!(is_enabled(&house, ada(), all));
    house.hear(&roles(&["user"], "1.3"));
    assert!(!is_enabled(&house, ada(), all) && is_enabled(&house, ada(), own));
    let locked = envelope(USER_LOCKED, "usr", "1.4", json!({ "id": ada(), "locale": "en" }));
    assert_eq!((house.hear(&locked), house.hear(&locked)), (Verdict::Done, Verdict::Done));
    assert!(!is_enabled(&house, ada(), own) && is_enabled(&house, bob(), other));
    assert_eq!(house.said(), [ENDPOINT_DISABLED, ENDPOINT_DISABLED]);
    house.hear(&captured(ada(), "p1"));
    house.hear(&captured(bob(), "p2"));
    house.send();
    assert_eq!((house.given("own").len(), house.given("all").len(), house.given("other").len()), (0, 0, 1));
}

#[test]
fn a_disabling_is_told_to_the_owners_other_endpoint() {
    let house = House::new();
    let first = house.endpoint(ada(), "first");
    house.endpoint(ada(), "second");
    let meta = house.caller(ada()).meta;
    block_on(crate::app::disable(&house.webhooks, first, DisabledReason::Gone, None, &meta)).unwrap();
    let told = house.records.events().remove(0);
    house.hear(&told);
    house.send();
    assert_eq!((house.given("first").len(), house.given("second").len()), (0, 1));
}

fn counts(part: &ErasurePart) -> u64 {
    part.erased.iter().map(|erased| erased.count).sum()
}

/// Whether nothing of Ada's is left.
fn is_empty(house: &House, ids: &[EndpointId]) -> bool {
    let count = |index: Result<records::IndexName, RecordsError>| {
        block_on(house.webhooks.records.count(&index.unwrap())).unwrap()
    };
    let own = count(keys::endpoints_of(ada())) + count(keys::listening(ada())) + count(keys::about(ada()));
    let queues: u64 =
        ids.iter().map(|id| count(keys::due(*id)) + count(keys::line(*id)) + count(keys::attempts_of(*id))).sum();
    own + queues == 0
}

#[test]
fn a_person_who_leaves_leaves_nothing_not_even_at_an_administrators() {
    let house = House::new();
    let own = house.endpoint(ada(), "own");
    let all = house.endpoint_with(bob(), "all", |request| request.all_accounts = true);
    house.script(|_, _| (Duration::ZERO, answered(500)));
    house.hear(&captured(ada(), "p1"));
    house.hear(&captured(bob(), "p2"));
    house.send();
    assert_eq!(house.hear(&erasure(1)), Verdict::Done);
    house.send();
    assert!(is_empty(&house, &[own]));
    assert_eq!(house.message(&captured(ada(), "p1"), all), None);
    assert!(house.message(&captured(bob(), "p2"), all).is_some());
    let request = serde_json::from_value(json!({ "url": "https://late.example.com/" })).unwrap();
    let late = block_on(create_endpoint(&house.webhooks, &house.caller(ada()), &House::once("late"), request));
    assert!(matches!(late, Err(crate::app::CommandError::Erased)));
    assert_eq!(house.hear(&erasure(2)), Verdict::Done);
    let parts = house.desk.parts();
    assert_eq!((parts[0].1, counts(&parts[0].2), counts(&parts[1].2)), (Service::Webhooks, 3, 3));
}

#[test]
fn an_export_has_endpoints_without_secrets_and_what_was_sent() {
    let house = House::new();
    house.endpoint(ada(), "a");
    house.endpoint(bob(), "b");
    house.hear(&captured(ada(), "p1"));
    house.hear(&captured(bob(), "p2"));
    house.desk.fail_next(1);
    assert!(matches!(house.hear(&export_event()), Verdict::Retry { .. }));
    assert_eq!(house.hear(&export_event()), Verdict::Done);
    let (_, service, page) = house.desk.pages().remove(0);
    let sections: Vec<_> = page.items.iter().map(|(section, _)| section.as_str()).collect();
    assert_eq!((service, sections), (Service::Webhooks, vec!["webhook_endpoints", "webhook_messages"]));
    let text = serde_json::to_string(&page).unwrap();
    assert!(!text.contains("whsec_") && !text.contains("sealed") && !text.contains("b.example.com"));
}

#[test]
fn a_store_that_lost_data_waits_for_the_operator() {
    let house = House::new();
    house.endpoint(ada(), "a");
    house.records.lose_everything();
    let verdict = house.hear(&erasure(1));
    assert!(matches!(verdict, Verdict::Retry { after, .. } if after == OPERATOR_NEEDED), "{verdict:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_with_any_cut_ends_without_a_trace(
        order in prop::collection::vec(0..6usize, 1..20),
        cuts in prop::collection::vec((0..20usize, any::<bool>()), 0..3),
    ) {
        let house = House::new();
        let ids = [house.endpoint(ada(), "a"), house.endpoint(ada(), "b")];
        let all = house.endpoint_with(bob(), "all", |request| request.all_accounts = true);
        house.script(|_, before| (Duration::ZERO, answered(if before % 2 == 0 { 500 } else { 200 })));
        let life = [
            captured(ada(), "p1"),
            captured(ada(), "p2"),
            envelope(SESSION_STARTED, "ses", "1.1", json!({ "user_id": ada() })),
            erasure(1),
        ];
        for (place, pick) in order.iter().enumerate() {
            if let Some((_, after)) = cuts.iter().find(|(at, _)| *at == place) {
                if *after { house.records.fail_next_commit_after() } else { house.records.fail_next_commit_before() }
            }
            match life.get(*pick) {
                Some(event) => drop(house.hear(event)),
                None => drop(house.world.run(house.sender.send_due(&|_: &crate::app::PassReport| {}, None))),
            }
        }
        for _ in 0..4 {
            house.hear(&erasure(1));
        }
        for event in &life[..3] {
            house.hear(event);
        }
        prop_assert_eq!(house.hear(&erasure(2)), Verdict::Done);
        house.send_for(Duration::from_secs(600));
        prop_assert!(is_empty(&house, &ids));
        let left = block_on(house.webhooks.records.count(&keys::messages_of(all).unwrap())).unwrap();
        prop_assert_eq!(left, 0);
        let parts = house.desk.parts();
        prop_assert!(parts.windows(2).all(|two| counts(&two[0].2) <= counts(&two[1].2)), "a receipt never says less");
    }
}
