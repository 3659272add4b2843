//! Whole stories of messages: what was said, what happened, what arrived.

use crate::app::{Delivered, Known, known_contact, set_preferences, settings_of, suppression_of, unread_count};
use crate::domain::{Channel, Kind, Preferences, QuietHours, Rhythm, SendOutcome, TimeOfDay};
use crate::fixtures::{House, Mailbox, ada, captured, erasure, export_event, meta, payment_event, registered, seals};
use crate::keys;
use crate::providers::Found;
use ambient::Clock;
use core::time::Duration;
use events::Verdict;
use futures::executor::block_on;
use principal::IfMatch;
use records::Records;

fn say(house: &House, preferences: Preferences) {
    let meta = meta(house);
    block_on(set_preferences(&house.records, ada(), &preferences, &IfMatch::Unconditional, &meta)).unwrap();
}

fn pass(house: &House, duration: Duration) {
    house.clock.advance_ms(i64::try_from(duration.as_millis()).unwrap());
}

const HOUR: Duration = Duration::from_secs(3600);

/// Ada, who has had her welcome.
fn lived() -> House {
    at_home(House::new())
}

fn at_home(house: House) -> House {
    house.hear(&registered(ada()));
    house.deliver();
    house.mailbox.calls.lock().unwrap().clear();
    house.mailbox.taken.lock().unwrap().clear();
    house
}

fn subjects(mailbox: &Mailbox) -> Vec<String> {
    mailbox.calls.lock().unwrap().iter().map(|call| call.2.clone()).collect()
}

/// At midnight in Berlin.
fn night() -> Preferences {
    Preferences {
        zone: Some("Europe/Berlin".into()),
        quiet_hours: QuietHours::new(TimeOfDay::hour(22), TimeOfDay::hour(7)),
        ..Preferences::default()
    }
}

fn not_taken() -> SendOutcome {
    SendOutcome::NotTaken { reason: "status 500".into() }
}

fn lost() -> SendOutcome {
    SendOutcome::Lost { reason: "reset".into() }
}

#[test]
fn a_letter_waits_for_the_morning_and_the_inbox_and_what_is_critical_do_not() {
    let house = lived();
    say(&house, night());
    house.hear(&captured(ada(), "p1"));
    assert_eq!(block_on(unread_count(&house.records, ada())).unwrap().unread, 2, "the inbox makes no noise");
    assert_eq!(house.deliver(), []);
    let told =
        users_wire::PasswordChanged { user_id: ada(), credential_epoch: 2, how: users_wire::PasswordChange::Reset };
    let told = serde_json::to_value(told).unwrap();
    house.hear(&crate::fixtures::envelope(users_wire::PASSWORD_CHANGED, &ada().to_string(), "1.2", told));
    assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
    assert_eq!(subjects(&house.mailbox), ["Your password was changed"]);
    // 01:00 in Berlin at the start: the night is over in six hours.
    pass(&house, HOUR * 6 - Duration::from_millis(1));
    assert_eq!(house.deliver(), []);
    pass(&house, Duration::from_millis(1));
    assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
}

#[test]
fn a_try_that_would_come_at_night_waits_too() {
    let house = lived();
    pass(&house, HOUR * 20 + HOUR * 59 / 60);
    say(&house, night());
    house.hear(&captured(ada(), "p1"));
    house.mailbox.answers.lock().unwrap().push_back(not_taken());
    assert!(matches!(house.deliver()[..], [Ok(Delivered::Again { .. })]), "a minute before ten in the evening");
    pass(&house, HOUR / 60);
    let [Ok(Delivered::Again { at })] = house.deliver()[..] else { panic!("it goes out at night") };
    assert_eq!(at.to_string(), "2026-01-02T06:00:00.000Z");
    assert_eq!(subjects(&house.mailbox).len(), 1);
    pass(&house, HOUR * 9);
    assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
}

#[test]
fn who_changes_their_mind_while_a_letter_waits_does_not_get_it() {
    let house = lived();
    say(&house, night());
    house.hear(&captured(ada(), "p1"));
    say(&house, Preferences { channels: [(Channel::Email, false)].into(), ..Preferences::default() });
    pass(&house, HOUR * 6);
    assert_eq!(house.deliver(), [Ok(Delivered::Nothing)]);
    assert!(subjects(&house.mailbox).is_empty());
}

#[test]
fn what_is_turned_off_stays_off_in_the_inbox_too_and_a_repeated_event_changes_nothing() {
    let house = lived();
    say(
        &house,
        Preferences { categories: [((Kind::PaymentReceipt, Channel::InApp), false)].into(), ..Preferences::default() },
    );
    for _ in 0..3 {
        assert_eq!(house.hear(&captured(ada(), "p1")), Verdict::Done);
    }
    house.deliver();
    assert_eq!(block_on(unread_count(&house.records, ada())).unwrap().unread, 1, "the welcome");
    assert_eq!(subjects(&house.mailbox), ["Receipt: 10.99 EUR"]);
    // A failure is told in the inbox alone, until somebody wants it by letter.
    say(
        &house,
        Preferences { categories: [((Kind::PaymentFailed, Channel::Email), true)].into(), ..Preferences::default() },
    );
    house.hear(&payment_event(payments_wire::PAYMENT_FAILED, ada(), "p2", "1.3"));
    house.deliver();
    assert_eq!(subjects(&house.mailbox).len(), 2);
}

