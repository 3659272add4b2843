//! What a caller or the clock may want of a payment, and whether it may be.

use super::{Decision, DisputeStanding, MAX_REFUNDS, Payment, Pending, RefundId, RefundReason, Stage, Step};
use ambient::Timestamp;
use core::fmt;
use money::Money;
use payments_wire::PaymentStatus;

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The payer means it: ask the acquirer. After a required action: ask how it went.
    ConfirmPayment,
    /// Take what is held.
    CapturePayment {
        /// How much of it, in minor units; all of it where nothing is said.
        amount_minor: Option<i64>,
    },
    /// Give it up.
    CancelPayment,
    /// Give back what was taken, or part of it.
    RefundPayment {
        /// How much, in minor units; all that is left where nothing is said.
        amount_minor: Option<i64>,
        /// Why.
        reason: Option<RefundReason>,
    },
    /// The clock says that its time ran out.
    ExpirePayment,
}

/// A move that a caller can make, by its name in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// `confirm`.
    Confirm,
    /// `capture`.
    Capture,
    /// `cancel`.
    Cancel,
    /// `refunds`.
    Refund,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirm => "confirm",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
        })
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The payment is not where the move could start.
    #[error("the payment does not stand where this move starts")]
    IllegalMove {
        /// Where it stands.
        status: PaymentStatus,
        /// What could be done instead; nothing while the acquirer's answer is awaited and after the end.
        allowed: &'static [Move],
        /// The step whose answer is awaited.
        awaiting: Option<&'static str>,
    },
    /// The hold ran out; the payment will be expired shortly.
    #[error("the hold ran out at {until}")]
    HoldExpired {
        /// When.
        until: Timestamp,
    },
    /// More than is held, or nothing.
    #[error("between 1 and {held} can be captured")]
    CaptureOutOfRange {
        /// What is held.
        held: Money,
    },
    /// More than is left to give back, or nothing.
    #[error("between 1 and {refundable} can be refunded")]
    RefundOutOfRange {
        /// What is left.
        refundable: Money,
    },
    /// As many refunds as a payment may have.
    #[error("a payment has at most {MAX_REFUNDS} refunds")]
    TooManyRefunds,
    /// The clock of the timer ran ahead.
    #[error("nothing expires before {until}")]
    NotDue {
        /// When it does.
        until: Timestamp,
    },
}

/// What can be done with a payment now.
pub fn allowed(payment: &Payment) -> &'static [Move] {
    if payment.pending.is_some() {
        return &[];
    }
    match payment.stage {
        Stage::RequiresConfirmation | Stage::RequiresAction { .. } => &[Move::Confirm, Move::Cancel],
        Stage::Authorized { .. } => &[Move::Capture, Move::Cancel],
        // A disputed payment is in the bank's hands: what is refunded meanwhile might be paid twice.
        Stage::Captured { .. } if payment.dispute_standing() == Some(DisputeStanding::Open) => &[],
        Stage::Captured { .. } if payment.refundable().minor() > 0 && payment.refunds.len() < MAX_REFUNDS => {
            &[Move::Refund]
        }
        Stage::Captured { .. } | Stage::Canceled | Stage::Expired | Stage::Failed { .. } => &[],
    }
}

