//! The checks of a flood: every event was told once, and each of its effects is there once, under the name that its cause
//! gives it.

use super::{Plan, Wanted};
use crate::Checked;
use crate::reading::{Event, Waiting};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Every event that was acknowledged is in the stream, once, in the order of versions.
pub const TOLD_ONCE: &str = "every event is told once, in the order of versions (I6, I7)";
/// One message a person and event, under its derived name.
pub const ONE_MESSAGE: &str = "one message in the inbox an event, by count and by name (I9)";
/// The messages announce themselves once.
pub const ANNOUNCED_ONCE: &str = "one event a message, and none without a message (I6)";
/// One letter a captured payment, under its derived name.
pub const ONE_LETTER: &str = "one letter an event that has one, by count and by name (I9)";
/// The read model shows each payment at its last version, in the one list that it belongs to.
pub const PROJECTED: &str = "the read model shows each payment once, at its last event (I7, I10)";
/// What adds up adds up once.
pub const COUNTED: &str = "what is added up is added once (I3)";
/// Nothing is left behind.
pub const DRAINED: &str = "nothing waits after the faults (I11)";

/// A payment in the read model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stands {
    /// The lists by status that it is in.
    pub lists: BTreeSet<String>,
    /// How often the list of all has it.
    pub times: u64,
}

/// What the read model has of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Projected {
    /// Payments, by name.
    pub payments: BTreeMap<String, Stands>,
    /// Messages that it knows of.
    pub messages: BTreeSet<String>,
    /// What it adds up as captured. **Units** minor.
    pub captured_minor: i64,
}

/// The effects on one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Effects {
    /// Names of the messages in the inbox, each as often as the inbox has it.
    pub inbox: BTreeMap<String, u64>,
    /// Names of those that are unread.
    pub unread: BTreeSet<String>,
    /// The read model.
    pub projected: Projected,
}

/// Everything that is found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Found {
    /// Events of payments, in the order of the stream.
    pub events: Vec<Event>,
    /// Name and version of the message of each event of the inboxes, in the order of the stream.
    pub announced: Vec<(String, (u32, u64))>,
    /// By person.
    pub people: BTreeMap<String, Effects>,
    /// Messages that a person had before the flood, such as the welcome.
    pub before: BTreeMap<String, BTreeSet<String>>,
    /// Letters at the provider, each as often as it is there.
    pub letters: BTreeMap<String, u64>,
    /// Letters that were there before the flood.
    pub letters_before: BTreeSet<String>,
    /// What still waits.
    pub waiting: Waiting,
}

/// Holds everything against everything.
pub fn check(plan: &Plan, found: &Found) -> Checked {
    let mut checked = Checked::default();
    let told = told(&mut checked, plan, found);
    let mut expected: BTreeMap<String, Expected> = BTreeMap::new();
    let mut letters = BTreeSet::new();
    for number in 0..plan.payments() {
        let wanted = plan.wanted(number);
        let payment = wanted.payment.to_string();
        let person = expected.entry(wanted.user.to_string()).or_default();
        person.captured_minor += wanted.captured_minor;
        if let Some(event) = told.get(payment.as_str()) {
            person.messages.insert(Plan::message(event, &wanted, "in_app").to_string());
            if wanted.is_captured {
                letters.insert(Plan::letter(event, &wanted));
            }
        }
        person.payments.insert(payment, status(&wanted));
    }
    for (person, expected) in &expected {
        let nothing = Effects::default();
        let effects = found.people.get(person).unwrap_or(&nothing);
        let before = found.before.get(person).cloned().unwrap_or_default();
        inbox(&mut checked, person, expected, effects, &before);
        projected(&mut checked, person, expected, effects, &before);
    }
    announced(&mut checked, &expected, found);
    for letter in &letters {
        let times = found.letters.get(letter).copied().unwrap_or_default();
        checked.that(times == 1, ONE_LETTER, letter, || format!("{times} times at the provider"));
    }
    for letter in found.letters.keys().filter(|letter| !found.letters_before.contains(*letter)) {
        checked.that(letters.contains(letter), ONE_LETTER, letter, || "nobody caused it".to_owned());
    }
    checked.that(found.waiting.0.is_empty(), DRAINED, "", || format!("{:?}", found.waiting.0));
    checked
}

/// What must be there of one person.
#[derive(Default)]
struct Expected {
    messages: BTreeSet<String>,
    payments: BTreeMap<String, &'static str>,
    captured_minor: i64,
}

fn status(wanted: &Wanted) -> &'static str {
    if wanted.is_captured { "captured" } else { "failed" }
}

