//! What follows from the acquirer's answer.

use super::report::{merge, news};
use super::{Charge, ChargeStanding, Decision, FailureCode, Payment, Stage, Step};
use ambient::Timestamp;
use core::time::Duration;

/// How long an authorised amount stays held: what card schemes give for a card that is not present.
pub(crate) const HOLD_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long the payer has to do what is required.
pub(crate) const ACT_WITHIN: Duration = Duration::from_secs(60 * 60);

/// Why an answer does not settle the payment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// The acquirer does not know yet.
    #[error("the acquirer does not know yet")]
    Open,
    /// The charge stands as it did before the step: it has to be asked for (again).
    #[error("the acquirer has not carried out the step")]
    NotDone,
    /// No answer is awaited, and the acquirer reports nothing that is not known.
    #[error("there is nothing new")]
    NothingNew,
    /// The charge is not one that our steps could have led to; an operator has to look.
    #[error("the charge contradicts the payment: {0}")]
    Contradiction(&'static str),
}

/// What is being asked: the pending step, or the outcome of a required action.
fn asked(payment: &Payment) -> Option<Step> {
    match (&payment.pending, &payment.stage) {
        (Some(pending), _) => Some(pending.step),
        (None, Stage::RequiresAction { .. }) => Some(Step::Authorize),
        (None, _) => None,
    }
}

/// Decides what the charge, as the acquirer reports it, makes of the payment, asked or not: an answer, a notice that
/// came first, or what others did in the meantime (a bank, a colleague at the acquirer's console). The acquirer's word
/// on money counts, also where it is not the answer hoped for.
///
/// # Errors
/// [`Unsettled`]; nothing happened.
pub fn settle(payment: &Payment, charge: &Charge, now: Timestamp) -> Result<Decision, Unsettled> {
    if payment.charge.as_ref().is_some_and(|known| *known != charge.id) {
        return Err(Unsettled::Contradiction("another charge than the payment's"));
    }
    let mut next = payment.clone();
    let Some(step) = asked(payment) else {
        next.stage = news(payment, &charge.standing)?;
        merge(&mut next, charge, now)?;
        return if next == *payment {
            Err(Unsettled::NothingNew)
        } else {
            Ok(Decision::between(Some(payment), next, now))
        };
    };
    next.stage = match (&charge.standing, step) {
        (ChargeStanding::Processing, _) => return Err(Unsettled::Open),
        (_, Step::Refund { .. }) => news(payment, &charge.standing)?,
        (ChargeStanding::Captured { amount }, _) => {
            let fits = amount.currency() == payment.amount.currency()
                && (1..=payment.amount.minor()).contains(&amount.minor());
            if !fits {
                return Err(Unsettled::Contradiction("more, or another currency, was taken than asked for"));
            }
            Stage::Captured { captured: *amount }
        }
        (ChargeStanding::Authorized, Step::Authorize) => Stage::Authorized { until: now.plus(HOLD_FOR) },
        (ChargeStanding::RequiresAction { url }, Step::Authorize) => match payment.stage {
            Stage::RequiresAction { until, .. } => Stage::RequiresAction { until, url: url.clone() },
            _ => Stage::RequiresAction { until: now.plus(ACT_WITHIN), url: url.clone() },
        },
        (ChargeStanding::Canceled, Step::Expire) => Stage::Expired,
        (ChargeStanding::Canceled, Step::Authorize | Step::Capture { .. } | Step::Cancel) => Stage::Canceled,
        // A hold that the bank took back is over; the payment did not fail, it was authorised.
        (ChargeStanding::Declined { .. }, _) if matches!(payment.stage, Stage::Authorized { .. }) => Stage::Canceled,
        (ChargeStanding::Declined { code }, _) => Stage::Failed { code: code.clone() },
        (ChargeStanding::Authorized, Step::Capture { .. } | Step::Cancel | Step::Expire) => {
            return Err(Unsettled::NotDone);
        }
        (ChargeStanding::RequiresAction { .. }, Step::Cancel | Step::Expire) => return Err(Unsettled::NotDone),
        (ChargeStanding::RequiresAction { .. }, Step::Capture { .. }) => {
            return Err(Unsettled::Contradiction("the payer has to act on what is already held"));
        }
    };
    next.charge = Some(charge.id.clone());
    merge(&mut next, charge, now)?;
    next.pending = None;
    Ok(Decision::between(Some(payment), next, now))
}