fn daily() -> Preferences {
    Preferences { digests: [(Kind::PaymentReceipt, Rhythm::Daily)].into(), ..Preferences::default() }
}

#[test]
fn letters_of_a_day_come_in_one_and_the_next_day_in_another() {
    let house = lived();
    say(&house, daily());
    for number in 0..3 {
        house.hear(&captured(ada(), &format!("p{number}")));
        pass(&house, HOUR);
    }
    assert_eq!(house.deliver(), []);
    pass(&house, HOUR * 5);
    house.deliver();
    house.deliver();
    assert_eq!(subjects(&house.mailbox), ["Your summary: 3 messages"]);
    assert_eq!(block_on(unread_count(&house.records, ada())).unwrap().unread, 4, "each lies in the inbox at once");
    house.hear(&captured(ada(), "p9"));
    pass(&house, HOUR * 24);
    house.deliver();
    house.deliver();
    assert_eq!(subjects(&house.mailbox), ["Your summary: 3 messages", "Your summary: 1 message"]);
    pass(&house, HOUR * 48);
    assert_eq!((house.deliver(), house.records.timers().len()), (vec![], 0));
}

#[test]
fn more_than_one_summary_holds_comes_in_several_and_none_is_lost() {
    let house = lived();
    say(&house, daily());
    for number in 0..120 {
        house.hear(&captured(ada(), &format!("p{number}")));
        pass(&house, Duration::from_millis(1));
    }
    pass(&house, HOUR * 8);
    for _ in 0..10 {
        house.deliver();
    }
    let all = subjects(&house.mailbox);
    assert_eq!(all[..2], ["Your summary: 50 messages", "Your summary: 50 messages"]);
    pass(&house, HOUR * 24);
    house.deliver();
    house.deliver();
    assert_eq!(subjects(&house.mailbox)[2..], ["Your summary: 20 messages"]);
}

#[test]
fn whoever_dies_while_a_window_is_closed_leaves_one_letter() {
    // The window is fixed, the letter made, two messages marked, the window over: each cut before and after.
    for cut in 0..5 {
        for after in [false, true] {
            let house = lived();
            say(&house, daily());
            house.hear(&captured(ada(), "p0"));
            pass(&house, Duration::from_secs(1));
            house.hear(&captured(ada(), "p1"));
            pass(&house, HOUR * 8);
            let mut mailer = house.mailer.clone();
            mailer.records = house.notifier.records.clone();
            house.fail_commit(cut, after);
            block_on(mailer.deliver_due(house.clock.now())).unwrap();
            pass(&house, HOUR);
            for _ in 0..3 {
                house.deliver();
            }
            assert_eq!(subjects(&house.mailbox), ["Your summary: 2 messages"], "{cut} {after}");
            assert_eq!(block_on(house.records.count(&keys::digest_items(ada(), Kind::PaymentReceipt).unwrap())), Ok(0));
            assert!(house.records.timers().is_empty(), "{cut} {after}");
        }
    }
}

#[test]
fn a_provider_that_does_not_take_it_is_followed_by_the_next_in_the_same_breath() {
    let second = Mailbox::default();
    let house = at_home(House::with(Mailbox::default(), Some(&second)));
    house.hear(&captured(ada(), "p1"));
    house.mailbox.answers.lock().unwrap().push_back(not_taken());
    assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
    assert_eq!((subjects(&house.mailbox).len(), subjects(&second).len()), (1, 1));
    // One whose breaker is open is not asked at all.
    *house.mailbox.breaker.open.lock().unwrap() = true;
    house.hear(&captured(ada(), "p2"));
    assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
    assert_eq!((subjects(&house.mailbox).len(), subjects(&second).len()), (1, 2));
}

#[test]
fn while_one_may_have_it_the_next_is_not_asked() {
    let second = Mailbox::default();
    let house = at_home(House::with(Mailbox::default(), Some(&second)));
    house.hear(&captured(ada(), "p1"));
    house.mailbox.answers.lock().unwrap().extend([lost(), not_taken(), lost()]);
    for _ in 0..4 {
        house.deliver();
        pass(&house, HOUR * 3);
    }
    assert_eq!((house.mailbox.taken.lock().unwrap().len(), subjects(&second).len()), (1, 0));
    assert!(house.records.timers().is_empty());
}

fn forgetful() -> Mailbox {
    Mailbox { forgetful: true, ..Mailbox::default() }
}