/// The name of the last event of each payment.
fn told<'a>(checked: &mut Checked, plan: &Plan, found: &'a Found) -> BTreeMap<&'a str, &'a str> {
    let mut names = BTreeSet::new();
    let mut histories: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in &found.events {
        checked.that(names.insert(&event.id), TOLD_ONCE, &event.subject, || format!("{} comes twice", event.id));
        histories.entry(&event.subject).or_default().push(event);
    }
    let mut last = BTreeMap::new();
    for number in 0..plan.payments() {
        let wanted = plan.wanted(number);
        let payment = wanted.payment.to_string();
        let Some((payment, history)) = histories.remove_entry(payment.as_str()) else {
            checked.that(false, TOLD_ONCE, &payment, || "no event tells of it".to_owned());
            continue;
        };
        let versions: Vec<u64> = history.iter().map(|event| event.version.1).collect();
        checked.that(versions == [1, 2], TOLD_ONCE, payment, || format!("its versions are {versions:?}"));
        let ended = history.iter().rfind(|event| event.kind == Plan::last_kind(&wanted));
        checked.that(ended.is_some(), TOLD_ONCE, payment, || format!("nothing says {}", status(&wanted)));
        last.extend(ended.map(|event| (payment, event.id.as_str())));
    }
    for payment in histories.keys() {
        checked.that(false, TOLD_ONCE, payment, || "nobody told of it".to_owned());
    }
    last
}

fn inbox(checked: &mut Checked, person: &str, expected: &Expected, effects: &Effects, before: &BTreeSet<String>) {
    for message in &expected.messages {
        let times = effects.inbox.get(message).copied().unwrap_or_default();
        checked.that(times == 1, ONE_MESSAGE, message, || format!("{times} times in the inbox of {person}"));
    }
    for message in effects.inbox.keys().filter(|message| !before.contains(*message)) {
        let is_expected = expected.messages.contains(message);
        checked.that(is_expected, ONE_MESSAGE, message, || format!("in the inbox of {person}, and nobody caused it"));
    }
    let (count, wanted) = (effects.inbox.values().sum::<u64>(), (expected.messages.len() + before.len()) as u64);
    checked.that(count == wanted, ONE_MESSAGE, person, || format!("{count} messages instead of {wanted}"));
    let unread = effects.unread.len() as u64;
    checked.that(unread == wanted, ONE_MESSAGE, person, || format!("{unread} unread instead of {wanted}"));
}

fn projected(checked: &mut Checked, person: &str, expected: &Expected, effects: &Effects, before: &BTreeSet<String>) {
    let Projected { payments, messages, captured_minor } = &effects.projected;
    for (payment, status) in &expected.payments {
        let Some(Stands { lists, times }) = payments.get(payment) else {
            checked.that(false, PROJECTED, payment, || "it is not there".to_owned());
            continue;
        };
        let is_right = *times == 1 && lists.len() == 1 && lists.contains(*status);
        checked.that(is_right, PROJECTED, payment, || {
            format!("{times} times, in the lists {lists:?} instead of {status}")
        });
    }
    let (many, wanted) = (payments.len(), expected.payments.len());
    checked.that(many == wanted, PROJECTED, person, || format!("{many} payments instead of {wanted}"));
    let all: BTreeSet<_> = expected.messages.union(before).cloned().collect();
    checked.that(*messages == all, PROJECTED, person, || {
        let missing = all.difference(messages).count();
        format!("of {} messages {missing} are missing, and {} are there", all.len(), messages.len())
    });
    let wanted = expected.captured_minor;
    checked.that(*captured_minor == wanted, COUNTED, person, || format!("{captured_minor} instead of {wanted}"));
}

/// Each message tells of itself once, at its first version.
fn announced(checked: &mut Checked, expected: &BTreeMap<String, Expected>, found: &Found) {
    let mut times: BTreeMap<&str, u64> = BTreeMap::new();
    for (message, version) in &found.announced {
        *times.entry(message).or_default() += 1;
        checked.that(version.1 == 1, ANNOUNCED_ONCE, message, || format!("announced at version {version:?}"));
    }
    let before = found.before.values().flatten();
    let all: BTreeSet<&String> = expected.values().flat_map(|person| &person.messages).chain(before).collect();
    for message in &all {
        let times = times.get(message.as_str()).copied().unwrap_or_default();
        checked.that(times == 1, ANNOUNCED_ONCE, message, || format!("announced {times} times"));
    }
    for message in times.keys().filter(|message| !all.contains(&(**message).to_owned())) {
        checked.that(false, ANNOUNCED_ONCE, message, || "announced, and nobody caused it".to_owned());
    }
}