/// Decides what follows where the acquirer refuses the step itself and the charge stays as it was: no charge is a failed
/// payment, a refused capture or cancellation leaves the hold where it is, a refused refund the money.
///
/// # Errors
/// [`Unsettled::NothingNew`].
pub fn refused(payment: &Payment, code: &FailureCode, now: Timestamp) -> Result<Decision, Unsettled> {
    let stage = match payment.pending.map(|pending| pending.step).ok_or(Unsettled::NothingNew)? {
        Step::Authorize => Stage::Failed { code: code.clone() },
        Step::Capture { .. } | Step::Cancel | Step::Expire | Step::Refund { .. } => payment.stage.clone(),
    };
    let next = Payment { stage, pending: None, ..payment.clone() };
    Ok(Decision::between(Some(payment), next, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::{at, charge, eur, payment_in};
    use crate::domain::{Command, PaymentEvent, decide};

    /// A payment in a stage, with a command under way.
    fn asked_for(stage: Stage, command: Command) -> Payment {
        decide(&payment_in(stage), command, at(0)).unwrap().payment
    }

    fn codes() -> FailureCode {
        FailureCode::new("card_declined")
    }

    #[test]
    fn an_approval_holds_the_whole_amount_for_seven_days() {
        let payment = asked_for(Stage::RequiresConfirmation, Command::ConfirmPayment);
        let decision = settle(&payment, &charge(ChargeStanding::Authorized), at(1)).unwrap();
        assert_eq!(decision.payment.stage, Stage::Authorized { until: at(1).plus(HOLD_FOR) });
        assert_eq!(decision.event, Some(PaymentEvent::PaymentAuthorized));
        assert_eq!(decision.legs.iter().map(|leg| (leg.posted_minor, leg.held_minor)).collect::<Vec<_>>(), [(0, 1000)]);
        assert_eq!((decision.alarms.settle, decision.alarms.expire), (None, Some(at(1).plus(HOLD_FOR))));
    }

    #[test]
    fn a_partial_capture_posts_what_was_taken_and_releases_all_that_was_held() {
        let payment =
            asked_for(Stage::Authorized { until: at(60) }, Command::CapturePayment { amount_minor: Some(400) });
        let decision = settle(&payment, &charge(ChargeStanding::Captured { amount: eur(400) }), at(1)).unwrap();
        assert_eq!(decision.payment.stage, Stage::Captured { captured: eur(400) });
        assert_eq!(
            decision
                .legs
                .iter()
                .map(|leg| (leg.account.to_string(), leg.posted_minor, leg.held_minor))
                .collect::<Vec<_>>(),
            [
                ("acquirer:EUR".to_owned(), -400, 0),
                ("merchant:EUR".to_owned(), 369, 0),
                ("fees:EUR".to_owned(), 31, 0),
                ("holds:EUR".to_owned(), 0, -1000),
            ]
        );
    }

    #[test]
    fn a_decline_is_final_and_says_why() {
        let payment = asked_for(Stage::RequiresConfirmation, Command::ConfirmPayment);
        let decision = settle(&payment, &charge(ChargeStanding::Declined { code: codes() }), at(1)).unwrap();
        assert_eq!(decision.payment.failure_code(), Some(&codes()));
        assert_eq!(decision.event, Some(PaymentEvent::PaymentFailed));
    }

    #[test]
    fn an_answer_that_is_none_changes_nothing() {
        let payment = asked_for(Stage::RequiresConfirmation, Command::ConfirmPayment);
        assert_eq!(settle(&payment, &charge(ChargeStanding::Processing), at(1)), Err(Unsettled::Open));
        let payment = asked_for(Stage::Authorized { until: at(60) }, Command::CancelPayment);
        assert_eq!(settle(&payment, &charge(ChargeStanding::Authorized), at(1)), Err(Unsettled::NotDone));
        let payment = payment_in(Stage::Canceled);
        assert_eq!(settle(&payment, &charge(ChargeStanding::Canceled), at(1)), Err(Unsettled::NothingNew));
    }

    #[test]
    fn the_acquirer_is_not_believed_more_than_was_asked_for() {
        let payment = asked_for(Stage::RequiresConfirmation, Command::ConfirmPayment);
        for amount in [eur(1001), eur(0), eur(-5), money::Money::new(1000, "USD".parse().unwrap()).unwrap()] {
            assert!(matches!(
                settle(&payment, &charge(ChargeStanding::Captured { amount }), at(1)),
                Err(Unsettled::Contradiction(_))
            ));
        }
    }

    #[test]
    fn a_capture_that_won_against_a_cancellation_counts() {
        let payment = asked_for(Stage::Authorized { until: at(60) }, Command::CancelPayment);
        let decision = settle(&payment, &charge(ChargeStanding::Captured { amount: eur(1000) }), at(1)).unwrap();
        assert_eq!(decision.event, Some(PaymentEvent::PaymentCaptured));
    }

    #[test]
    fn a_refused_capture_leaves_the_hold_and_its_alarm() {
        let payment = asked_for(Stage::Authorized { until: at(60) }, Command::CapturePayment { amount_minor: None });
        let decision = refused(&payment, &codes(), at(1)).unwrap();
        assert_eq!(decision.payment.stage, Stage::Authorized { until: at(60) });
        assert_eq!((decision.event, decision.legs.len(), decision.alarms.expire), (None, 0, Some(at(60))));
        let again =
            decide(&decision.payment, Command::CapturePayment { amount_minor: Some(1) }, at(2)).unwrap().payment;
        let step = |payment: &Payment| payment.pending.map(|pending| payment.step_key(&pending.step));
        assert_ne!(step(&payment), step(&again));
    }

    #[test]
    fn a_required_action_keeps_its_deadline_however_often_it_is_asked_about() {
        let stage = Stage::RequiresAction { until: at(60), url: None };
        let payment = asked_for(stage.clone(), Command::ConfirmPayment);
        let decision = settle(&payment, &charge(ChargeStanding::RequiresAction { url: None }), at(5)).unwrap();
        assert_eq!(decision.payment.stage, stage);
    }
}
