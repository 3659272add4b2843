//! `POST /v1/payments/{id}/capture`: takes what is held, or part of it, and releases the rest.

use super::advance::advance;
use super::{Caller, CommandError, Reply};
use crate::Payments;
use crate::domain::Command;
use crate::wire::CaptureRequest;

/// Captures. Answers 200 with the payment captured, 202 where the acquirer's answer is unknown (the payment stays
/// authorized with no move open until it is), 409 `acquirer-refused` where the acquirer says no.
///
/// # Errors
/// See [`CommandError`].
pub async fn capture(
    payments: &Payments,
    caller: &Caller,
    id: &str,
    request: CaptureRequest,
) -> Result<Reply, CommandError> {
    advance(payments, caller, id, Command::CapturePayment { amount_minor: request.amount_minor }).await
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::{Fault, House};

    fn gist(status: u16, word: &str) -> (u16, String) {
        (status, word.to_owned())
    }

    #[tokio::test]
    async fn a_part_is_taken_and_the_rest_released() {
        let house = House::new();
        let path = house.authorized("k1").await;
        assert_eq!(house.balances().await, [(0, 1000), (0, 0)]);
        let seen = house.post(&format!("{path}/capture"), "k2", r#"{"amount_minor":400}"#).await;
        assert_eq!((seen.gist(), seen.json()["captured_minor"].as_i64()), (gist(200, "captured"), Some(400)));
        assert_eq!(house.balances().await, [(-400, 0), (400, 0)]);
        assert_eq!(house.told(), ["created", "processing", "authorized", "captured"]);
        assert_eq!(house.records.timers(), []);
        let second = house.post(&format!("{path}/capture"), "k3", "").await;
        assert_eq!(
            (second.gist(), &second.json()["allowed"]),
            (gist(409, "payment-state"), &serde_json::json!(["refund"]))
        );
    }

    #[tokio::test]
    async fn refuses_more_than_is_held() {
        let house = House::new();
        let path = house.authorized("k1").await;
        let seen = house.post(&format!("{path}/capture"), "k2", r#"{"amount_minor":1001}"#).await;
        assert_eq!((seen.gist(), seen.json()["field"].as_str()), (gist(422, "invalid"), Some("amount_minor")));
        assert_eq!(house.acquirer.calls(), ["authorize"]);
    }

    #[tokio::test]
    async fn a_refusal_of_the_acquirer_is_stored_and_leaves_the_hold() {
        let house = House::new();
        let path = house.authorized("k1").await;
        house.acquirer.fail_next(Fault::Refused("try_later"));
        let seen = house.post(&format!("{path}/capture"), "k2", "").await;
        assert_eq!(
            (seen.gist(), seen.json()["failure_code"].as_str()),
            (gist(409, "acquirer-refused"), Some("try_later"))
        );
        assert_eq!(seen.header("content-type"), Some("application/problem+json"));
        assert_eq!(house.post(&format!("{path}/capture"), "k2", "").await.text, seen.text);
        assert_eq!(house.balances().await, [(0, 1000), (0, 0)]);
        assert_eq!(house.post(&format!("{path}/capture"), "k3", "").await.gist(), gist(200, "captured"));
    }

    #[tokio::test]
    async fn an_unknown_outcome_is_settled_once_whether_or_not_it_arrived() {
        for fault in [Fault::AnswerLost, Fault::LostOnTheWay] {
            let house = House::new();
            let path = house.authorized("k1").await;
            house.acquirer.fail_next(fault);
            let seen = house.post(&format!("{path}/capture"), "k2", r#"{"amount_minor":400}"#).await;
            assert_eq!(
                (seen.gist(), seen.json()["allowed"].as_array().map(Vec::len)),
                (gist(202, "authorized"), Some(0))
            );
            assert_eq!(house.post(&format!("{path}/cancel"), "k3", "").await.gist(), gist(409, "payment-state"));
            house.later(30);
            house.pulse().await;
            assert_eq!(house.get(&path).await.gist(), gist(200, "captured"));
            assert_eq!(house.acquirer.taken_minor(), 400);
            assert_eq!(house.balances().await, [(-400, 0), (400, 0)]);
        }
    }

    #[tokio::test]
    async fn of_two_captures_at_once_one_is_carried_out() {
        let house = House::new();
        let path = house.authorized("k1").await;
        let capture = format!("{path}/capture");
        let (first, second) =
            futures::future::join(house.post(&capture, "k2", ""), house.post(&capture, "k3", "")).await;
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        assert_eq!((house.acquirer.taken_minor(), house.balances().await), (1000, [(-1000, 0), (1000, 0)]));
    }
}