/// Decides. Where the payment afterwards has a pending step, the acquirer has to be asked next.
///
/// # Errors
/// [`Refusal`]; nothing happened.
pub fn decide(payment: &Payment, command: Command, now: Timestamp) -> Result<Decision, Refusal> {
    let awaiting = payment.pending.map(|pending| pending.step.word());
    let illegal = || Refusal::IllegalMove { status: payment.status(), allowed: allowed(payment), awaiting };
    if payment.pending.is_some() {
        return Err(illegal());
    }
    let begin = |step| {
        let mut next = payment.clone();
        next.pending = Some(Pending { step, since: now });
        next.steps_begun = next.steps_begun.saturating_add(1);
        Decision::between(Some(payment), next, now)
    };
    match (command, &payment.stage) {
        (Command::ConfirmPayment, Stage::RequiresConfirmation | Stage::RequiresAction { .. }) => {
            Ok(begin(Step::Authorize))
        }
        (Command::CapturePayment { amount_minor }, Stage::Authorized { until }) => {
            if *until <= now {
                return Err(Refusal::HoldExpired { until: *until });
            }
            let held = payment.held();
            let wanted = amount_minor.unwrap_or(held.minor());
            if !(1..=held.minor()).contains(&wanted) {
                return Err(Refusal::CaptureOutOfRange { held });
            }
            let amount = Money::new(wanted, held.currency()).map_err(|_| Refusal::CaptureOutOfRange { held })?;
            Ok(begin(Step::Capture { amount }))
        }
        // Nobody was asked for money yet: there is nothing to give back, and nobody to ask.
        (Command::CancelPayment, Stage::RequiresConfirmation) => {
            let next = Payment { stage: Stage::Canceled, ..payment.clone() };
            Ok(Decision::between(Some(payment), next, now))
        }
        (Command::CancelPayment, Stage::RequiresAction { .. } | Stage::Authorized { .. }) => Ok(begin(Step::Cancel)),
        (Command::RefundPayment { amount_minor, reason }, Stage::Captured { .. }) => {
            if payment.refunds.len() >= MAX_REFUNDS {
                return Err(Refusal::TooManyRefunds);
            }
            if !allowed(payment).contains(&Move::Refund) {
                return Err(illegal());
            }
            let refundable = payment.refundable();
            let wanted = amount_minor.unwrap_or(refundable.minor());
            if !(1..=refundable.minor()).contains(&wanted) {
                return Err(Refusal::RefundOutOfRange { refundable });
            }
            let amount =
                Money::new(wanted, refundable.currency()).map_err(|_| Refusal::RefundOutOfRange { refundable })?;
            let number = payment.steps_begun.to_be_bytes();
            let id = RefundId::derived(payment.id.partition(), &[payment.id.to_string().as_bytes(), &number]);
            Ok(begin(Step::Refund { id, amount, reason }))
        }
        (Command::ExpirePayment, Stage::RequiresAction { until, .. } | Stage::Authorized { until }) => {
            if now < *until {
                return Err(Refusal::NotDue { until: *until });
            }
            Ok(begin(Step::Expire))
        }
        (
            Command::ConfirmPayment
            | Command::CapturePayment { .. }
            | Command::CancelPayment
            | Command::RefundPayment { .. }
            | Command::ExpirePayment,
            _,
        ) => Err(illegal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PaymentEvent;
    use crate::domain::properties::{at, dispute_of, eur, payment_in, refund_of};

    /// Given a stage, when a command comes, then …
    fn when(stage: Stage, command: Command) -> Result<Decision, Refusal> {
        decide(&payment_in(stage), command, at(0))
    }

    #[test]
    fn a_confirmation_asks_the_acquirer_and_says_so() {
        let decision = when(Stage::RequiresConfirmation, Command::ConfirmPayment).unwrap();
        assert_eq!(decision.payment.status(), PaymentStatus::Processing);
        assert_eq!(decision.event, Some(PaymentEvent::PaymentProcessing));
        assert_eq!(decision.alarms.settle, Some(at(30)));
        assert!(decision.legs.is_empty());
    }

    #[test]
    fn a_capture_keeps_the_hold_until_the_acquirer_has_answered() {
        let decision =
            when(Stage::Authorized { until: at(60) }, Command::CapturePayment { amount_minor: Some(400) }).unwrap();
        assert_eq!(decision.payment.status(), PaymentStatus::Authorized);
        assert_eq!(decision.payment.pending.map(|pending| pending.step), Some(Step::Capture { amount: eur(400) }));
        assert_eq!((decision.event, decision.legs.len()), (None, 0));
        assert_eq!(decision.alarms.expire, None);
    }

    #[test]
    fn refuses_to_capture_nothing_or_more_than_is_held() {
        for amount_minor in [i64::MIN, -1, 0, 1001, i64::MAX] {
            assert_eq!(
                when(Stage::Authorized { until: at(60) }, Command::CapturePayment { amount_minor: Some(amount_minor) }),
                Err(Refusal::CaptureOutOfRange { held: eur(1000) })
            );
        }
    }

    #[test]
    fn refuses_a_capture_after_the_hold_ran_out() {
        assert_eq!(
            when(Stage::Authorized { until: at(0) }, Command::CapturePayment { amount_minor: None }),
            Err(Refusal::HoldExpired { until: at(0) })
        );
    }

    #[test]
    fn refuses_a_second_capture_and_names_what_is_left() {
        assert_eq!(
            when(Stage::Captured { captured: eur(1000) }, Command::CapturePayment { amount_minor: None }),
            Err(Refusal::IllegalMove { status: PaymentStatus::Captured, allowed: &[Move::Refund], awaiting: None })
        );
        assert_eq!(
            when(Stage::RequiresConfirmation, Command::CapturePayment { amount_minor: None }),
            Err(Refusal::IllegalMove {
                status: PaymentStatus::RequiresConfirmation,
                allowed: &[Move::Confirm, Move::Cancel],
                awaiting: None
            })
        );
    }

    #[test]
    fn cancels_at_once_what_nobody_was_asked_for() {
        let decision = when(Stage::RequiresConfirmation, Command::CancelPayment).unwrap();
        assert_eq!((decision.payment.pending, decision.event), (None, Some(PaymentEvent::PaymentCanceled)));
    }

    #[test]
    fn nothing_expires_early_and_nothing_ended_expires() {
        assert_eq!(
            when(Stage::Authorized { until: at(1) }, Command::ExpirePayment),
            Err(Refusal::NotDue { until: at(1) })
        );
        assert!(matches!(when(Stage::Canceled, Command::ExpirePayment), Err(Refusal::IllegalMove { .. })));
        let decision = when(Stage::Authorized { until: at(0) }, Command::ExpirePayment).unwrap();
        assert_eq!(decision.payment.pending.map(|pending| pending.step), Some(Step::Expire));
    }

    #[test]
    fn nothing_can_be_done_while_an_answer_is_awaited() {
        let pending = when(Stage::RequiresConfirmation, Command::ConfirmPayment).unwrap().payment;
        for command in [Command::ConfirmPayment, Command::CancelPayment, Command::ExpirePayment] {
            assert_eq!(
                decide(&pending, command, at(1)),
                Err(Refusal::IllegalMove {
                    status: PaymentStatus::Processing,
                    allowed: &[],
                    awaiting: Some("confirm")
                })
            );
        }
    }

    fn refund(amount_minor: Option<i64>) -> Command {
        Command::RefundPayment { amount_minor, reason: None }
    }

    fn captured_with(refunded_minor: i64) -> Payment {
        let mut payment = payment_in(Stage::Captured { captured: eur(900) });
        payment.refunds.push(refund_of(refunded_minor));
        payment
    }

    #[test]
    fn a_refund_is_set_aside_until_the_acquirer_has_answered() {
        let decision = decide(&captured_with(300), refund(Some(500)), at(1)).unwrap();
        assert_eq!((decision.payment.refunding(), decision.payment.refundable()), (eur(500), eur(100)));
        assert_eq!((decision.event, decision.alarms.settle), (None, Some(at(31))));
        let legs: Vec<_> =
            decision.legs.iter().map(|leg| (leg.account.role, leg.posted_minor, leg.held_minor)).collect();
        assert_eq!(legs, [(crate::domain::Role::Merchant, -500, 0), (crate::domain::Role::Refunds, 500, 0)]);
        assert!(matches!(
            decide(&decision.payment, refund(Some(1)), at(2)),
            Err(Refusal::IllegalMove { allowed: &[], awaiting: Some("refund"), .. })
        ));
    }

    #[test]
    fn never_more_is_refunded_than_is_left_and_all_of_it_where_nothing_is_said() {
        for bad in [i64::MIN, 0, 601, i64::MAX] {
            assert_eq!(
                decide(&captured_with(300), refund(Some(bad)), at(1)),
                Err(Refusal::RefundOutOfRange { refundable: eur(600) })
            );
        }
        assert_eq!(decide(&captured_with(300), refund(None), at(1)).unwrap().payment.refunding(), eur(600));
        assert!(matches!(
            decide(&captured_with(900), refund(None), at(1)),
            Err(Refusal::IllegalMove { status: PaymentStatus::Refunded, allowed: &[], awaiting: None })
        ));
    }

    #[test]
    fn a_disputed_payment_is_not_refunded_and_a_hundred_refunds_are_enough() {
        let mut disputed = captured_with(300);
        disputed.dispute = Some(dispute_of(900, DisputeStanding::Open));
        assert!(matches!(
            decide(&disputed, refund(None), at(1)),
            Err(Refusal::IllegalMove { status: PaymentStatus::Disputed, allowed: &[], awaiting: None })
        ));
        let mut many = captured_with(1);
        many.refunds = vec![refund_of(1); MAX_REFUNDS];
        assert_eq!(decide(&many, refund(None), at(1)), Err(Refusal::TooManyRefunds));
        assert_eq!(allowed(&many), &[]);
    }
}
