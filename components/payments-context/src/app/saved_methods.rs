//! `/v1/payment-methods`: ways to pay that a payer keeps.
//!
//! A token is saved once: the record is named after payer and token, so that a repetition finds what is there. Forgetting
//! leaves a tombstone; the same token may be saved again on top of it.

use super::{Caller, CommandError, QueryError, Reply, StoreError};
use crate::Payments;
use crate::domain::{InvalidValue, Label, MAX_SAVED_METHODS, PaymentToken, SavedMethod, SavedMethodId};
use crate::wire::{SaveMethodRequest, SavedMethodAnswer, SavedMethodList, StoredError, StoredMethod};
use ids::UserId;
use records::{
    Answer, Change, Content, IndexName, IndexStep, InvalidName, Once, OnceState, OnceStep, Outcome, RecordKey, Records,
    Version,
};

fn unwritable(error: InvalidName) -> StoreError {
    StoreError::Unwritable(error.to_string())
}

fn record_of(id: SavedMethodId) -> Result<RecordKey, StoreError> {
    RecordKey::new(format!("method:{id}")).map_err(unwritable)
}

pub(super) fn index_of(payer: UserId) -> Result<IndexName, StoreError> {
    IndexName::new(format!("methods-of:{payer}")).map_err(unwritable)
}

/// Version and content, which is missing where it was forgotten; `None` where it was never saved.
async fn load(records: &dyn Records, id: SavedMethodId) -> Result<Option<(Version, Option<SavedMethod>)>, StoreError> {
    let Some(record) = records.load(&record_of(id)?).await? else { return Ok(None) };
    let Some(content) = record.content else { return Ok(Some((record.version, None))) };
    let stored: StoredMethod = serde_json::from_slice(&content).map_err(StoredError::Shape)?;
    Ok(Some((record.version, Some(stored.try_into()?))))
}

/// A payer's saved way to pay; another's is none.
pub(crate) async fn saved(
    records: &dyn Records,
    payer: UserId,
    id: SavedMethodId,
) -> Result<Option<SavedMethod>, StoreError> {
    let method = load(records, id).await?.and_then(|(_, method)| method);
    Ok(method.filter(|method| method.payer == payer))
}

/// Saves a token. Answers 201, also where it is saved already: with what was saved first.
///
/// # Errors
/// [`CommandError::Invalid`] with the field, also where the payer keeps as many as may be; the errors of every command.
pub async fn save_method(
    payments: &Payments,
    caller: &Caller,
    request: SaveMethodRequest,
) -> Result<Reply, CommandError> {
    let invalid = |field| move |why| CommandError::Invalid { field, why };
    let token = PaymentToken::new(&request.token).map_err(invalid("token"))?;
    let label = request.label.as_deref().map(Label::new).transpose().map_err(invalid("label"))?;
    let id = SavedMethod::name_of(caller.user, &token);
    let (payer, created_at) = (caller.user, payments.now());
    if let Some(reply) = replayed(payments, caller).await? {
        return Ok(reply);
    }
    let known = load(&*payments.records, id).await?;
    let version = match known {
        Some((_, Some(method))) => return Ok(Reply::first(shown(&method)?)),
        Some((version, None)) => Some(version),
        None => None,
    };
    let index = index_of(payer)?;
    if payments.records.count(&index).await? >= MAX_SAVED_METHODS {
        return Err(CommandError::Invalid { field: "token", why: InvalidValue::TooManyMethods });
    }
    let method = SavedMethod { id, payer, token, label, created_at };
    let answer = shown(&method)?;
    let body = serde_json::to_vec(&StoredMethod::from(&method)).map_err(json)?;
    let meta = payments.meta(caller.scope.trace.to_string(), payer.to_string());
    let change = Change::new(record_of(id)?, version, Content::Body(body.into()), meta)
        .with_once(once(caller, answer.clone()))
        .with_index(IndexStep::Put { index, sort: sort(&method), summary: answer.body.clone() });
    commit(payments, change, answer).await
}

