//! What the acquirer did against what we say it did, and what the payer was told.

use super::Checked;
use crate::reading::Payment;
use crate::{Reading, Record};

/// One charge an intent, and the same amounts on both sides.
pub const CHARGED_ONCE: &str = "one charge a payment at the acquirer, with the same amounts";
/// Captured ≤ authorised, refunded ≤ captured.
pub const WITHIN: &str = "captured ≤ asked, refunded ≤ captured, here and at the acquirer";
/// I9 for receipts.
pub const ONE_RECEIPT: &str = "one receipt a captured payment, none of another (I9)";
/// I11 for payments.
pub const SETTLED: &str = "no payment and no refund waits for an answer (I11)";

pub fn check(checked: &mut Checked, record: &Record, reading: &Reading) {
    for (id, payment) in &reading.payments {
        within(checked, id, payment);
        charged(checked, id, payment, reading);
        let receipts = reading.receipts.get(id).copied().unwrap_or_default();
        let wanted = u64::from(payment.captured_minor > 0);
        checked.that(receipts == wanted, ONE_RECEIPT, id, || format!("{receipts} receipts, {}", payment.status));
        let pending = payment.refunds.iter().any(|refund| refund.status == "pending");
        let waits = pending || payment.status == "processing" || is_under_way(payment);
        checked.that(!waits, SETTLED, id, || format!("{} with {:?}", payment.status, payment.refunds));
    }
    for (id, receipts) in &reading.receipts {
        checked.that(record.orders.contains_key(id), ONE_RECEIPT, id, || format!("{receipts} receipts for nothing"));
    }
}

/// A hold without an open move: a capture or a cancellation is under way.
fn is_under_way(payment: &Payment) -> bool {
    payment.status == "authorized" && payment.allowed.is_empty()
}

fn within(checked: &mut Checked, id: &str, payment: &Payment) {
    let Payment { amount_minor, captured_minor, refunded_minor, .. } = payment;
    let stands = payment.refunds.iter().filter(|refund| refund.status == "succeeded");
    let given: i64 = stands.map(|refund| refund.amount_minor).sum();
    let holds = (0..=*amount_minor).contains(captured_minor)
        && (0..=*captured_minor).contains(refunded_minor)
        && given == *refunded_minor;
    checked.that(holds, WITHIN, id, || {
        format!("asked {amount_minor}, captured {captured_minor}, refunded {refunded_minor} ({given} in its list)")
    });
}

fn charged(checked: &mut Checked, id: &str, payment: &Payment, reading: &Reading) {
    let Some((total, charges)) = reading.charges.get(id) else {
        checked.that(false, CHARGED_ONCE, id, || "the acquirer was not asked about it".to_owned());
        return;
    };
    let Some(charge) = charges.first() else {
        // Nobody was asked for money, or the acquirer refused to make a charge at all.
        let without = matches!(payment.status.as_str(), "requires_confirmation" | "canceled" | "failed");
        checked.that(without, CHARGED_ONCE, id, || format!("{} without a charge", payment.status));
        return;
    };
    checked.that(*total == 1, CHARGED_ONCE, id, || format!("{total} charges"));
    let within = (0..=charge.amount_minor).contains(&charge.captured_minor)
        && (0..=charge.captured_minor).contains(&charge.refunded_minor);
    checked.that(within, WITHIN, id, || format!("at the acquirer: {charge:?}"));
    let dispute = payment.dispute.as_ref().map(|(_, status)| status);
    let mut ours: Vec<_> = payment.refunds.iter().map(|refund| (&refund.id, refund.amount_minor)).collect();
    // A refund that the acquirer refused has no trace there.
    ours.retain(|(id, _)| charge.refunds.iter().any(|known| known.id == **id));
    let theirs: Vec<_> = charge.refunds.iter().map(|refund| (&refund.id, refund.amount_minor)).collect();
    let same = charge.amount_minor == payment.amount_minor
        && charge.captured_minor == payment.captured_minor
        && charge.refunded_minor == payment.refunded_minor
        && charge.dispute.as_ref() == dispute
        && ours == theirs;
    checked.that(same, CHARGED_ONCE, id, || format!("ours {payment:?}, the acquirer's {charge:?}"));
}
