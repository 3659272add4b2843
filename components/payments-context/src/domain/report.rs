//! What the acquirer's report says beyond the answer to our step: moves of the bank, refunds, a dispute.

use super::{
    Charge, ChargeStanding, Dispute, DisputeReport, DisputeStanding, MAX_REFUNDS, Payment, Refund, RefundId,
    RefundProgress, RefundStanding, Stage, Step, Unsettled,
};
use ambient::Timestamp;

/// Where a payment stands for which nothing was asked, or a refund was.
pub(super) fn news(payment: &Payment, standing: &ChargeStanding) -> Result<Stage, Unsettled> {
    let contradiction = |why| Err(Unsettled::Contradiction(why));
    match (&payment.stage, standing) {
        (_, ChargeStanding::Processing) => Ok(payment.stage.clone()),
        // Captured or given up at the acquirer's console, or the bank took its hold back.
        (Stage::Authorized { .. }, ChargeStanding::Captured { amount }) => {
            let fits = amount.currency() == payment.amount.currency()
                && (1..=payment.amount.minor()).contains(&amount.minor());
            if fits { Ok(Stage::Captured { captured: *amount }) } else { contradiction("more was taken than is held") }
        }
        (Stage::Authorized { .. }, ChargeStanding::Canceled | ChargeStanding::Declined { .. }) => Ok(Stage::Canceled),
        (Stage::Authorized { .. }, ChargeStanding::Authorized) => Ok(payment.stage.clone()),
        (Stage::Authorized { .. }, ChargeStanding::RequiresAction { .. }) => {
            contradiction("the payer has to act on what is already held")
        }
        (Stage::Captured { captured }, ChargeStanding::Captured { amount }) if captured == amount => {
            Ok(payment.stage.clone())
        }
        (Stage::Captured { .. }, _) => contradiction("what was captured is not captured as it was"),
        (
            Stage::Canceled | Stage::Expired | Stage::Failed { .. },
            ChargeStanding::Canceled | ChargeStanding::Declined { .. } | ChargeStanding::RequiresAction { .. },
        ) => Ok(payment.stage.clone()),
        (
            Stage::Canceled | Stage::Expired | Stage::Failed { .. },
            ChargeStanding::Authorized | ChargeStanding::Captured { .. },
        ) => contradiction("money is held or taken for a payment that ended"),
        (Stage::RequiresConfirmation | Stage::RequiresAction { .. }, _) => {
            contradiction("there is a charge that nobody asked for")
        }
    }
}

/// Takes refunds and dispute of the report into a payment that stands where the report says. A pending refund is
/// answered by its own entry.
pub(super) fn merge(payment: &mut Payment, charge: &Charge, now: Timestamp) -> Result<(), Unsettled> {
    let asked = match payment.pending.map(|pending| pending.step) {
        Some(Step::Refund { id, amount, reason }) => Some((id, amount, reason)),
        _ => None,
    };
    let mut answered = asked.is_none();
    for report in &charge.refunds {
        let id = RefundId::told(payment.id, &report.reference);
        let standing = match (&report.progress, asked) {
            (RefundProgress::Processing, Some((wanted, ..))) if wanted == id => return Err(Unsettled::Open),
            (RefundProgress::Processing, _) => continue,
            (RefundProgress::Succeeded, _) => RefundStanding::Succeeded,
            (RefundProgress::Failed { .. }, _) => RefundStanding::Failed,
        };
        let own = asked.filter(|(wanted, ..)| *wanted == id);
        answered |= own.is_some();
        if own.is_some_and(|(_, amount, _)| amount != report.amount) || report.amount.minor() < 1 {
            return Err(Unsettled::Contradiction("another amount was refunded than asked for"));
        }
        match payment.refunds.iter_mut().find(|refund| refund.id == id) {
            Some(known) if known.amount != report.amount => {
                return Err(Unsettled::Contradiction("a refund changed its amount"));
            }
            Some(known) if known.standing == standing => {}
            Some(known) => (known.standing, known.at) = (standing, now),
            None => {
                let reason = own.and_then(|(.., reason)| reason);
                payment.refunds.push(Refund { id, amount: report.amount, reason, standing, at: now });
            }
        }
    }
    if !answered {
        return Err(Unsettled::NotDone);
    }
    if let Some(told) = &charge.dispute {
        take_dispute(payment, told, now)?;
    }
    let captured = payment.captured();
    let whole = payment.refunds.iter().all(|refund| refund.amount.currency() == captured.currency());
    if !whole || payment.refunded().minor() > captured.minor() || payment.refunds.len() > 2 * MAX_REFUNDS {
        return Err(Unsettled::Contradiction("more, or another currency, was refunded than captured"));
    }
    Ok(())
}

