//! Sending against couriers of every kind, on a time that passes only while everybody waits.

use super::*;
use crate::domain::{Ending, Message, MessageState, Secret, TRIES, WAITS, signatures};
use crate::fixtures::{House, ada, answered, bob, captured, payment_event, timed_out};
use crate::wire::{ChangeEndpointRequest, RotateSecretRequest};
use core::time::Duration;
use events::{Envelope, Verdict};
use futures::executor::block_on;
use payments_wire::{PAYMENT_CREATED, PAYMENT_FAILED};
use principal::IfMatch;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use webhooks_wire::{DisabledReason, ENDPOINT_DISABLED, ENDPOINT_ENABLED};

const S: Duration = Duration::from_secs(1);

/// A house with one endpoint of Ada's, and an event of hers.
fn house() -> (House, webhooks_wire::EndpointId, Envelope) {
    let house = House::new();
    let id = house.endpoint(ada(), "a");
    (house, id, captured(ada(), "p1"))
}

fn secret_of(house: &House, id: webhooks_wire::EndpointId) -> Secret {
    let shown = block_on(show_secret(&house.webhooks, &house.caller(ada()), id)).unwrap();
    Secret::parse(&shown.secret).unwrap()
}

fn message(house: &House, event: &Envelope, id: webhooks_wire::EndpointId) -> Message {
    house.message(event, id).expect("no message")
}

#[test]
fn an_event_reaches_its_owners_endpoint_once_signed_and_nobody_elses() {
    let (house, id, event) = house();
    house.endpoint(bob(), "b");
    for _ in 0..3 {
        assert_eq!(house.hear(&event), Verdict::Done);
    }
    house.send_for(100 * S);
    let [given] = &house.given("a")[..] else { panic!("{:?}", house.given("a")) };
    assert_eq!(house.given("b"), []);
    let message = message(&house, &event, id);
    assert_eq!((given.id.clone(), &given.body), (message.id.to_string(), &message.body));
    assert_eq!(given.signature, signatures([&secret_of(&house, id)], &given.id, given.at, &given.body));
    assert!(matches!(message.state, MessageState::Delivered { .. }));
    let body: serde_json::Value = serde_json::from_str(&given.body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["captured"]["amount_minor"]),
        (&"payments.payment.captured.v1".into(), &1099.into())
    );
    // Only its end is still to come.
    let timers: Vec<_> = house.records.timers().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(timers, ["expire"]);
}

#[test]
fn filters_audiences_and_disabled_endpoints_are_kept_to() {
    let house = House::new();
    house.endpoint_with(ada(), "failures", |request| request.events = vec![PAYMENT_FAILED.into()]);
    house.endpoint_with(bob(), "all", |request| request.all_accounts = true);
    let off = house.endpoint(ada(), "off");
    block_on(switch_endpoint(&house.webhooks, &house.caller(ada()), off, Wanted::Disabled)).unwrap();
    house.hear(&captured(ada(), "p1"));
    house.hear(&payment_event(PAYMENT_FAILED, ada(), "p2", "1.2"));
    house.send_for(10 * S);
    let count = |name| house.given(name).len();
    assert_eq!((count("failures"), count("all"), count("off")), (1, 2, 0));
}

#[test]
fn a_message_is_tried_ten_times_as_the_standard_says_and_then_given_up() {
    let (house, id, event) = house();
    house.script(|_, _| (Duration::ZERO, answered(500)));
    house.hear(&event);
    house.send_for(100 * 3600 * S);
    let given = house.given("a");
    assert_eq!(given.len(), TRIES as usize);
    assert_eq!(given.iter().map(|one| &one.id).collect::<BTreeSet<_>>().len(), 1, "the webhook-id stays");
    for (pair, wait) in given.windows(2).zip(WAITS) {
        let found = pair[1].at.since(pair[0].at);
        assert!(found >= wait * 4 / 5 && found <= wait * 6 / 5 + S, "{found:?} for {wait:?}");
    }
    let message = message(&house, &event, id);
    assert!(matches!(message.state, MessageState::Failed { .. }));
    assert_eq!(message.log.len(), 10);
    assert_eq!(house.said(), Vec::<String>::new(), "75 hours of failures disable nothing");
}

