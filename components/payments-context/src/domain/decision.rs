//! What follows from a decision: the payment afterwards, its event, its ledger legs, its alarms.
//!
//! All of it is computed from the payment before and after, so that no decision can forget one of them.

use super::ledger::legs;
use super::{ItemNews, Leg, Payment, Stage, item_news};
use ambient::Timestamp;
use core::time::Duration;
use payments_wire::PaymentStatus;

/// How long after asking the acquirer somebody looks whether an answer came.
pub(crate) const SETTLE_AFTER: Duration = Duration::from_secs(30);

/// How often an acquirer is asked about an open dispute, besides its own notices: disputes take weeks.
pub(crate) const DISPUTE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What happened to a payment. Since each event carries the snapshot and the version of the record, a change has at most
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentEvent {
    /// It exists.
    PaymentCreated,
    /// The acquirer is asked for the money.
    PaymentProcessing,
    /// The payer has to do something.
    PaymentRequiresAction,
    /// The amount is held.
    PaymentAuthorized,
    /// The money is taken.
    PaymentCaptured,
    /// It was given up.
    PaymentCanceled,
    /// Its time ran out.
    PaymentExpired,
    /// It was declined.
    PaymentFailed,
    /// Part of what was taken was given back.
    PaymentPartiallyRefunded,
    /// All of it was given back.
    PaymentRefunded,
    /// A refund that had been accepted came back.
    PaymentRefundFailed,
    /// The payer's bank disputes it.
    PaymentDisputed,
    /// The dispute ended for the merchant.
    PaymentDisputeWon,
    /// The dispute ended for the payer.
    PaymentChargedBack,
}

/// When a payment wants to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarms {
    /// To ask the acquirer for an answer that is outstanding.
    pub settle: Option<Timestamp>,
    /// To give up what nobody finished in time.
    pub expire: Option<Timestamp>,
}

/// A decision with its consequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The payment afterwards.
    pub payment: Payment,
    /// What the world is told; nothing where the public status stays.
    pub event: Option<PaymentEvent>,
    /// What the ledger is told.
    pub legs: Vec<Leg>,
    /// When to look again.
    pub alarms: Alarms,
    /// What it means for the items that the provider settles.
    pub items: Vec<ItemNews>,
}

impl Decision {
    /// The decision that leads from one payment to the next at `now`; from nothing, for a new one.
    pub fn between(before: Option<&Payment>, after: Payment, now: Timestamp) -> Self {
        Self {
            event: event_between(before, &after),
            legs: legs(before, &after),
            alarms: alarms(&after, now),
            items: item_news(before, &after),
            payment: after,
        }
    }
}

/// The event that announces a change; nothing where nobody outside could see one.
fn event_between(before: Option<&Payment>, after: &Payment) -> Option<PaymentEvent> {
    let Some(before) = before else { return Some(event_of(after.status())) };
    let changed = before.status() != after.status();
    let (was, is) = (before.refunded().minor(), after.refunded().minor());
    let in_dispute =
        |payment: &Payment| matches!(payment.status(), PaymentStatus::Disputed | PaymentStatus::ChargedBack);
    if changed && in_dispute(after) {
        return Some(event_of(after.status()));
    }
    if in_dispute(before) && !in_dispute(after) {
        return Some(PaymentEvent::PaymentDisputeWon);
    }
    // Money that came back or left again is told also where the status stays, so that no snapshot grows old.
    if is < was {
        return Some(PaymentEvent::PaymentRefundFailed);
    }
    if is > was && !changed {
        return Some(PaymentEvent::PaymentPartiallyRefunded);
    }
    changed.then(|| event_of(after.status()))
}

/// The event that announces a status.
fn event_of(status: PaymentStatus) -> PaymentEvent {
    match status {
        PaymentStatus::RequiresConfirmation => PaymentEvent::PaymentCreated,
        PaymentStatus::Processing => PaymentEvent::PaymentProcessing,
        PaymentStatus::RequiresAction => PaymentEvent::PaymentRequiresAction,
        PaymentStatus::Authorized => PaymentEvent::PaymentAuthorized,
        PaymentStatus::Captured => PaymentEvent::PaymentCaptured,
        PaymentStatus::Canceled => PaymentEvent::PaymentCanceled,
        PaymentStatus::Expired => PaymentEvent::PaymentExpired,
        PaymentStatus::Failed => PaymentEvent::PaymentFailed,
        PaymentStatus::PartiallyRefunded => PaymentEvent::PaymentPartiallyRefunded,
        PaymentStatus::Refunded => PaymentEvent::PaymentRefunded,
        PaymentStatus::Disputed => PaymentEvent::PaymentDisputed,
        PaymentStatus::ChargedBack => PaymentEvent::PaymentChargedBack,
    }
}

/// When to look again. A pending step wants its answer before anything expires.
fn alarms(payment: &Payment, now: Timestamp) -> Alarms {
    match (&payment.pending, &payment.stage) {
        (Some(pending), _) => Alarms { settle: Some(pending.since.plus(SETTLE_AFTER)), expire: None },
        (None, Stage::RequiresAction { until, .. }) => {
            Alarms { settle: Some(now.plus(SETTLE_AFTER)), expire: Some(*until) }
        }
        (None, Stage::Authorized { until }) => Alarms { settle: None, expire: Some(*until) },
        (None, Stage::Captured { .. }) if payment.waits_for_others() => {
            Alarms { settle: Some(now.plus(DISPUTE_EVERY)), expire: None }
        }
        (
            None,
            Stage::RequiresConfirmation
            | Stage::Captured { .. }
            | Stage::Canceled
            | Stage::Expired
            | Stage::Failed { .. },
        ) => Alarms { settle: None, expire: None },
    }
}