fn take_dispute(payment: &mut Payment, told: &DisputeReport, now: Timestamp) -> Result<(), Unsettled> {
    let captured = payment.captured();
    if told.amount.currency() != captured.currency() || !(1..=captured.minor()).contains(&told.amount.minor()) {
        return Err(Unsettled::Contradiction("more, or another currency, is disputed than was captured"));
    }
    match &mut payment.dispute {
        Some(known) if known.report.id == told.id => known.report = told.clone(),
        Some(known) if known.report.standing != DisputeStanding::Won => {
            return Err(Unsettled::Contradiction("a second dispute before the end of the first, or after it was lost"));
        }
        _ => payment.dispute = Some(Dispute { report: told.clone(), opened_at: now }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RefundReport;
    use crate::domain::properties::{at, charge, dispute_of, eur, payment_in};
    use crate::domain::{Command, Decision, FailureCode, PaymentEvent, Role, decide, refused, settle};
    use payments_wire::PaymentStatus;

    fn captured() -> Payment {
        payment_in(Stage::Captured { captured: eur(900) })
    }

    fn refunding(minor: i64) -> Payment {
        decide(&captured(), Command::RefundPayment { amount_minor: Some(minor), reason: None }, at(0)).unwrap().payment
    }

    fn told(reports: Vec<RefundReport>) -> Charge {
        Charge { refunds: reports, ..charge(ChargeStanding::Captured { amount: eur(900) }) }
    }

    fn report(reference: &str, minor: i64, progress: RefundProgress) -> RefundReport {
        RefundReport { reference: reference.to_owned(), amount: eur(minor), progress }
    }

    fn pending_id(payment: &Payment) -> String {
        match payment.pending.map(|pending| pending.step) {
            Some(Step::Refund { id, .. }) => id.to_string(),
            other => unreachable!("{other:?}"),
        }
    }

    /// What is the merchant's, set aside or not, and how much of it is set aside.
    fn merchant(decision: &Decision) -> (i64, i64) {
        let of =
            |role| decision.legs.iter().filter(|leg| leg.account.role == role).map(|leg| leg.posted_minor).sum::<i64>();
        let aside = of(Role::Refunds) + of(Role::Disputes);
        (of(Role::Merchant) + aside, aside)
    }

    #[test]
    fn an_accepted_refund_leaves_the_merchants_account() {
        let payment = refunding(300);
        let id = pending_id(&payment);
        let decision = settle(&payment, &told(vec![report(&id, 300, RefundProgress::Succeeded)]), at(1)).unwrap();
        assert_eq!(
            (decision.payment.status(), decision.payment.refunded()),
            (PaymentStatus::PartiallyRefunded, eur(300))
        );
        assert_eq!((merchant(&decision), decision.event), ((-300, -300), Some(PaymentEvent::PaymentPartiallyRefunded)));
        assert_eq!(decision.payment.pending, None);
    }

    #[test]
    fn a_refund_that_is_not_in_the_report_was_not_carried_out() {
        assert_eq!(settle(&refunding(300), &told(vec![]), at(1)), Err(Unsettled::NotDone));
        let payment = refunding(300);
        let open = told(vec![report(&pending_id(&payment), 300, RefundProgress::Processing)]);
        assert_eq!(settle(&payment, &open, at(1)), Err(Unsettled::Open));
    }

    #[test]
    fn a_refused_refund_gives_back_the_hold_and_is_no_refund() {
        let decision = refused(&refunding(300), &FailureCode::new("insufficient_balance"), at(1)).unwrap();
        assert_eq!((merchant(&decision), decision.event), ((0, -300), None));
        assert_eq!(decision.payment.refunds, []);
    }

    #[test]
    fn a_refund_that_comes_back_later_is_the_merchants_again() {
        let payment = refunding(900);
        let id = pending_id(&payment);
        let refunded = settle(&payment, &told(vec![report(&id, 900, RefundProgress::Succeeded)]), at(1)).unwrap();
        assert_eq!(refunded.event, Some(PaymentEvent::PaymentRefunded));
        let failed = RefundProgress::Failed { code: FailureCode::new("lost_card") };
        let back = settle(&refunded.payment, &told(vec![report(&id, 900, failed)]), at(9)).unwrap();
        assert_eq!((back.payment.status(), merchant(&back)), (PaymentStatus::Captured, (900, 0)));
        assert_eq!(back.event, Some(PaymentEvent::PaymentRefundFailed));
    }

    #[test]
    fn a_refund_made_at_the_acquirers_console_counts_once() {
        let reports = told(vec![report("re_1", 200, RefundProgress::Succeeded)]);
        let decision = settle(&captured(), &reports, at(1)).unwrap();
        assert_eq!((decision.payment.refunded(), merchant(&decision)), (eur(200), (-200, 0)));
        assert_eq!(settle(&decision.payment, &reports, at(2)), Err(Unsettled::NothingNew));
    }

    #[test]
    fn the_acquirer_is_not_believed_to_have_given_back_more_than_was_taken() {
        let usd = RefundReport {
            amount: money::Money::new(1, "USD".parse().unwrap()).unwrap(),
            ..report("re_1", 1, RefundProgress::Succeeded)
        };
        for reports in [
            vec![report("re_1", 901, RefundProgress::Succeeded)],
            vec![report("re_1", 500, RefundProgress::Succeeded), report("re_2", 401, RefundProgress::Succeeded)],
            vec![report("re_1", -1, RefundProgress::Succeeded)],
            vec![usd],
        ] {
            assert!(matches!(settle(&captured(), &told(reports), at(1)), Err(Unsettled::Contradiction(_))));
        }
        let payment = refunding(300);
        let more = told(vec![report(&pending_id(&payment), 301, RefundProgress::Succeeded)]);
        assert!(matches!(settle(&payment, &more, at(1)), Err(Unsettled::Contradiction(_))));
    }

    fn disputed(standing: DisputeStanding) -> Charge {
        Charge { dispute: Some(dispute_of(900, standing).report), ..told(vec![]) }
    }

    #[test]
    fn a_dispute_holds_its_money_and_gives_it_back_or_takes_it() {
        let open = settle(&captured(), &disputed(DisputeStanding::Open), at(1)).unwrap();
        assert_eq!((open.payment.status(), merchant(&open)), (PaymentStatus::Disputed, (0, 900)));
        assert_eq!(open.event, Some(PaymentEvent::PaymentDisputed));
        assert!(open.alarms.settle.is_some(), "somebody asks how it went where no notice comes");
        let won = settle(&open.payment, &disputed(DisputeStanding::Won), at(2)).unwrap();
        assert_eq!((won.payment.status(), merchant(&won)), (PaymentStatus::Captured, (0, -900)));
        assert_eq!((won.event, won.alarms.settle), (Some(PaymentEvent::PaymentDisputeWon), None));
        let lost = settle(&open.payment, &disputed(DisputeStanding::Lost), at(2)).unwrap();
        assert_eq!((lost.payment.status(), merchant(&lost)), (PaymentStatus::ChargedBack, (-900, -900)));
        assert_eq!(lost.event, Some(PaymentEvent::PaymentChargedBack));
        // The first notice was lost: the outcome alone says the same.
        let at_once = settle(&captured(), &disputed(DisputeStanding::Lost), at(2)).unwrap();
        assert_eq!((at_once.payment.status(), merchant(&at_once)), (PaymentStatus::ChargedBack, (-900, 0)));
    }

    #[test]
    fn a_second_dispute_needs_the_first_to_be_won() {
        let other = |minor| {
            let mut charge = disputed(DisputeStanding::Open);
            let report = charge.dispute.as_mut().unwrap();
            (report.id, report.amount) = (crate::domain::DisputeId::new("dp_2").unwrap(), eur(minor));
            charge
        };
        let mut payment = captured();
        payment.dispute = Some(dispute_of(900, DisputeStanding::Open));
        assert!(matches!(settle(&payment, &other(900), at(1)), Err(Unsettled::Contradiction(_))));
        payment.dispute = Some(dispute_of(900, DisputeStanding::Won));
        assert!(settle(&payment, &other(900), at(1)).is_ok());
        assert!(matches!(settle(&payment, &other(901), at(1)), Err(Unsettled::Contradiction(_))));
    }

    #[test]
    fn what_the_bank_does_to_a_hold_without_being_asked_counts() {
        let held = payment_in(Stage::Authorized { until: at(60) });
        let taken = settle(&held, &charge(ChargeStanding::Captured { amount: eur(400) }), at(1)).unwrap();
        // 4.00 less the fee on it.
        assert_eq!((taken.payment.status(), merchant(&taken)), (PaymentStatus::Captured, (369, 0)));
        let given_up = settle(&held, &charge(ChargeStanding::Canceled), at(1)).unwrap();
        assert_eq!(given_up.payment.status(), PaymentStatus::Canceled);
        for stage in [Stage::Canceled, Stage::Expired, Stage::RequiresConfirmation] {
            let late = charge(ChargeStanding::Captured { amount: eur(400) });
            assert!(matches!(settle(&payment_in(stage), &late, at(1)), Err(Unsettled::Contradiction(_))));
        }
    }
}
