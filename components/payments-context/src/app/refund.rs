//! `POST /v1/payments/{id}/refunds`: gives back what was taken, in as many parts as it takes.

use super::advance::advance;
use super::{Caller, CommandError, Reply};
use crate::Payments;
use crate::domain::{Command, RefundReason};
use crate::wire::RefundRequest;

/// Refunds. Answers 200 with the payment and its refunds, 202 where the acquirer's answer is unknown (the amount stays
/// held of the merchant's until it is), 409 `acquirer-refused` where the acquirer says no. Of two refunds at once one is
/// carried out; the other is told that an answer is awaited.
///
/// # Errors
/// See [`CommandError`].
pub async fn refund(
    payments: &Payments,
    caller: &Caller,
    id: &str,
    request: RefundRequest,
) -> Result<Reply, CommandError> {
    let reason: Option<RefundReason> = request
        .reason
        .map(|word| word.parse())
        .transpose()
        .map_err(|why: crate::domain::UnknownReason| CommandError::Invalid { field: "reason", why: why.into() })?;
    advance(payments, caller, id, Command::RefundPayment { amount_minor: request.amount_minor, reason }).await
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::{Fault, House};
    use futures::future::join_all;

    fn gist(status: u16, word: &str) -> (u16, String) {
        (status, word.to_owned())
    }

    /// A payment of 10.00 EUR that is taken.
    async fn captured(house: &House) -> String {
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.confirm(&path, "k2").await;
        path
    }

    #[tokio::test]
    async fn parts_are_given_back_until_nothing_is_left() {
        let house = House::new();
        let refunds = format!("{}/refunds", captured(&house).await);
        let first = house.as_operator().post(&refunds, "r1", r#"{"amount_minor":300,"reason":"duplicate"}"#).await;
        assert_eq!(first.gist(), gist(200, "partially_refunded"));
        let json = first.json();
        assert_eq!((&json["refunded_minor"], &json["allowed"]), (&300.into(), &serde_json::json!(["refund"])));
        let refund = &json["refunds"][0];
        assert_eq!(
            (&refund["amount_minor"], &refund["status"], &refund["reason"]),
            (&300.into(), &"succeeded".into(), &"duplicate".into())
        );
        let second = house.as_operator().post(&refunds, "r2", r#"{"amount_minor":200}"#).await;
        assert_eq!(
            (second.gist(), second.json()["refunded_minor"].as_i64()),
            (gist(200, "partially_refunded"), Some(500))
        );
        let last = house.as_operator().post(&refunds, "r3", "").await;
        assert_eq!((last.gist(), last.json()["allowed"].as_array().map(Vec::len)), (gist(200, "refunded"), Some(0)));
        assert_eq!(house.balances().await, [(0, 0), (0, 0)]);
        assert_eq!((house.acquirer.taken_minor(), house.acquirer.given_minor()), (1000, 1000));
        assert_eq!(
            house.told(),
            ["created", "processing", "captured", "partially_refunded", "partially_refunded", "refunded"]
        );
        assert_eq!(house.as_operator().post(&refunds, "r4", "").await.gist(), gist(409, "payment-state"));
    }

    #[tokio::test]
    async fn refuses_more_than_is_left_and_a_reason_that_is_none() {
        let house = House::new();
        let refunds = format!("{}/refunds", captured(&house).await);
        for (body, field) in [
            (r#"{"amount_minor":1001}"#, "amount_minor"),
            (r#"{"amount_minor":0}"#, "amount_minor"),
            (r#"{"reason":"because"}"#, "reason"),
            (r#"{"amount":1}"#, "amount"),
        ] {
            let seen = house.as_operator().post(&refunds, "r1", body).await;
            assert_eq!((seen.gist(), seen.json()["field"].as_str()), (gist(422, "invalid"), Some(field)), "{body}");
        }
        assert_eq!(house.acquirer.calls(), ["authorize"]);
    }

    #[tokio::test]
    async fn only_operators_and_keys_for_it_give_money_back() {
        let house = House::new();
        let refunds = format!("{}/refunds", captured(&house).await);
        assert_eq!(house.post(&refunds, "r1", "").await.gist(), gist(403, "forbidden"));
        let mut shop = house.clone();
        shop.scopes.push("payments:refund".to_owned());
        assert_eq!(shop.as_user(8).post(&refunds, "r1", "").await.gist(), gist(404, "not-found"));
        assert_eq!(shop.post(&refunds, "r1", r#"{"amount_minor":1}"#).await.gist(), gist(200, "partially_refunded"));
        assert_eq!(house.as_operator().as_user(8).post(&refunds, "r1", "").await.gist(), gist(200, "refunded"));
    }

    #[tokio::test]
    async fn the_same_refund_is_carried_out_once_whoever_asks() {
        let house = House::new();
        let refunds = format!("{}/refunds", captured(&house).await);
        let operator = house.as_operator().as_user(9);
        let first = operator.post(&refunds, "r1", r#"{"amount_minor":300}"#).await;
        let again = operator.post(&refunds, "r1", r#"{"amount_minor":300}"#).await;
        assert_eq!((&first.text, again.header("idempotency-replayed")), (&again.text, Some("true")));
        assert_eq!(operator.post(&refunds, "r1", "").await.gist(), gist(422, "idempotency-key-reused"));
        assert_eq!(house.acquirer.given_minor(), 300);
    }

    #[tokio::test]
    async fn of_many_refunds_at_once_no_more_is_given_back_than_was_taken() {
        let house = House::new();
        let refunds = format!("{}/refunds", captured(&house).await);
        let operator = house.as_operator();
        let keys: Vec<String> = (0..8).map(|number| format!("r{number}")).collect();
        let seen = join_all(keys.iter().map(|key| operator.post(&refunds, key, r#"{"amount_minor":400}"#))).await;
        let done = seen.iter().filter(|seen| seen.status == 200).count();
        assert!((1..=2).contains(&done) && seen.iter().all(|seen| matches!(seen.status, 200 | 409 | 422)), "{seen:?}");
        assert_eq!(house.acquirer.given_minor(), 400 * i64::try_from(done).unwrap());
        let waiting = seen.iter().find(|seen| seen.status == 409).unwrap();
        assert!(matches!(waiting.gist().1.as_str(), "payment-state" | "conflict"), "{waiting:?}");
    }

    #[tokio::test]
    async fn a_refund_without_answer_is_settled_once_whether_or_not_it_arrived() {
        for fault in [Fault::AnswerLost, Fault::LostOnTheWay] {
            let house = House::new();
            let path = captured(&house).await;
            let (refunds, operator) = (format!("{path}/refunds"), house.as_operator().as_user(9));
            house.acquirer.fail_next(fault);
            let seen = operator.post(&refunds, "r1", r#"{"amount_minor":400}"#).await;
            assert_eq!(
                (seen.gist(), seen.json()["refunds"][0]["status"].as_str()),
                (gist(202, "captured"), Some("pending"))
            );
            assert_eq!(house.balances().await, [(-1000, 0), (1000, 400)], "held until the outcome is known");
            let twin = operator.post(&refunds, "r2", r#"{"amount_minor":1}"#).await;
            assert_eq!((twin.gist(), twin.json()["awaiting"].as_str()), (gist(409, "payment-state"), Some("refund")));
            assert_eq!(twin.header("retry-after"), Some("5"));
            house.later(30);
            house.pulse().await;
            assert_eq!(
                operator.post(&refunds, "r1", r#"{"amount_minor":400}"#).await.gist(),
                gist(200, "partially_refunded")
            );
            assert_eq!((house.acquirer.given_minor(), house.balances().await), (400, [(-600, 0), (600, 0)]));
        }
    }

    #[tokio::test]
    async fn a_refusal_of_the_acquirer_is_stored_and_leaves_the_money() {
        let house = House::new();
        let path = captured(&house).await;
        let (refunds, operator) = (format!("{path}/refunds"), house.as_operator());
        house.acquirer.fail_next(Fault::Refused("insufficient_balance"));
        let seen = operator.post(&refunds, "r1", "").await;
        assert_eq!(
            (seen.gist(), seen.json()["failure_code"].as_str()),
            (gist(409, "acquirer-refused"), Some("insufficient_balance"))
        );
        assert_eq!(operator.post(&refunds, "r1", "").await.text, seen.text);
        assert_eq!(
            (house.get(&path).await.gist(), house.balances().await),
            (gist(200, "captured"), [(-1000, 0), (1000, 0)])
        );
    }
}