/// Forgets a saved way to pay. Answers 200 with `{}`; payments that were made with it stay as they are.
///
/// # Errors
/// [`CommandError::NotFound`] also where it is another's; the errors of every command.
pub async fn forget_method(payments: &Payments, caller: &Caller, id: &str) -> Result<Reply, CommandError> {
    let id: SavedMethodId = id.parse().map_err(|_| CommandError::NotFound)?;
    let answer = Answer { status: 200, body: "{}".to_owned() };
    if let Some(reply) = replayed(payments, caller).await? {
        return Ok(reply);
    }
    let once = once(caller, answer.clone());
    let Some((version, Some(method))) = load(&*payments.records, id).await? else { return Err(CommandError::NotFound) };
    if method.payer != caller.user {
        return Err(CommandError::NotFound);
    }
    let meta = payments.meta(caller.scope.trace.to_string(), caller.user.to_string());
    let change = Change::new(record_of(id)?, Some(version), Content::Tombstone, meta)
        .with_once(once)
        .with_index(IndexStep::Remove { index: index_of(caller.user)?, sort: sort(&method) });
    commit(payments, change, answer).await
}

/// All that a payer keeps, newest first.
///
/// # Errors
/// [`QueryError::Store`].
pub async fn list_methods(payments: &Payments, payer: UserId) -> Result<SavedMethodList, QueryError> {
    let page = payments.records.list(&index_of(payer)?, None, 100).await?;
    let items: Result<Vec<SavedMethodAnswer>, serde_json::Error> =
        page.entries.iter().map(|entry| serde_json::from_str(&entry.summary)).collect();
    Ok(SavedMethodList { items: items.map_err(|error| StoreError::Unreadable(StoredError::Shape(error)))? })
}

/// The answer that this very request was given before, for requests whose ground may be gone by now.
pub(crate) async fn replayed(payments: &Payments, caller: &Caller) -> Result<Option<Reply>, CommandError> {
    match payments.records.once(&caller.once_key()).await? {
        Some(OnceState::Done { fingerprint, answer }) if fingerprint == caller.fingerprint() => {
            Ok(Some(Reply::again(answer)))
        }
        Some(OnceState::Done { .. }) => Err(CommandError::KeyReused),
        Some(OnceState::InFlight { .. }) | None => Ok(None),
    }
}

fn sort(method: &SavedMethod) -> String {
    method.created_at.to_string()
}

fn json(error: serde_json::Error) -> StoreError {
    StoreError::Unwritable(error.to_string())
}

fn shown(method: &SavedMethod) -> Result<Answer, StoreError> {
    let body = serde_json::to_string(&SavedMethodAnswer::from(method)).map_err(json)?;
    Ok(Answer { status: 201, body })
}

fn once(caller: &Caller, answer: Answer) -> Once {
    let step = OnceStep::Finish { attempt: None, answer };
    Once { key: caller.once_key(), fingerprint: caller.fingerprint(), step }
}

