//! `POST /v1/payments/{id}/cancel`: gives up what is not yet taken.

use super::advance::advance;
use super::{Caller, CommandError, Reply};
use crate::Payments;
use crate::domain::Command;

/// Cancels. Answers 200 with the payment canceled, 202 where the acquirer's answer is unknown, 409 `acquirer-refused`
/// where the acquirer says no.
///
/// # Errors
/// See [`CommandError`].
pub async fn cancel(payments: &Payments, caller: &Caller, id: &str) -> Result<Reply, CommandError> {
    advance(payments, caller, id, Command::CancelPayment).await
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::{Fault, House};

    fn gist(status: u16, word: &str) -> (u16, String) {
        (status, word.to_owned())
    }

    #[tokio::test]
    async fn what_nobody_was_asked_for_is_canceled_in_one_step() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "manual").await;
        assert_eq!(house.post(&format!("{path}/cancel"), "k2", "{}").await.gist(), gist(200, "canceled"));
        assert_eq!(
            (house.acquirer.calls().len(), house.told()),
            (0, vec!["created".to_owned(), "canceled".to_owned()])
        );
        let again = house.post(&format!("{path}/cancel"), "k2", "{}").await;
        assert_eq!((again.gist(), again.header("idempotency-replayed")), (gist(200, "canceled"), Some("true")));
        assert_eq!(house.confirm(&path, "k3").await.gist(), gist(409, "payment-state"));
    }

    #[tokio::test]
    async fn a_hold_is_released_with_its_cancellation() {
        let house = House::new();
        let path = house.authorized("k1").await;
        assert_eq!(house.post(&format!("{path}/cancel"), "k2", "").await.gist(), gist(200, "canceled"));
        assert_eq!((house.balances().await, house.records.timers()), ([(0, 0), (0, 0)], vec![]));
        assert_eq!(house.acquirer.calls(), ["authorize", "cancel"]);
    }

    #[tokio::test]
    async fn a_cancellation_without_answer_is_settled_by_the_timer() {
        let house = House::new();
        let path = house.authorized("k1").await;
        house.acquirer.fail_next(Fault::LostOnTheWay);
        assert_eq!(house.post(&format!("{path}/cancel"), "k2", "").await.gist(), gist(202, "authorized"));
        house.later(30);
        house.pulse().await;
        assert_eq!(house.acquirer.calls(), ["authorize", "cancel", "find", "cancel"]);
        assert_eq!(house.post(&format!("{path}/cancel"), "k2", "").await.gist(), gist(200, "canceled"));
    }
}
