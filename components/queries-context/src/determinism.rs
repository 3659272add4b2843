//! Tests: whatever the order and however often, the same events end in the same overview, which a plain fold over all
//! of them confirms.

use crate::domain::{STATUSES, status_word};
use crate::fixtures::{House, ada, bob, notification_event, payment_event, user_event};
use crate::wire::{NotificationCounts, PaymentsOverview, ProfileAnswer, RecentPayment};
use events::{Envelope, Verdict};
use ids::UserId;
use notifications_wire::NotificationSnapshot;
use payments_wire::{PaymentSnapshot, PaymentStatus};
use proptest::prelude::*;
use std::collections::BTreeMap;
use users_wire::{USER_REGISTERED, USER_UPDATED, UserSnapshot};

/// What an overview must say, told without any store: the newest snapshot of each thing, then sums over all of them.
fn told(events: &[Envelope], user_id: UserId) -> (Option<ProfileAnswer>, PaymentsOverview, NotificationCounts) {
    let mut newest: BTreeMap<(&str, &str), &Envelope> = BTreeMap::new();
    for event in events {
        let (context, _) = event.kind.split_once('.').unwrap();
        let slot = newest.entry((context, &event.subject)).or_insert(event);
        if event.version > slot.version {
            *slot = event;
        }
    }
    let of = |context: &'static str| newest.iter().filter(move |((c, _), _)| *c == context).map(|(_, event)| *event);
    let profile = of("users").find_map(|event| {
        let user: UserSnapshot = event.data_as().unwrap();
        let registered = events.iter().find(|e| e.kind == USER_REGISTERED && e.subject == event.subject);
        (user.id == user_id)
            .then(|| ProfileAnswer { locale: user.locale, registered_at: registered.map(|event| event.time) })
    });
    let mut payments: Vec<(PaymentSnapshot, &Envelope)> = of("payments")
        .map(|event| (event.data_as::<PaymentSnapshot>().unwrap(), event))
        .filter(|(payment, _)| payment.user_id == user_id)
        .collect();
    payments.sort_by_key(|(payment, _)| std::cmp::Reverse((payment.created_at, payment.id)));
    let mut by_status: BTreeMap<_, _> = STATUSES.iter().map(|status| (status_word(*status), 0)).collect();
    let mut captured: BTreeMap<_, i64> = BTreeMap::new();
    for (payment, _) in &payments {
        *by_status.get_mut(status_word(payment.status)).unwrap() += 1;
        *captured.entry(payment.captured.currency()).or_default() += payment.captured.minor();
    }
    let overview = PaymentsOverview {
        total: payments.len() as u64,
        by_status,
        captured: captured
            .into_iter()
            .filter(|(_, minor)| *minor != 0)
            .map(|(currency, minor)| (currency.to_string(), minor))
            .collect(),
        recent: payments
            .iter()
            .take(10)
            .map(|(payment, event)| RecentPayment {
                id: payment.id,
                status: payment.status,
                amount_minor: payment.amount.minor(),
                currency: payment.amount.currency().to_string(),
                captured_minor: payment.captured.minor(),
                created_at: payment.created_at,
                changed_at: event.time,
            })
            .collect(),
    };
    let inbox: Vec<NotificationSnapshot> = of("notifications")
        .map(|event| event.data_as::<NotificationSnapshot>().unwrap())
        .filter(|notification| notification.user_id == user_id)
        .collect();
    let unread = inbox.iter().filter(|notification| !notification.read).count() as u64;
    (profile, overview, NotificationCounts { total: inbox.len() as u64, unread })
}

fn agrees(house: &House, events: &[Envelope]) {
    for user_id in [ada(), bob()] {
        let found = house.overview(user_id);
        assert_eq!((found.profile, found.payments, found.notifications), told(events, user_id));
    }
    let trial = futures::executor::block_on(records::Records::trial_balance(&house.records)).unwrap();
    assert!(trial.iter().all(|line| line.sum_minor == 0), "{trial:?}");
}

fn users() -> impl Strategy<Value = UserId> {
    prop_oneof![Just(ada()), Just(bob())]
}

/// The life of one payment: any statuses, any captured amounts, some of its events missing.
fn payment() -> impl Strategy<Value = Vec<Envelope>> {
    let step = (0..STATUSES.len(), 0i64..=1000, any::<bool>());
    let currency = prop_oneof![Just("EUR"), Just("JPY")];
    (users(), 0u8..14, currency, prop::collection::vec(step, 1..6)).prop_map(|(user_id, name, currency, steps)| {
        let events = (1u64..).zip(steps).filter(|(_, (_, _, heard))| *heard);
        events
            .map(|(number, (status, captured, _))| {
                // A capture of another currency would be another payment.
                let name = if currency == "EUR" { name } else { name + 100 };
                payment_event(user_id, name, number, STATUSES[status], captured, currency)
            })
            .collect()
    })
}