#[test]
fn an_endpoint_that_fails_for_five_days_is_disabled_and_its_owner_can_be_told() {
    let (house, id, _) = house();
    house.script(|_, _| (Duration::ZERO, answered(503)));
    for day in 0..7 {
        house.hear(&captured(ada(), &format!("p{day}")));
        house.send_for(24 * 3600 * S);
        house.wait(S);
    }
    let events = house.records.events();
    let [told] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (told.kind.as_str(), &told.data["disabled_reason"], &told.data["user_id"]),
        (ENDPOINT_DISABLED, &"failing".into(), &ada().to_string().into())
    );
    assert!(told.data["failing_since"].is_string());
    let before = house.given("a").len();
    house.hear(&captured(ada(), "late"));
    house.send_for(24 * 3600 * S);
    assert_eq!(house.given("a").len(), before, "nothing more is sent");
    // Enabled again, it begins anew, and what waited goes on.
    house.script(|_, _| (Duration::ZERO, answered(200)));
    block_on(switch_endpoint(&house.webhooks, &house.caller(ada()), id, Wanted::Enabled)).unwrap();
    house.send_for(48 * 3600 * S);
    assert!(house.given("a").len() > before);
    assert_eq!(house.said(), [ENDPOINT_DISABLED, ENDPOINT_ENABLED]);
}

#[test]
fn gone_disables_at_once() {
    let (house, id, event) = house();
    house.script(|_, _| (Duration::ZERO, answered(410)));
    house.hear(&event);
    house.hear(&captured(ada(), "p2"));
    house.send_for(3600 * S);
    assert!(house.given("a").len() <= 2, "those that were under way together");
    let (_, endpoint) = block_on(show_endpoint(&house.webhooks, &house.caller(ada()), id)).unwrap();
    assert!(!endpoint.is_enabled());
    assert_eq!(house.records.events()[0].data["disabled_reason"], "gone");
    assert_eq!(house.records.timers().iter().filter(|(name, ..)| name.starts_with("send")).count(), 0);
}

#[test]
fn what_the_receiver_asks_for_is_waited() {
    let (house, _, event) = house();
    house.script(|_, before| {
        let wait = (before == 0).then(|| Duration::from_secs(600));
        let status = if before == 0 { 429 } else { 200 };
        (Duration::ZERO, Ending::Answered { status, content_type: None, body: String::new(), retry_after: wait })
    });
    house.hear(&event);
    house.send_for(3600 * S);
    let given = house.given("a");
    assert_eq!(given.len(), 2);
    assert!(given[1].at.since(given[0].at) >= 600 * S);
}

#[test]
fn hanging_receivers_hold_up_nobody_else() {
    let house = House::new();
    // More of them than the quick lane has places, each with a flood of its own.
    for number in 0..10 {
        let owner = ids::UserId::derived(0, &[b"hostile", &[number]]);
        for place in 0..9 {
            house.endpoint(owner, &format!("hangs-{number}-{place}"));
        }
        for event in 0..20 {
            house.hear(&captured(owner, &format!("flood {number} {event}")));
        }
    }
    house.script(|url, _| if url.contains("hangs") { timed_out() } else { (Duration::ZERO, answered(200)) });
    house.endpoint(ada(), "good");
    // Beside the flood, something for the good one every few seconds; each visit is followed by the next pulse.
    let sender = house.sender.clone();
    let mut asked = Vec::new();
    for round in 0..8 {
        let event = captured(ada(), &format!("good {round}"));
        asked.push(house.now());
        house.world.run(async {
            let visit = sender.send_due(&|_: &crate::app::PassReport| {}, None);
            let hearing = async {
                // In the middle of the visit.
                ambient::Sleep::sleep(&house.world, 5 * S).await;
                let at = house.now();
                assert_eq!(events::Consumer::handle(&house.announcer, &event).await, Verdict::Done);
                at
            };
            let (done, at) = futures::future::join(visit, hearing).await;
            done.unwrap();
            *asked.last_mut().unwrap() = at;
        });
        house.wait(S);
    }
    house.send();
    let given = house.given("good");
    assert_eq!(given.len(), 8);
    for (one, asked) in given.iter().zip(asked) {
        assert!(one.at.since(asked) <= 4 * S, "{:?} after it was asked for", one.at.since(asked));
    }
    assert!(*house.courier.widest.lock().unwrap() <= 4);
}

