//! `POST /v1/payments`: one commit, two round trips.
//!
//! The payment's id is derived from (payer, Idempotency-Key), so that creation is create-if-absent for ever; within
//! seven days the once-row replays the answer, afterwards the key is spent.

use super::saved_methods::{replayed, saved};
use super::store::{self, Written};
use super::{Caller, CommandError, Reply, StoreError, reply};
use crate::Payments;
use crate::domain::{Decision, Description, InvalidValue, Payment, PaymentToken, ReturnUrl, Stage, payable};
use crate::wire::CreateRequest;
use ids::PaymentId;
use records::{Once, OnceStep};

/// Creates a payment that waits for its confirmation.
///
/// # Errors
/// [`CommandError::Invalid`] with the field, [`CommandError::KeyReused`], [`CommandError::KeySpent`],
/// [`CommandError::InFlight`], [`CommandError::Store`].
pub async fn create(payments: &Payments, caller: &Caller, request: CreateRequest) -> Result<Reply, CommandError> {
    let payment_method = match token_of(payments, caller, &request.payment_method).await? {
        Some(token) => token,
        // It may have been forgotten since this very request was answered.
        None => {
            let unknown = CommandError::Invalid { field: "payment_method", why: InvalidValue::NoSuchMethod };
            return replayed(payments, caller).await?.ok_or(unknown);
        }
    };
    let request = CreateRequest { payment_method, ..request };
    let payment = parse(caller, request, payments.now())?;
    let location = Some(format!("/v1/payments/{}", payment.id));
    let answer = reply::shown(201, &payment).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let decision = Decision::between(None, payment, payments.now());
    let once = Once {
        key: caller.once_key(),
        fingerprint: caller.fingerprint(),
        step: OnceStep::Finish { attempt: None, answer: answer.clone() },
    };
    let meta = payments.meta(caller.scope.trace.to_string(), caller.user.to_string());
    let change = store::change(&decision, None, None, Some(once), meta)?;
    match store::commit(&*payments.records, change).await? {
        Written::Done(_) => Ok(Reply { location, ..Reply::first(answer) }),
        Written::Replay(answer) => Ok(Reply { location, ..Reply::again(answer) }),
        Written::Overtaken => Err(CommandError::KeySpent),
    }
}

/// The token behind the name of a saved way to pay, `None` where this payer has none of that name; anything that is no
/// such name is taken as a token itself.
async fn token_of(payments: &Payments, caller: &Caller, named: &str) -> Result<Option<String>, CommandError> {
    let Ok(id) = named.parse() else { return Ok(Some(named.to_owned())) };
    let method = saved(&*payments.records, caller.user, id).await?;
    Ok(method.map(|method| method.token.as_str().to_owned()))
}