#[test]
fn one_that_keeps_no_keys_is_asked_first_whether_it_has_it() {
    let house = at_home(House::with(forgetful(), None));
    for (found, deliveries) in
        [(Found::Taken { provider_id: Some("x".into()) }, 1), (Found::NotThere, 2), (Found::CannotTell, 2)]
    {
        house.hear(&captured(ada(), &format!("{found:?}")));
        house.mailbox.taken.lock().unwrap().clear();
        house.mailbox.answers.lock().unwrap().push_back(lost());
        *house.mailbox.found.lock().unwrap() = Some(found.clone());
        house.deliver();
        pass(&house, Duration::from_secs(60));
        assert_eq!(house.deliver(), [Ok(Delivered::Sent)], "{found:?}");
        assert_eq!(house.mailbox.taken.lock().unwrap().len(), deliveries, "{found:?}");
    }
    // While it cannot say, nothing is repeated.
    house.hear(&captured(ada(), "p9"));
    house.mailbox.taken.lock().unwrap().clear();
    house.mailbox.answers.lock().unwrap().push_back(lost());
    *house.mailbox.found.lock().unwrap() = Some(Found::NotNow);
    for _ in 0..8 {
        house.deliver();
        pass(&house, HOUR * 9);
    }
    assert_eq!(house.mailbox.taken.lock().unwrap().len(), 1);
    assert!(house.records.timers().is_empty(), "and it has an end");
}

#[test]
fn whoever_dies_between_call_and_note_repeats_it_at_most_once_where_no_keys_are_kept() {
    let house = at_home(House::with(forgetful(), None));
    house.hear(&captured(ada(), "p1"));
    for _ in 0..4 {
        // The note before the call is committed, the one after it is not.
        house.records.pause_next_commit(Duration::ZERO);
        house.records.fail_next_commit_before();
        house.deliver();
        pass(&house, HOUR);
    }
    assert_eq!(house.mailbox.taken.lock().unwrap().len(), 2);
    assert!(house.deliver().is_empty() || house.records.timers().is_empty());
}

#[test]
fn an_address_that_its_provider_calls_dead_is_not_tried_again() {
    let house = lived();
    house.hear(&captured(ada(), "p1"));
    let dead = SendOutcome::Rejected { reason: "status 422, error code 406".into(), address_is_dead: true };
    house.mailbox.answers.lock().unwrap().push_back(dead);
    house.deliver();
    let found = block_on(suppression_of(&house.records, &seals(), Channel::Email, "ADA@example.com")).unwrap();
    assert_eq!(found.unwrap().provider, "generic");
    house.hear(&captured(ada(), "p2"));
    assert_eq!(house.deliver(), [Ok(Delivered::Nothing)]);
    assert_eq!(subjects(&house.mailbox).len(), 1);
}

#[test]
fn what_was_set_and_what_was_suppressed_is_exported_and_erased_without_a_trace() {
    let house = lived();
    say(&house, Preferences { zone: Some("Europe/Berlin".into()), ..daily() });
    house.hear(&captured(ada(), "held"));
    house.hear(&payment_event(payments_wire::PAYMENT_REFUNDED, ada(), "p2", "1.5"));
    let dead = SendOutcome::Rejected { reason: "gone".into(), address_is_dead: true };
    house.mailbox.answers.lock().unwrap().push_back(dead);
    house.deliver();
    assert_eq!(house.hear(&export_event()), Verdict::Done);
    let pages = serde_json::to_string(&house.desk.pages().iter().map(|page| &page.2).collect::<Vec<_>>()).unwrap();
    for section in ["\"settings\"", "\"suppressed_addresses\"", "Europe/Berlin", "provider_refused", "held_for_digest"]
    {
        assert!(pages.contains(section), "{section} is not in {pages}");
    }
    assert_eq!(house.hear(&erasure(1)), Verdict::Done);
    let part = house.desk.parts().remove(0).2;
    let count = |what: &str| part.erased.iter().find(|gone| gone.what == what).map(|gone| gone.count);
    assert_eq!((count("messages"), count("suppressed_addresses"), count("settings")), (Some(3), Some(1), Some(1)));
    let bodies = house.records.bodies();
    let traces: Vec<_> = bodies.iter().filter(|body| body.contains("ada@") || body.contains("Berlin")).collect();
    assert!(traces.is_empty(), "{traces:?}");
    for index in [
        keys::log_of(ada()).unwrap(),
        keys::digest_items(ada(), Kind::PaymentReceipt).unwrap(),
        keys::suppressions().unwrap(),
        keys::archived(ada()).unwrap(),
        keys::unread(ada()).unwrap(),
    ] {
        assert_eq!(block_on(house.records.count(&index)), Ok(0), "{index}");
    }
    pass(&house, HOUR * 48);
    house.deliver();
    assert!(house.records.timers().is_empty(), "{:?}", house.records.timers());
    assert_eq!(block_on(known_contact(&house.records, ada())), Ok(Known::Erased));
    assert_eq!(block_on(settings_of(&house.records, ada())).unwrap(), crate::wire::Settings::default());
}