#[test]
fn a_visit_that_has_to_end_finishes_its_tries_and_begins_none_after() {
    let (house, _, _) = house();
    for number in 0..12 {
        house.hear(&captured(ada(), &format!("p{number}")));
    }
    house.script(|_, _| (S, answered(200)));
    let (begun, end) = (house.now(), house.now().plus(1500 * S / 1000));
    house.world.run(house.sender.send_due(&|_: &crate::app::PassReport| {}, Some(end))).unwrap();
    // Four at a time: those of the beginning and those of the first second.
    assert_eq!((house.given("a").len(), house.now().since(begun)), (8, 2 * S));
    house.send();
    assert_eq!(house.given("a").len(), 12);
}

#[test]
fn a_slow_endpoint_is_asked_one_by_one_until_it_answers() {
    let (house, _, _) = house();
    for number in 0..12 {
        house.hear(&captured(ada(), &format!("p{number}")));
    }
    house.script(|_, before| if before < 6 { timed_out() } else { (Duration::ZERO, answered(200)) });
    house.send_for(600 * S);
    let given = house.given("a");
    // Four at once, found slow; then one at a time.
    assert!(given[4].at > given[3].at && given[5].at > given[4].at);
    let ids: BTreeSet<_> = given.iter().map(|one| &one.id).collect();
    assert_eq!(ids.len(), 12);
}

#[test]
fn a_rate_is_kept_to_and_everything_arrives() {
    let house = House::new();
    house.endpoint_with(ada(), "a", |request| request.rate_per_s = Some(5));
    for number in 0..30 {
        house.hear(&captured(ada(), &format!("p{number}")));
    }
    house.send_for(60 * S);
    let given = house.given("a");
    assert_eq!(given.len(), 30);
    for first in &given {
        let within = given.iter().filter(|one| one.at >= first.at && one.at.since(first.at) < S).count();
        assert!(within <= 11, "{within} in a second");
    }
    assert!(given[29].at.since(given[0].at) >= 4 * S);
}

#[test]
fn an_ordered_endpoint_hears_one_after_the_other_in_the_order_of_events() {
    let house = House::new();
    house.endpoint_with(ada(), "a", |request| request.ordered = true);
    house.script(|_, before| (S, answered(if before == 1 { 500 } else { 200 })));
    // Heard the wrong way round.
    for number in (1..6).rev() {
        let mut event = payment_event(PAYMENT_CREATED, ada(), "p", &format!("1.{number}"));
        event.time = event.time.plus(Duration::from_millis(number / 2));
        house.hear(&event);
    }
    house.send_for(600 * S);
    let given = house.given("a");
    let mut order = Vec::new();
    for one in &given {
        if order.last() != Some(&one.id) {
            order.push(one.id.clone());
        }
    }
    assert_eq!((given.len(), order.len()), (6, 5), "the one that failed was tried again before the next");
    let wanted: Vec<_> = (1..6)
        .map(|number| {
            let event = payment_event(PAYMENT_CREATED, ada(), "p", &format!("1.{number}"));
            let endpoint =
                block_on(list_endpoints(&house.webhooks, &house.caller(ada()), None, 10)).unwrap().items[0].id;
            webhooks_wire::MessageId::derived(0, &[event.id.as_str().as_bytes(), endpoint.to_string().as_bytes()])
                .to_string()
        })
        .collect();
    assert_eq!(order, wanted);
    assert_eq!(*house.courier.widest.lock().unwrap(), 1);
}

#[test]
fn both_secrets_sign_for_a_day_after_a_rotation() {
    let (house, id, _) = house();
    let old = secret_of(&house, id);
    let rotate = |key: &str| {
        block_on(rotate_secret(
            &house.webhooks,
            &house.caller(ada()),
            &House::once(key),
            id,
            RotateSecretRequest::default(),
        ))
    };
    let answer = rotate("r1").unwrap();
    assert_eq!(rotate("r1").unwrap(), answer, "a repetition rotates nothing");
    let new = secret_of(&house, id);
    assert_ne!(old, new);
    house.hear(&captured(ada(), "p1"));
    house.send();
    house.wait(24 * 3600 * S);
    house.hear(&captured(ada(), "p2"));
    house.send();
    let given = house.given("a");
    assert_eq!(given[0].signature, signatures([&new, &old], &given[0].id, given[0].at, &given[0].body));
    assert_eq!(given[1].signature, signatures([&new], &given[1].id, given[1].at, &given[1].body));
    for body in house.records.bodies() {
        assert!(!body.contains("whsec_"), "a secret lies open in the store: {body}");
    }
}

