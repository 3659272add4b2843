//! `POST /v1/payments/{id}/confirm`: the payer means it. With automatic capture the money is taken at once.

use super::advance::advance;
use super::{Caller, CommandError, Reply};
use crate::Payments;
use crate::domain::Command;

/// Confirms. Answers 200 with the payment authorized, captured, waiting for the payer's action, or failed (a decline is
/// an outcome, not an error); 202 with the payment still processing where the acquirer's answer is unknown.
///
/// # Errors
/// See [`CommandError`].
pub async fn confirm(payments: &Payments, caller: &Caller, id: &str) -> Result<Reply, CommandError> {
    advance(payments, caller, id, Command::ConfirmPayment).await
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::{Fault, House, PlayedAcquirer};
    use crate::domain::{ChargeStanding, FailureCode};

    fn gist(status: u16, word: &str) -> (u16, String) {
        (status, word.to_owned())
    }

    #[tokio::test]
    async fn automatic_capture_takes_the_money_with_the_confirmation() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        let seen = house.confirm(&path, "k2").await;
        assert_eq!((seen.gist(), seen.json()["captured_minor"].as_i64()), (gist(200, "captured"), Some(1000)));
        assert_eq!(house.acquirer.calls(), ["authorize"]);
        assert_eq!(house.told(), ["created", "processing", "captured"]);
        assert_eq!(house.records.timers(), []);
    }

    #[tokio::test]
    async fn a_decline_is_an_outcome_and_says_why() {
        let house = House::new();
        let path = house.created("k1", "tok_declined", "automatic").await;
        let seen = house.confirm(&path, "k2").await;
        assert_eq!((seen.gist(), seen.json()["failure_code"].as_str()), (gist(200, "failed"), Some("card_declined")));
        assert_eq!(house.balances().await, [(0, 0), (0, 0)]);
        let again = house.confirm(&path, "k3").await;
        assert_eq!(
            (again.gist(), again.json()["payment_status"].as_str()),
            (gist(409, "payment-state"), Some("failed"))
        );
    }

    #[tokio::test]
    async fn the_same_confirmation_asks_the_acquirer_once_and_answers_with_the_same_bytes() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "manual").await;
        let first = house.confirm(&path, "k2").await;
        let again = house.confirm(&path, "k2").await;
        assert_eq!((first.text, again.header("idempotency-replayed")), (again.text.clone(), Some("true")));
        assert_eq!(house.acquirer.calls(), ["authorize"]);
        assert_eq!(house.post(&format!("{path}/cancel"), "k2", "").await.gist(), gist(422, "idempotency-key-reused"));
    }

    #[tokio::test]
    async fn a_lost_answer_leaves_the_payment_processing_until_the_timer_has_asked() {
        for fault in [Fault::AnswerLost, Fault::LostOnTheWay] {
            let house = House::new();
            let path = house.created("k1", "tok_visa", "automatic").await;
            house.acquirer.fail_next(fault);
            let seen = house.confirm(&path, "k2").await;
            assert_eq!((seen.gist(), seen.header("retry-after")), (gist(202, "processing"), Some("5")));
            let twin = house.confirm(&path, "k2").await;
            assert_eq!((twin.gist(), twin.header("retry-after")), (gist(409, "in-flight"), Some("5")));
            assert_eq!(house.pulse().await.finished, 0, "nothing is due yet");
            house.later(30);
            assert_eq!(house.pulse().await.finished, 1);
            assert_eq!(house.get(&path).await.gist(), gist(200, "captured"));
            let answered = house.confirm(&path, "k2").await;
            assert_eq!(
                (answered.gist(), answered.header("idempotency-replayed")),
                (gist(200, "captured"), Some("true"))
            );
            assert_eq!((house.acquirer.charges(), house.acquirer.taken_minor()), (1, 1000));
            assert_eq!(house.told(), ["created", "processing", "captured"]);
        }
    }

    #[tokio::test]
    async fn the_caller_settles_it_where_no_worker_does() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.acquirer.fail_next(Fault::AnswerLost);
        house.confirm(&path, "k2").await;
        house.later(31);
        assert_eq!(house.confirm(&path, "k2").await.gist(), gist(200, "captured"));
        assert_eq!(house.acquirer.calls(), ["authorize", "find"]);
        assert_eq!(house.confirm(&path, "k3").await.gist(), gist(409, "payment-state"));
    }

    #[tokio::test]
    async fn caller_and_worker_at_once_settle_it_once() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.acquirer.fail_next(Fault::AnswerLost);
        house.confirm(&path, "k2").await;
        house.later(31);
        let (seen, report) = futures::future::join(house.confirm(&path, "k2"), house.pulse()).await;
        assert_eq!((seen.gist(), report.finished), (gist(200, "captured"), 1));
        assert_eq!(house.told(), ["created", "processing", "captured"]);
        let (seen, again) = (house.confirm(&path, "k2").await, house.confirm(&path, "k2").await);
        assert_eq!(seen.text, again.text);
    }

    #[tokio::test]
    async fn a_crash_before_or_after_any_commit_never_charges_twice() {
        // Which commit of the confirmation fails, and whether it was carried out before its answer was lost.
        for (which, after) in [(0, false), (0, true), (1, false), (1, true)] {
            let house = House::new();
            let path = house.created("k1", "tok_visa", "automatic").await;
            if which == 1 {
                house.records.pause_next_commit(core::time::Duration::ZERO);
            }
            if after {
                house.records.fail_next_commit_after()
            } else {
                house.records.fail_next_commit_before()
            };
            assert_eq!(house.confirm(&path, "k2").await.gist(), gist(503, "unavailable"), "{which} {after}");
            house.later(31);
            house.pulse().await;
            assert_eq!(house.confirm(&path, "k2").await.gist(), gist(200, "captured"), "{which} {after}");
            assert_eq!((house.acquirer.charges(), house.acquirer.taken_minor()), (1, 1000));
            assert_eq!(house.told(), ["created", "processing", "captured"]);
            assert_eq!(house.balances().await, [(-1000, 0), (1000, 0)]);
        }
    }

    #[tokio::test]
    async fn a_required_action_is_shown_and_its_outcome_found_by_the_timer_or_the_next_confirmation() {
        for by_timer in [true, false] {
            let house = House::new();
            let path = house.created("k1", "tok_3ds", "manual").await;
            let seen = house.confirm(&path, "k2").await;
            assert_eq!(
                (seen.gist(), seen.json()["next_action"]["url"].as_str()),
                (gist(200, "requires_action"), Some("/bank"))
            );
            house.later(30);
            let report = house.pulse().await;
            assert!(report.unfinished.len() == 1 && !report.unfinished[0].grave, "the payer has not acted: {report:?}");
            house.acquirer.move_all(&ChargeStanding::Authorized);
            if by_timer {
                house.later(30);
                house.pulse().await;
            } else {
                assert_eq!(house.confirm(&path, "k3").await.gist(), gist(200, "authorized"));
            }
            assert_eq!(house.get(&path).await.gist(), gist(200, "authorized"));
            assert_eq!(house.balances().await, [(0, 1000), (0, 0)]);
            assert_eq!(house.acquirer.charges(), 1);
        }
    }

    #[tokio::test]
    async fn a_charge_that_never_arrived_is_given_up_when_nobody_expects_it_any_more() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.acquirer.out_of_reach(true);
        assert_eq!(house.confirm(&path, "k2").await.gist(), gist(202, "processing"));
        house.later(16 * 60);
        assert_eq!(house.pulse().await.unfinished.len(), 1, "without proof it stays open");
        house.acquirer.out_of_reach(false);
        house.later(30);
        house.pulse().await;
        let seen = house.get(&path).await;
        assert_eq!(
            (seen.gist(), seen.json()["failure_code"].as_str()),
            (gist(200, "failed"), Some("acquirer_unreachable"))
        );
        assert_eq!(house.acquirer.charges(), 0);
    }

    #[tokio::test]
    async fn a_refused_charge_is_a_failed_payment() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.acquirer.fail_next(Fault::Refused("invalid_token"));
        let seen = house.confirm(&path, "k2").await;
        assert_eq!((seen.gist(), seen.json()["failure_code"].as_str()), (gist(200, "failed"), Some("invalid_token")));
    }

    #[tokio::test]
    async fn a_charge_that_contradicts_the_payment_changes_nothing_and_is_reported() {
        let house = House::new();
        let path = house.created("k1", "tok_3ds", "manual").await;
        house.confirm(&path, "k2").await;
        house.acquirer.move_all(&ChargeStanding::Captured { amount: crate::domain::properties::eur(9999) });
        house.later(30);
        let report = house.pulse().await;
        assert!(report.unfinished[0].grave && report.unfinished[0].reason.contains("contradicts"), "{report:?}");
        assert_eq!(house.get(&path).await.gist(), gist(200, "requires_action"));
        house.acquirer.move_all(&ChargeStanding::Declined { code: FailureCode::new("authentication_failed") });
        house.later(30);
        house.pulse().await;
        assert_eq!(house.get(&path).await.gist(), gist(200, "failed"));
    }

    #[tokio::test]
    async fn above_the_limit_a_password_confirms_nothing_and_a_second_factor_all() {
        let mut house = House::new();
        house.payments.step_up = "*:999".parse().unwrap();
        let path = house.created("k1", "tok_visa", "automatic").await;
        let seen = house.confirm(&path, "k2").await;
        assert_eq!(seen.gist(), gist(401, "step-up-required"));
        assert_eq!((&seen.json()["limit_minor"], &seen.json()["required_acr"]), (&999.into(), &"2".into()));
        assert_eq!(
            seen.header("www-authenticate"),
            Some(r#"Bearer error="insufficient_user_authentication", acr_values="2""#)
        );
        assert_eq!(house.acquirer.calls().len(), 0);
        house.assurance = 2;
        assert_eq!(house.confirm(&path, "k2").await.gist(), gist(200, "captured"), "the key was left free");
        house.assurance = 1;
        assert_eq!(house.confirm(&path, "k2").await.gist(), gist(200, "captured"), "an answer may be read again");
        let refunds = format!("{path}/refunds");
        assert_eq!(house.as_operator().post(&refunds, "r1", "").await.gist(), gist(401, "step-up-required"));
        let part = house.as_operator().post(&refunds, "r1", r#"{"amount_minor":999}"#).await;
        assert_eq!(part.gist(), gist(200, "partially_refunded"));
    }

    #[tokio::test]
    async fn a_provider_that_fails_is_passed_over_before_anything_was_asked_and_never_after() {
        let mut house = House::new();
        let second = PlayedAcquirer::default();
        house.add_provider("second", second.clone(), "JPY=second *=sandbox+second");
        let (first, path) = (house.acquirer.clone(), house.created("k1", "tok_visa", "automatic").await);
        first.fail_next(Fault::AnswerLost);
        assert_eq!(house.confirm(&path, "k2").await.gist(), gist(202, "processing"));
        // From now on it is known to fail.
        first.unavailable(true);
        let other = house.created("k3", "tok_visa", "automatic").await;
        assert_eq!(house.confirm(&other, "k4").await.gist(), gist(200, "captured"));
        assert_eq!((first.charges(), second.charges()), (1, 1));
        let refunded = house.as_operator().post(&format!("{other}/refunds"), "r1", "").await;
        assert_eq!((refunded.gist(), second.given_minor()), (gist(200, "refunded"), 1000));
        // Whoever was asked is asked again, also where another answers.
        house.later(31);
        house.pulse().await;
        assert_eq!(house.get(&path).await.gist(), gist(200, "captured"));
        assert_eq!((first.charges(), second.charges()), (1, 1));
        second.unavailable(true);
        let third = house.created("k5", "tok_visa", "automatic").await;
        assert_eq!(
            house.confirm(&third, "k6").await.gist(),
            gist(200, "captured"),
            "nobody is better: the first is asked"
        );
        assert_eq!(first.charges(), 2);
    }
}
