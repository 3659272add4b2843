//! What was acknowledged is there, once, in that state or in one that may follow it; what is sent again is answered as
//! before.

use super::Checked;
use crate::reading::{Payment, Refund};
use crate::states::States;
use crate::{Call, Deed, Ended, Reading, Record};
use serde_json::Value;
use std::collections::BTreeMap;

/// No acknowledged answer is lost (D1).
pub const KEPT: &str = "what was acknowledged is there, or what may follow it (D1)";
/// I3 and I4: one effect a key, none of a refusal.
pub const ONCE: &str = "one effect a key, none of a refusal (I3, I4)";
/// A stored answer is given again byte for byte.
pub const REPLAYED: &str = "the same request is answered byte for byte as before (I3)";
/// I11 for clients: every call ended.
pub const ENDED: &str = "every call has an answer in the end (I11)";

pub fn check(checked: &mut Checked, record: &Record, reading: &Reading) {
    let (payments, payouts) = (States::of_payments(), States::of_payouts());
    for call in &record.calls {
        checked.that(call.ended != Ended::Open, ENDED, call.about.as_deref().unwrap_or(&call.key), || {
            format!("{} under {} has no answer after {} tries", call.deed.word(), call.key, call.tries)
        });
        let Some(promise) = call.promise() else { continue };
        let about = call.about.as_deref().unwrap_or_default();
        match call.deed {
            Deed::Create | Deed::Confirm | Deed::Capture | Deed::Cancel | Deed::Refund => {
                let found = reading.payments.get(about);
                let broken =
                    found.map_or_else(|| Some("it is gone".to_owned()), |found| broken(&payments, &promise, found));
                checked.that(broken.is_none(), KEPT, about, || {
                    format!("{} was acknowledged with {promise}, but {}", call.deed.word(), broken.unwrap_or_default())
                });
            }
            Deed::Payout | Deed::MovePayout => {
                let found = reading.payouts.get(about);
                let (was, amount) = (text(&promise, "status"), minor(&promise, "amount_minor"));
                let holds = found.is_some_and(|(is, minor, _)| payouts.may_become(&was, is) && *minor == amount);
                checked.that(holds, KEPT, about, || format!("{promise} was acknowledged, found {found:?}"));
            }
        }
    }
    effects(checked, record, reading);
    let promised = record.calls.iter().filter_map(|call| match &call.ended {
        Ended::Acknowledged { status, text } => Some((call.key.as_str(), (*status, text))),
        Ended::Refused { .. } | Ended::Open => None,
    });
    let promised: BTreeMap<&str, (u16, &String)> = promised.collect();
    for replay in &reading.replays {
        let Some((status, before)) = promised.get(replay.key.as_str()) else { continue };
        let same = replay.status == *status && replay.text == **before && replay.marked;
        checked.that(same, REPLAYED, &replay.key, || {
            format!("{status} {before} became {} {} (marked: {})", replay.status, replay.text, replay.marked)
        });
    }
}

/// How a payment breaks a promise about it, if it does.
fn broken(states: &States, promise: &Value, found: &Payment) -> Option<String> {
    let was = text(promise, "status");
    if !states.may_become(&was, &found.status) {
        return Some(format!("{} cannot follow {was}", found.status));
    }
    if minor(promise, "amount_minor") != found.amount_minor || text(promise, "currency") != found.currency {
        return Some(format!("it is over {} {}", found.amount_minor, found.currency));
    }
    let captured = minor(promise, "captured_minor");
    if captured > 0 && captured != found.captured_minor {
        return Some(format!("{} is captured", found.captured_minor));
    }
    let refunds = promise.get("refunds").and_then(Value::as_array).cloned().unwrap_or_default();
    refunds.iter().find_map(|refund| {
        let (id, amount, status) = (text(refund, "id"), minor(refund, "amount_minor"), text(refund, "status"));
        let fits = |known: &&Refund| known.id == id && known.amount_minor == amount;
        match found.refunds.iter().find(fits) {
            None => Some(format!("the refund {id} over {amount} is gone")),
            Some(known) if status == "failed" && known.status != "failed" => Some(format!("the refund {id} un-failed")),
            Some(_) => None,
        }
    })
}

/// As many payments, refunds and payouts as were asked for, and none that was refused.
fn effects(checked: &mut Checked, record: &Record, reading: &Reading) {
    let of = |deed: Deed| record.calls.iter().filter(move |call| call.deed == deed);
    let is_promised = |call: &&Call| matches!(call.ended, Ended::Acknowledged { .. });
    let may_be = |call: &&Call| !matches!(call.ended, Ended::Refused { .. });
    for (who, counted) in &reading.counted {
        let theirs = || of(Deed::Create).filter(|call| call.who == Some(*who));
        let (least, most) = (theirs().filter(is_promised).count() as u64, theirs().filter(may_be).count() as u64);
        checked.that((least..=most).contains(counted), ONCE, &format!("client {who}"), || {
            format!("{counted} payments of {least} to {most} creations")
        });
    }
    let payouts = reading.payouts.len();
    let (least, most) = (of(Deed::Payout).filter(is_promised).count(), of(Deed::Payout).filter(may_be).count());
    checked.that((least..=most).contains(&payouts), ONCE, "payouts", || {
        format!("{payouts} payouts of {least} to {most} requests")
    });
    let mut refunds: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in of(Deed::Refund) {
        refunds.entry(call.about.as_deref().unwrap_or_default()).or_default().push(call);
    }
    for (id, payment) in &reading.payments {
        let asked = refunds.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let sum = |calls: &mut dyn Iterator<Item = &&Call>| -> i64 {
            calls.map(|call| minor(&call.body, "amount_minor")).sum()
        };
        let least = sum(&mut asked.iter().filter(|call| is_promised(call)));
        // What the acquirer refuses after it was begun is listed as failed; what was refused at once is not there.
        let most = sum(&mut asked.iter().filter(|call| !is_refused_at_once(call)));
        let found: i64 = payment.refunds.iter().map(|refund| refund.amount_minor).sum();
        let number = asked.iter().filter(|call| !is_refused_at_once(call)).count();
        checked.that((least..=most).contains(&found) && payment.refunds.len() <= number, ONCE, id, || {
            format!("{} refunds over {found}, of {number} requests over {least} to {most}", payment.refunds.len())
        });
    }
}

fn is_refused_at_once(call: &Call) -> bool {
    matches!(&call.ended, Ended::Refused { kind, .. } if kind != "acquirer-refused")
}

fn text(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn minor(value: &Value, member: &str) -> i64 {
    value.get(member).and_then(Value::as_i64).unwrap_or_default()
}