fn notification() -> impl Strategy<Value = Vec<Envelope>> {
    (users(), 0u8..6, any::<bool>(), any::<bool>()).prop_map(|(user_id, name, read, created)| {
        let created = created.then(|| notification_event(user_id, name, false));
        created.into_iter().chain(read.then(|| notification_event(user_id, name, true))).collect()
    })
}

fn profile() -> impl Strategy<Value = Vec<Envelope>> {
    (users(), any::<bool>(), any::<bool>()).prop_map(|(user_id, registered, updated)| {
        let registered = registered.then(|| user_event(USER_REGISTERED, user_id, 1, "en"));
        registered.into_iter().chain(updated.then(|| user_event(USER_UPDATED, user_id, 2, "de"))).collect()
    })
}

/// Any events, each version of each thing said in one way only, as in a real stream.
fn history() -> impl Strategy<Value = Vec<Envelope>> {
    let parts = (
        prop::collection::vec(payment(), 0..8),
        prop::collection::vec(notification(), 0..5),
        prop::collection::vec(profile(), 0..3),
    );
    parts.prop_map(|(payments, notifications, profiles)| {
        let mut once = BTreeMap::new();
        for event in payments.into_iter().chain(notifications).chain(profiles).flatten() {
            let (context, _) = event.kind.split_once('.').unwrap();
            once.entry((context.to_owned(), event.subject.clone(), event.version)).or_insert(event);
        }
        once.into_values().collect()
    })
}

/// A history as a stream delivers it: each event at least once, some again, in any order.
fn deliveries() -> impl Strategy<Value = (Vec<Envelope>, Vec<Envelope>)> {
    history().prop_flat_map(|events| {
        let count = events.len();
        let again = prop::collection::vec(0..count.max(1), 0..=count);
        (Just(events), again).prop_flat_map(|(events, again)| {
            let repeated = again.into_iter().filter_map(|place| events.get(place).cloned()).collect::<Vec<_>>();
            let all: Vec<_> = events.iter().cloned().chain(repeated).collect();
            (Just(events), Just(all).prop_shuffle())
        })
    })
}

proptest! {
    #[test]
    fn any_order_of_any_repetitions_ends_in_what_a_fold_tells((events, deliveries) in deliveries()) {
        let house = House::new();
        for delivery in &deliveries {
            prop_assert_eq!(house.hear(delivery), Verdict::Done);
        }
        agrees(&house, &events);
    }

    #[test]
    fn deliveries_side_by_side_do_too((events, deliveries) in deliveries(), width in 2usize..16) {
        let house = House::new();
        for together in deliveries.chunks(width) {
            let mut waiting = together.to_vec();
            // What was contended comes back, as the loop would bring it.
            while !waiting.is_empty() {
                let verdicts = house.hear_together(&waiting);
                waiting = waiting.into_iter().zip(verdicts).filter(|(_, v)| *v != Verdict::Done).map(|(e, _)| e).collect();
            }
        }
        agrees(&house, &events);
    }

    #[test]
    fn a_crash_before_or_after_any_commit_loses_and_doubles_nothing(
        (events, deliveries) in deliveries(),
        faults in prop::collection::vec(0u8..4, 0..60),
    ) {
        let house = House::new();
        let mut faults = faults.into_iter();
        for delivery in &deliveries {
            loop {
                match faults.next() {
                    Some(0) => house.records.fail_next_commit_before(),
                    Some(1) => house.records.fail_next_commit_after(),
                    _ => {}
                }
                match house.hear(delivery) {
                    Verdict::Done => break,
                    Verdict::Retry { .. } => {}
                    Verdict::Park { reason } => prop_assert!(false, "{reason}"),
                }
            }
        }
        agrees(&house, &events);
    }
}

#[test]
fn an_overview_shows_the_ten_payments_created_last() {
    let house = House::new();
    for name in 0..14 {
        house.hear(&payment_event(ada(), name, 1, PaymentStatus::RequiresConfirmation, 0, "EUR"));
    }
    // A change of an old one does not bring it back into the list.
    house.hear(&payment_event(ada(), 2, 2, PaymentStatus::Captured, 700, "EUR"));
    let payments = house.overview(ada()).payments;
    assert_eq!((payments.total, payments.recent.len()), (14, 10));
    assert!(payments.recent.iter().all(|payment| payment.status == PaymentStatus::RequiresConfirmation));
    assert_eq!(payments.captured, BTreeMap::from([("EUR".to_owned(), 700)]));
}