#[test]
fn a_test_a_resend_and_a_recovery_send_again_under_the_same_name() {
    let (house, id, event) = house();
    let caller = || house.caller(ada());
    house.script(|_, _| (Duration::ZERO, answered(500)));
    let test = block_on(send_test(&house.webhooks, &caller(), &House::once("t1"), id)).unwrap();
    assert_eq!(block_on(send_test(&house.webhooks, &caller(), &House::once("t1"), id)).unwrap().id, test.id);
    house.hear(&event);
    for number in 0..60 {
        house.hear(&captured(ada(), &format!("more {number}")));
    }
    house.send_for(100 * 3600 * S);
    let before = house.given("a").len();
    assert_eq!(before, 62 * 10);
    house.script(|_, _| (Duration::ZERO, answered(200)));
    let one = message(&house, &event, id).id;
    let again = block_on(resend(&house.webhooks, &caller(), &House::once("s1"), id, one)).unwrap();
    assert!(again.due.is_some());
    block_on(resend(&house.webhooks, &caller(), &House::once("s1"), id, one)).unwrap();
    house.send_for(100 * S);
    assert_eq!(house.given("a").len(), before + 1);
    assert_eq!(house.given("a")[before].id, one.to_string());
    let since = crate::fixtures::NOW.parse().unwrap();
    let begun = block_on(recover(&house.webhooks, &caller(), &House::once("c1"), id, since)).unwrap();
    assert_eq!(block_on(recover(&house.webhooks, &caller(), &House::once("c1"), id, since)).unwrap(), begun);
    house.send_for(100 * S);
    assert_eq!(house.given("a").len(), before + 62, "all that had failed, the test among them, each once");
    let failed = block_on(list_messages(&house.webhooks, &caller(), id, None, 100)).unwrap();
    assert!(failed.items.iter().all(|line| line.state == "delivered"));
}

#[test]
fn a_recovery_takes_nothing_from_before_its_moment() {
    let (house, id, event) = house();
    house.script(|_, _| (Duration::ZERO, answered(500)));
    house.hear(&event);
    house.wait(3600 * S);
    let since = house.now();
    let late = captured(ada(), "p2");
    house.hear(&late);
    house.send_for(100 * 3600 * S);
    house.script(|_, _| (Duration::ZERO, answered(200)));
    block_on(recover(&house.webhooks, &house.caller(ada()), &House::once("c1"), id, since)).unwrap();
    house.send_for(100 * S);
    assert!(matches!(message(&house, &event, id).state, MessageState::Failed { .. }));
    assert!(matches!(message(&house, &late, id).state, MessageState::Delivered { .. }));
}

#[test]
fn a_changed_url_is_used_at_once_and_judged_again_before_each_request() {
    let (house, id, event) = house();
    let request = ChangeEndpointRequest { url: Some("https://other.example.com/".into()), ..Default::default() };
    block_on(change_endpoint(&house.webhooks, &house.caller(ada()), id, &IfMatch::Unconditional, request)).unwrap();
    house.hear(&event);
    house.send();
    assert_eq!((house.given("a").len(), house.given("other").len()), (0, 1));
    // An endpoint that development made is nothing elsewhere.
    let mut sender = house.sender.clone();
    sender.webhooks.opened = crate::domain::OpenedReceivers::parse("http://127.0.0.1:*").unwrap();
    let local = House::new();
    let mut webhooks = local.webhooks.clone();
    webhooks.opened = sender.webhooks.opened.clone();
    let request = crate::wire::CreateEndpointRequest {
        url: "http://127.0.0.1:9/".into(),
        description: None,
        events: vec![],
        rate_per_s: None,
        ordered: false,
        all_accounts: false,
        secret: None,
    };
    let id = block_on(create_endpoint(&webhooks, &local.caller(ada()), &House::once("k"), request)).unwrap().id;
    local.hear(&event);
    local.send();
    let log = message(&local, &event, id).log;
    assert_eq!((log.len(), log[0].ending.word()), (1, "refused_url"));
}

#[test]
fn a_crash_between_note_and_outcome_sends_again_after_a_minute_and_loses_nothing() {
    let (house, id, event) = house();
    house.hear(&event);
    // The note before the request is committed, the outcome after it is not.
    house.records.pause_next_commit(Duration::ZERO);
    house.records.fail_next_commit_before();
    let reports = house.send();
    assert!(reports.iter().any(|report| report.error.is_some()));
    assert_eq!(house.given("a").len(), 1);
    house.send_for(300 * S);
    let given = house.given("a");
    assert_eq!(given.len(), 2);
    assert_eq!(given[0].id, given[1].id);
    assert!(given[1].at.since(given[0].at) >= 44 * S, "whoever crashed may still be at it");
    let message = message(&house, &event, id);
    assert_eq!((message.log[0].ending.word(), message.log[1].ending.word()), ("open", "delivered"));
}