async fn commit(payments: &Payments, change: Change, answer: Answer) -> Result<Reply, CommandError> {
    match payments.records.commit(change).await? {
        Outcome::Committed(_) => Ok(Reply::first(answer)),
        Outcome::Replay(answer) => Ok(Reply::again(answer)),
        Outcome::Mismatch => Err(CommandError::KeyReused),
        // Somebody else saved or forgot it at the same time: read again and decide anew.
        Outcome::Conflict { .. } | Outcome::InFlight { .. } => Err(CommandError::Contended),
        Outcome::Refused(refusal) => Err(StoreError::Ledger(refusal).into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;

    const METHODS: &str = "/v1/payment-methods";

    #[tokio::test]
    async fn a_saved_token_pays_under_its_name_and_is_never_shown_again() {
        let house = House::new();
        let saved = house.post(METHODS, "s1", r#"{"token":"tok_visa","label":"The blue card"}"#).await;
        assert_eq!(saved.status, 201);
        assert!(!saved.text.contains("tok_visa"), "{}", saved.text);
        let id = saved.json()["id"].as_str().unwrap().to_owned();
        let body = format!(r#"{{"amount_minor":1000,"currency":"EUR","payment_method":"{id}"}}"#);
        let created = house.post("/v1/payments", "k1", &body).await;
        assert_eq!((created.status, created.json()["payment_method"].as_str()), (201, Some("tok_visa")));
        let path = created.header("location").unwrap();
        assert_eq!(house.confirm(path, "k2").await.gist(), (200, "captured".to_owned()));
        let list = house.get(METHODS).await.json();
        assert_eq!(
            (&list["items"][0]["label"], list["items"].as_array().map(Vec::len)),
            (&"The blue card".into(), Some(1))
        );
    }

    #[tokio::test]
    async fn a_token_is_saved_once_and_the_same_request_is_answered_alike() {
        let house = House::new();
        let first = house.post(METHODS, "s1", r#"{"token":"tok_visa"}"#).await;
        let again = house.post(METHODS, "s1", r#"{"token":"tok_visa"}"#).await;
        let other_key = house.post(METHODS, "s2", r#"{"token":"tok_visa","label":"Later"}"#).await;
        assert_eq!((&first.text, &first.text), (&again.text, &other_key.text));
        assert_eq!(house.get(METHODS).await.json()["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(house.post_without_key(METHODS, r#"{"token":"tok_visa"}"#).await.status, 428);
    }

    #[tokio::test]
    async fn what_is_forgotten_pays_no_more_and_may_be_saved_again() {
        let house = House::new();
        let saved = house.post(METHODS, "s1", r#"{"token":"tok_visa"}"#).await;
        let path = format!("{METHODS}/{}", saved.json()["id"].as_str().unwrap());
        let body =
            format!(r#"{{"amount_minor":1,"currency":"EUR","payment_method":"{}"}}"#, path.rsplit('/').next().unwrap());
        let paid = house.post("/v1/payments", "k0", &body).await;
        assert_eq!(paid.status, 201);
        assert_eq!(house.as_user(8).delete(&path, "d1").await.gist(), (404, "not-found".to_owned()));
        assert_eq!(house.delete(&path, "d1").await.status, 200);
        let again = house.delete(&path, "d1").await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")));
        assert_eq!(house.delete(&path, "d2").await.status, 404);
        assert_eq!(house.get(METHODS).await.text, r#"{"items":[]}"#);
        let refused = house.post("/v1/payments", "k1", &body).await;
        assert_eq!(
            (refused.gist(), refused.json()["field"].as_str()),
            ((422, "invalid".to_owned()), Some("payment_method"))
        );
        assert_eq!(house.post("/v1/payments", "k0", &body).await.text, paid.text, "what was answered stays answered");
        assert_eq!(house.post(METHODS, "s2", r#"{"token":"tok_visa"}"#).await.status, 201);
        assert_eq!(house.get(METHODS).await.json()["items"].as_array().map(Vec::len), Some(1));
    }

    #[tokio::test]
    async fn strangers_pay_with_nobody_elses_and_cards_are_never_saved() {
        let house = House::new();
        let saved = house.post(METHODS, "s1", r#"{"token":"tok_visa"}"#).await;
        let id = saved.json()["id"].as_str().unwrap().to_owned();
        let body = format!(r#"{{"amount_minor":1,"currency":"EUR","payment_method":"{id}"}}"#);
        assert_eq!(house.as_user(8).post("/v1/payments", "k1", &body).await.status, 422);
        for (body, word) in [
            (r#"{"token":"4242424242424242"}"#, "card-number"),
            (r#"{"token":"tok_visa","label":"4242 4242 4242 4242"}"#, "card-number"),
            (r#"{"token":"visa"}"#, "invalid"),
            (r#"{"token":"tok_visa","label":""}"#, "invalid"),
            (r#"{"token":"tok_visa","card":"x"}"#, "invalid"),
        ] {
            assert_eq!(house.post(METHODS, "s2", body).await.gist(), (422, word.to_owned()), "{body}");
        }
    }

    #[tokio::test]
    async fn a_payer_keeps_twenty() {
        let house = House::new();
        for number in 0..20 {
            let body = format!(r#"{{"token":"tok_{number}"}}"#);
            assert_eq!(house.post(METHODS, &format!("s{number}"), &body).await.status, 201);
        }
        let one_more = house.post(METHODS, "s20", r#"{"token":"tok_20"}"#).await;
        assert_eq!((one_more.gist(), one_more.json()["field"].as_str()), ((422, "invalid".to_owned()), Some("token")));
    }
}