fn parse(caller: &Caller, request: CreateRequest, now: ambient::Timestamp) -> Result<Payment, CommandError> {
    let invalid = |field| move |why| CommandError::Invalid { field, why };
    let amount = payable(request.amount_minor, &request.currency)
        .map_err(|why| invalid(if why == InvalidValue::Currency { "currency" } else { "amount_minor" })(why))?;
    let key = caller.idempotency.key.as_str();
    Ok(Payment {
        id: PaymentId::derived(caller.user.partition(), &[caller.user.to_string().as_bytes(), key.as_bytes()]),
        payer: caller.user,
        amount,
        description: request
            .description
            .as_deref()
            .map(Description::new)
            .transpose()
            .map_err(invalid("description"))?,
        capture_method: request.capture_method.into(),
        payment_method: PaymentToken::new(&request.payment_method).map_err(invalid("payment_method"))?,
        return_url: request.return_url.as_deref().map(ReturnUrl::new).transpose().map_err(invalid("return_url"))?,
        created_at: now,
        stage: Stage::RequiresConfirmation,
        pending: None,
        provider: None,
        charge: None,
        refunds: Vec::new(),
        dispute: None,
        steps_begun: 0,
    })
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;

    const TEA: &str = r#"{"amount_minor":1099,"currency":"EUR","payment_method":"tok_visa","description":"Tea"}"#;

    #[tokio::test]
    async fn a_created_payment_waits_for_its_confirmation() {
        let house = House::new();
        let seen = house.post("/v1/payments", "k1", TEA).await;
        assert_eq!(seen.gist(), (201, "requires_confirmation".to_owned()));
        assert_eq!(
            seen.text,
            format!(
                concat!(
                    r#"{{"id":"{}","status":"requires_confirmation","amount_minor":1099,"currency":"EUR","#,
                    r#""captured_minor":0,"capture_method":"automatic","payment_method":"tok_visa","#,
                    r#""description":"Tea","allowed":["confirm","cancel"],"created_at":"2026-01-01T00:00:00.000Z"}}"#
                ),
                seen.header("location").unwrap().trim_start_matches("/v1/payments/")
            )
        );
        assert_eq!((house.told(), house.acquirer.calls().len()), (vec!["created".to_owned()], 0));
    }

    #[tokio::test]
    async fn the_same_request_is_answered_with_the_same_bytes() {
        let house = House::new();
        let first = house.post("/v1/payments", "k1", TEA).await;
        house.later(60);
        let again = house.post("/v1/payments", "k1", TEA).await;
        assert_eq!(
            (first.status, &first.text, first.header("location")),
            (again.status, &again.text, again.header("location"))
        );
        assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
        assert_eq!(house.records.commits(), 1);
    }

    #[tokio::test]
    async fn refuses_a_key_that_belongs_to_another_request_or_was_used_long_ago() {
        let house = House::new();
        house.post("/v1/payments", "k1", TEA).await;
        let other = house.post("/v1/payments", "k1", &TEA.replace("1099", "1100")).await;
        assert_eq!(other.gist(), (422, "idempotency-key-reused".to_owned()));
        house.later(8 * 24 * 3600);
        assert_eq!(house.post("/v1/payments", "k1", TEA).await.gist(), (409, "idempotency-key-spent".to_owned()));
        assert_eq!(house.as_user(8).post("/v1/payments", "k1", TEA).await.status, 201, "keys are the caller's own");
        assert_eq!(
            house.post_without_key("/v1/payments", TEA).await.gist(),
            (428, "idempotency-key-required".to_owned())
        );
    }

    #[tokio::test]
    async fn a_lost_answer_is_found_again_under_the_same_key() {
        let house = House::new();
        house.records.fail_next_commit_after();
        assert_eq!(house.post("/v1/payments", "k1", TEA).await.gist(), (503, "unavailable".to_owned()));
        assert_eq!(house.post("/v1/payments", "k1", TEA).await.status, 201);
        house.records.fail_next_commit_before();
        assert_eq!(house.post("/v1/payments", "k2", TEA).await.status, 503);
        assert_eq!(house.post("/v1/payments", "k2", TEA).await.status, 201);
        assert_eq!(house.told(), ["created", "created"]);
    }

    #[tokio::test]
    async fn refuses_what_is_no_payment_and_names_the_field() {
        let house = House::new();
        for (body, field) in [
            (r#"{"amount_minor":0,"currency":"EUR","payment_method":"tok_visa"}"#, "amount_minor"),
            (r#"{"amount_minor":100000000,"currency":"EUR","payment_method":"tok_visa"}"#, "amount_minor"),
            (r#"{"amount_minor":1,"currency":"XXX","payment_method":"tok_visa"}"#, "currency"),
            (r#"{"amount_minor":1,"currency":"EUR","payment_method":"visa"}"#, "payment_method"),
            (r#"{"amount_minor":1,"currency":"EUR","payment_method":"tok_visa","description":""}"#, "description"),
            (r#"{"amount_minor":1,"currency":"EUR","payment_method":"tok_visa","status":"captured"}"#, "status"),
            (r#"{"amount_minor":1,"currency":"EUR"}"#, "payment_method"),
            (
                r#"{"amount_minor":1,"currency":"EUR","payment_method":"tok_visa","return_url":"javascript:alert(1)"}"#,
                "return_url",
            ),
        ] {
            let seen = house.post("/v1/payments", "k1", body).await;
            assert_eq!(
                (seen.gist(), seen.json()["field"].as_str()),
                ((422, "invalid".to_owned()), Some(field)),
                "{body}"
            );
        }
        let card = TEA.replace("tok_visa", "4242424242424242");
        let seen = house.post("/v1/payments", "k1", &card).await;
        assert_eq!(seen.gist(), (422, "card-number".to_owned()));
        assert!(!seen.text.contains("4242"));
        assert_eq!(house.records.commits(), 0);
        assert_eq!(house.post("/v1/payments", "k1", TEA).await.status, 201, "a refused request leaves its key free");
    }

    #[tokio::test]
    async fn strangers_see_nothing_of_a_payment() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "manual").await;
        let stranger = house.as_user(8);
        assert_eq!(stranger.get(&path).await.gist(), (404, "not-found".to_owned()));
        assert_eq!(stranger.get(&path).await.text, stranger.get("/v1/payments/pay_00x").await.text);
        for step in ["confirm", "capture", "cancel"] {
            assert_eq!(stranger.post(&format!("{path}/{step}"), step, "").await.gist(), (404, "not-found".to_owned()));
        }
        assert_eq!(stranger.get("/v1/payments").await.json()["total"], 0);
    }
}