#[test]
fn a_deleted_endpoint_leaves_nothing_behind() {
    let (house, id, event) = house();
    house.script(|_, _| (Duration::ZERO, answered(500)));
    house.hear(&event);
    house.hear(&captured(ada(), "p2"));
    house.send();
    block_on(delete_endpoint(&house.webhooks, &house.caller(ada()), id)).unwrap();
    house.send_for(200 * S);
    assert_eq!(house.message(&event, id), None);
    assert_eq!(house.records.timers(), []);
    for index in [crate::keys::due(id), crate::keys::line(id), crate::keys::attempts_of(id), crate::keys::about(ada())]
    {
        assert_eq!(block_on(house.webhooks.records.count(&index.unwrap())).unwrap(), 0);
    }
    let gone = block_on(delete_endpoint(&house.webhooks, &house.caller(ada()), id));
    assert!(matches!(gone, Err(CommandError::NotFound)));
}

#[test]
fn a_message_is_kept_for_thirty_days() {
    let (house, id, event) = house();
    house.hear(&event);
    house.send();
    house.wait(30 * 24 * 3600 * S);
    house.send();
    assert_eq!(house.message(&event, id), None);
    assert_eq!(block_on(house.webhooks.records.count(&crate::keys::messages_of(id).unwrap())).unwrap(), 0);
    // Its name stays taken: a repetition of the event makes nothing.
    house.hear(&event);
    house.send();
    assert_eq!(house.given("a").len(), 1);
}

#[test]
fn the_reason_of_a_disabling_is_kept() {
    let (house, id, _) = house();
    let meta = house.caller(ada()).meta;
    assert!(block_on(disable(&house.webhooks, id, DisabledReason::Failing, None, &meta)).unwrap());
    assert!(!block_on(disable(&house.webhooks, id, DisabledReason::Gone, None, &meta)).unwrap(), "once");
    let sent = block_on(send_test(&house.webhooks, &house.caller(ada()), &House::once("t"), id));
    assert!(matches!(sent, Err(CommandError::Disabled)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_cut_off_every_message_arrives_under_one_name(
        steps in prop::collection::vec((0..6u8, 0..4u8, any::<bool>()), 1..40),
    ) {
        let house = House::new();
        let id = house.endpoint(ada(), "a");
        house.script(|_, before| (Duration::from_millis(10), answered(if before % 3 == 0 { 500 } else { 200 })));
        let mut heard = BTreeMap::new();
        for (what, name, after) in steps {
            match what {
                0 | 1 => {
                    let event = captured(ada(), &format!("p{name}"));
                    house.hear(&event);
                    heard.insert(event.id.clone(), event);
                }
                2 if after => house.records.fail_next_commit_after(),
                2 => house.records.fail_next_commit_before(),
                3 => house.wait(Duration::from_secs(u64::from(name) * 20)),
                4 => {
                    // A failed claim or commit is told, and nothing else.
                    let _told = house.world.run(house.sender.send_due(&|_: &crate::app::PassReport| {}, None));
                }
                _ => house.send_for(Duration::from_secs(30)),
            }
        }
        // Faults that nobody met yet are met now, and what was not taken in is delivered again.
        house.wait(Duration::from_secs(60));
        for event in heard.values() {
            while house.hear(event) != Verdict::Done {}
        }
        let _told = house.world.run(house.sender.send_due(&|_: &crate::app::PassReport| {}, None));
        house.wait(Duration::from_secs(60));
        house.send_for(Duration::from_secs(24 * 3600));
        for event in heard.values() {
            let message = house.message(event, id).expect("no message");
            prop_assert!(matches!(message.state, MessageState::Delivered { .. }), "{:?}", message);
            let name = message.id.to_string();
            prop_assert!(house.given("a").iter().any(|one| one.id == name && one.body == message.body));
        }
        let names: BTreeSet<_> = house.given("a").into_iter().map(|one| one.id).collect();
        prop_assert!(names.len() <= 4);
        let due = block_on(house.webhooks.records.count(&crate::keys::due(id).unwrap())).unwrap();
        let line = block_on(house.webhooks.records.count(&crate::keys::line(id).unwrap())).unwrap();
        prop_assert_eq!((due, line), (0, 0));
    }
}
