//! Events: each change has one, in order, and together they are the payment's history.

use super::Checked;
use crate::Reading;
use crate::reading::Event;
use crate::states::States;
use std::collections::{BTreeMap, BTreeSet};

/// I6 and I7: one name an event, versions of a payment only increase.
pub const NAMED_ONCE: &str = "one event a change, in the order of versions (I6, I7)";
/// I8: only listed edges.
pub const LISTED: &str = "the history of a payment follows the arrows of the diagram (I8)";

/// The events after which a payment may be in the state in which it was.
const STAYS: [&str; 4] = ["partially_refunded", "refund_failed", "dispute_won", "charged_back"];

pub fn check(checked: &mut Checked, reading: &Reading) {
    let mut names = BTreeSet::new();
    let mut histories: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in &reading.events {
        checked.that(names.insert(&event.id), NAMED_ONCE, &event.subject, || format!("{} comes twice", event.id));
        histories.entry(&event.subject).or_default().push(event);
    }
    let states = States::of_payments();
    for (id, payment) in &reading.payments {
        let history = histories.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let first = history.first().map(|event| event.status.as_str());
        checked.that(first == Some("requires_confirmation"), LISTED, id, || format!("it begins with {first:?}"));
        for pair in history.windows(2) {
            let [before, after] = pair else { continue };
            checked.that(before.version < after.version, NAMED_ONCE, id, || {
                format!("{:?} after {:?}", after.version, before.version)
            });
            let word = after.kind.split('.').nth(2).unwrap_or_default();
            let listed = states.has_arrow(&before.status, &after.status)
                || before.status == after.status && STAYS.contains(&word);
            checked.that(listed, LISTED, id, || format!("{} → {} by {word}", before.status, after.status));
        }
        let last = history.last().map(|event| event.status.as_str());
        checked.that(last == Some(payment.status.as_str()), NAMED_ONCE, id, || {
            format!("it is {}, the last event says {last:?}", payment.status)
        });
        let captures = history.iter().filter(|event| event.kind.contains(".captured.")).count();
        checked.that(captures == usize::from(payment.captured_minor > 0), NAMED_ONCE, id, || {
            format!("{captures} events of its capture, {} captured", payment.captured_minor)
        });
    }
}
