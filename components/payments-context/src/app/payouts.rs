//! `/v1/ledger/payouts`: money of the merchant's to the merchant's bank, by the operator.
//!
//! The balance is checked where it is changed: the script refuses what would leave less than nothing available, so two
//! payouts at once never take the same money.

use super::operator::{LedgerError, Noted, Operator, change, commit};
use super::{QueryError, Reply, StoreError, account_key, store};
use crate::Payments;
use crate::domain::{Description, Payout, PayoutId, PayoutMove, PayoutStage, Role, payout_legs};
use crate::wire::{
    ListQuery, PayoutAnswer, PayoutMoveRequest, PayoutPage, PayoutRequest, StoredError, StoredPayout, payout_event,
};
use futures::future::try_join;
use money::{Currency, Money};
use records::{Answer, Cursor, IndexName, IndexStep, Posting, RecordKey, RecordsError, Version};

/// The most that a page holds.
const MAX_LIMIT: u32 = 100;
/// How often a move is decided anew because somebody else was faster.
const TRIES: u32 = 3;

/// Creates a payout: its amount leaves the merchant's balance at once.
///
/// # Errors
/// [`LedgerError::Invalid`]; [`LedgerError::Short`] where less is available; those of every change.
pub async fn create_payout(
    payments: &Payments,
    operator: &Operator,
    request: PayoutRequest,
) -> Result<Reply, LedgerError> {
    let currency: Currency = request
        .currency
        .parse()
        .map_err(|error: money::UnknownCurrency| LedgerError::invalid("currency", &error.to_string()))?;
    let merchant = Role::Merchant.account(currency);
    let key = operator.idempotency.key.as_str();
    let id = PayoutId::derived(0, &[operator.subject.as_bytes(), key.as_bytes()]);
    // A repetition must say the same although the balance is another by now: what was created says how much.
    let known = load(payments, id).await?.map(|(_, payout)| payout.amount.minor());
    let minor = match request.amount_minor.or(known) {
        Some(minor) => minor,
        None => {
            let balances = payments.records.balances(&[account_key(merchant)?]).await?;
            balances.first().copied().unwrap_or_default().available_minor()
        }
    };
    if minor < 1 {
        return match request.amount_minor {
            Some(_) => {
                Err(LedgerError::invalid("amount_minor", "an amount is a whole number of minor units from 1 on"))
            }
            None => Err(LedgerError::Short { available_minor: minor }),
        };
    }
    let amount =
        Money::new(minor, currency).map_err(|error| LedgerError::invalid("amount_minor", &error.to_string()))?;
    let payout = Payout {
        id,
        amount,
        requested_by: operator.subject.parse().ok(),
        created_at: payments.now(),
        stage: PayoutStage::Created,
        reason: None,
    };
    let location = Some(format!("/v1/ledger/payouts/{id}"));
    match write(payments, operator, None, &payout, 201).await? {
        Written::First(answer) => Ok(Reply { location, ..Reply::first(answer) }),
        Written::Again(answer) => Ok(Reply { location, ..Reply::again(answer) }),
        // The key made this payout so long ago that its answer is gone.
        Written::Overtaken => Err(LedgerError::KeySpent),
    }
}

/// Moves a payout on.
///
/// # Errors
/// [`LedgerError::NotFound`]; [`LedgerError::PayoutMove`] where the move is not open; those of every change.
pub async fn move_payout(
    payments: &Payments,
    operator: &Operator,
    id: &str,
    step: &str,
    request: PayoutMoveRequest,
) -> Result<Reply, LedgerError> {
    let id: PayoutId = id.parse().map_err(|_| LedgerError::NotFound)?;
    let step: PayoutMove = step.parse().map_err(|_| LedgerError::NotFound)?;
    let why = "a reason has 1 to 200 characters and no control characters";
    let reason = request.reason.as_deref().map(Description::new).transpose();
    let reason = reason.map_err(|_| LedgerError::invalid("reason", why))?;
    for _ in 0..TRIES {
        let (version, payout) = load(payments, id).await?.ok_or(LedgerError::NotFound)?;
        let moved = match payout.moved(step, reason.clone()) {
            Ok(moved) => moved,
            // The same request may have done it: then its row knows the answer.
            Err(illegal) => return operator.answered(payments).await?.ok_or(LedgerError::PayoutMove(illegal)),
        };
        match write(payments, operator, Some((version, &payout)), &moved, 200).await? {
            Written::First(answer) => return Ok(Reply::first(answer)),
            Written::Again(answer) => return Ok(Reply::again(answer)),
            Written::Overtaken => {}
        }
    }
    Err(LedgerError::Contended)
}

/// One payout.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Store`].
pub async fn payout(payments: &Payments, id: &str) -> Result<PayoutAnswer, QueryError> {
    let id: PayoutId = id.parse().map_err(|_| QueryError::NotFound)?;
    let (_, payout) = load(payments, id).await?.ok_or(QueryError::NotFound)?;
    Ok(PayoutAnswer::from(&payout))
}

/// Payouts, newest first.
///
/// # Errors
/// [`QueryError::Invalid`] for a limit outside 1 to 100 or a cursor that is none; [`QueryError::Store`].
pub async fn payouts(payments: &Payments, query: ListQuery) -> Result<PayoutPage, QueryError> {
    let limit = query.limit.unwrap_or(MAX_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(QueryError::Invalid { field: "limit", why: "a page has 1 to 100 entries" });
    }
    let (index, after) = (index()?, query.cursor.map(Cursor));
    let both = try_join(payments.records.list(&index, after.as_ref(), limit), payments.records.count(&index)).await;
    let (page, total) = both.map_err(|error| match error {
        RecordsError::Invalid(_) if after.is_some() => {
            QueryError::Invalid { field: "cursor", why: "a cursor is the `next_cursor` of the page before, unchanged" }
        }
        other => other.into(),
    })?;
    let items: Result<Vec<StoredPayout>, serde_json::Error> =
        page.entries.iter().map(|entry| serde_json::from_str(&entry.summary)).collect();
    Ok(PayoutPage {
        items: items.map_err(|error| StoreError::Unreadable(StoredError::Shape(error)))?,
        total,
        next_cursor: page.next.map(|cursor| cursor.0),
    })
}

/// What became of a payout's change.
enum Written {
    First(Answer),
    Again(Answer),
    Overtaken,
}

/// Commits a payout with its legs, its line in the list and the answer of the request.
async fn write(
    payments: &Payments,
    operator: &Operator,
    before: Option<(Version, &Payout)>,
    payout: &Payout,
    status: u16,
) -> Result<Written, LedgerError> {
    let json = |error: serde_json::Error| StoreError::Unwritable(error.to_string());
    let stored = StoredPayout::from(payout);
    // A reason may be longer than a line of the list.
    let line = serde_json::to_string(&StoredPayout { reason: None, ..stored.clone() }).map_err(json)?;
    let answer = Answer { status, body: serde_json::to_string(&PayoutAnswer::from(payout)).map_err(json)? };
    let mut postings = Vec::new();
    for leg in payout_legs(before.map(|(_, payout)| payout), payout) {
        // What leaves the merchant's balance must be available there.
        let floor_minor = (leg.account.role == Role::Merchant && leg.posted_minor < 0).then_some(0);
        postings.push(Posting { floor_minor, ..store::posting(&leg)? });
    }
    let put = IndexStep::Put { index: index()?, sort: payout.created_at.to_string(), summary: line };
    let expected = before.map(|(version, _)| version);
    let change = change(record_name(payout.id), expected, &stored, operator.meta(payments))?
        .with_postings(postings)
        .with_index(put)
        .with_event(payout_event(payout).map_err(json)?)
        .with_once(operator.finish(answer.clone()));
    match commit(payments, change).await? {
        Noted::Done => Ok(Written::First(answer)),
        Noted::Replay(answer) => Ok(Written::Again(answer)),
        Noted::Overtaken => Ok(Written::Overtaken),
    }
}

fn record_name(id: PayoutId) -> String {
    format!("payout:{id}")
}

fn index() -> Result<IndexName, StoreError> {
    IndexName::new("payouts").map_err(|error| StoreError::Unwritable(error.to_string()))
}

async fn load(payments: &Payments, id: PayoutId) -> Result<Option<(Version, Payout)>, StoreError> {
    let key = RecordKey::new(record_name(id)).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let Some(record) = payments.records.load(&key).await? else { return Ok(None) };
    let Some(content) = record.content else { return Ok(None) };
    let stored: StoredPayout = serde_json::from_slice(&content).map_err(StoredError::Shape)?;
    let corrupt = || StoreError::Records(RecordsError::Corrupt { key: key.to_string() });
    Ok(Some((record.version, stored.read().ok_or_else(corrupt)?)))
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;
    use futures::future::join;

    /// 10.00 EUR captured; what is available to the merchant.
    async fn with_money() -> (House, i64) {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.confirm(&path, "c1").await;
        let house = house.as_operator();
        let available = available(&house).await;
        assert!(available > 900);
        (house, available)
    }

    async fn posted(house: &House, name: &str) -> i64 {
        house.get(&format!("/v1/ledger/accounts/{name}:EUR")).await.json()["posted_minor"].as_i64().unwrap()
    }

    async fn available(house: &House) -> i64 {
        house.get("/v1/ledger/accounts/merchant:EUR").await.json()["available_minor"].as_i64().unwrap()
    }

    const PAYOUTS: &str = "/v1/ledger/payouts";

    #[tokio::test]
    async fn a_payout_takes_what_is_available_and_goes_its_way() {
        let (house, all) = with_money().await;
        let seen = house.post(PAYOUTS, "p1", r#"{"currency":"EUR"}"#).await;
        assert_eq!((seen.gist(), seen.json()["amount_minor"].as_i64()), ((201, "created".to_owned()), Some(all)));
        let path = seen.header("location").unwrap().to_owned();
        let books = async || (available(&house).await, posted(&house, "payouts").await, posted(&house, "bank").await);
        assert_eq!(books().await, (0, all, 0));
        for (step, status, wanted) in [
            ("send", "in_transit", (0, all, 0)),
            ("settle", "paid", (0, 0, all)),
            ("fail", "failed", (0, all, 0)),
            ("return", "returned", (all, 0, 0)),
        ] {
            let moved = house.post(&format!("{path}/{step}"), step, r#"{"reason":"As the bank says"}"#).await;
            assert_eq!(moved.gist(), (200, status.to_owned()));
            assert_eq!(books().await, wanted, "{step}");
        }
        let told: Vec<String> = house.records.events().iter().map(|event| event.kind.clone()).collect();
        let wanted = ["created", "in_transit", "paid", "failed", "returned"];
        let payouts: Vec<String> = told.into_iter().filter(|kind| kind.starts_with("payments.payout.")).collect();
        assert_eq!(payouts, wanted.map(|word| format!("payments.payout.{word}.v1")));
        let shown = house.get(&path).await.json();
        assert_eq!(shown["requested_by"], house.user.to_string());
        assert_eq!(
            (&shown["reason"], shown["allowed"].as_array().map(Vec::len)),
            (&"As the bank says".into(), Some(0))
        );
        let trial = house.get("/v1/ledger/trial-balance").await.json();
        assert_eq!(trial["balanced"], true);
    }

    #[tokio::test]
    async fn nobody_is_paid_what_is_not_there_not_even_twice_at_once() {
        let (house, all) = with_money().await;
        let more = format!(r#"{{"currency":"EUR","amount_minor":{}}}"#, all + 1);
        let seen = house.post(PAYOUTS, "p1", &more).await;
        assert_eq!(
            (seen.gist(), seen.json()["available_minor"].as_i64()),
            ((409, "insufficient-funds".to_owned()), Some(all))
        );
        let half = format!(r#"{{"currency":"EUR","amount_minor":{}}}"#, all / 2 + 1);
        let (one, two) = join(house.post(PAYOUTS, "p2", &half), house.post(PAYOUTS, "p3", &half)).await;
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        assert_eq!(
            house.post(PAYOUTS, "p4", r#"{"currency":"JPY"}"#).await.gist(),
            (409, "insufficient-funds".to_owned())
        );
    }

    #[tokio::test]
    async fn a_repetition_is_answered_and_does_nothing() {
        let (house, _) = with_money().await;
        let body = r#"{"currency":"EUR"}"#;
        let first = house.post(PAYOUTS, "p1", body).await;
        let again = house.post(PAYOUTS, "p1", body).await;
        let replayed = |seen: &crate::app::fixture::Seen| seen.header("idempotency-replayed") == Some("true");
        assert_eq!((again.status, &again.text, replayed(&again)), (201, &first.text, true));
        let path = format!("{}/send", first.header("location").unwrap());
        let first = house.post(&path, "s1", "").await;
        let again = house.post(&path, "s1", "").await;
        assert_eq!((again.status, &again.text, replayed(&again)), (200, &first.text, true));
        let other = house.post(&path, "s2", "").await;
        assert_eq!(other.gist(), (409, "payout-state".to_owned()));
        assert_eq!(other.json()["allowed"], serde_json::json!(["settle", "fail"]));
        assert_eq!(house.records.ledger().iter().filter(|row| row.record.as_str().starts_with("payout:")).count(), 2);
        house.records.fail_next_commit_after();
        let path = format!("{PAYOUTS}/{}/fail", house.get(PAYOUTS).await.json()["items"][0]["id"].as_str().unwrap());
        assert_eq!(house.post(&path, "f1", "").await.gist(), (503, "unavailable".to_owned()));
        assert_eq!(house.post(&path, "f1", "").await.gist(), (200, "failed".to_owned()));
        house.later(8 * 24 * 3600);
        let spent = house.post(PAYOUTS, "p1", r#"{"currency":"EUR"}"#).await;
        assert_eq!(spent.gist(), (409, "idempotency-key-spent".to_owned()));
    }

    #[tokio::test]
    async fn payouts_are_listed_newest_first() {
        let (house, _) = with_money().await;
        for number in 0..3 {
            house.post(PAYOUTS, &format!("p{number}"), r#"{"currency":"EUR","amount_minor":100}"#).await;
            house.later(1);
        }
        let page = house.get(&format!("{PAYOUTS}?limit=2")).await.json();
        assert_eq!(
            (page["total"].as_u64(), page["items"][0]["created_at"].as_str()),
            (Some(3), Some("2026-01-01T00:00:02.000Z"))
        );
        let cursor = page["next_cursor"].as_str().unwrap();
        let page = house.get(&format!("{PAYOUTS}?limit=2&cursor={cursor}")).await.json();
        assert_eq!((page["items"].as_array().map(Vec::len), page.get("next_cursor")), (Some(1), None));
        assert_eq!(house.get(&format!("{PAYOUTS}?limit=0")).await.status, 422);
        assert_eq!(house.get(&format!("{PAYOUTS}?cursor=x")).await.status, 422);
    }

    #[tokio::test]
    async fn refuses_what_is_no_payout_and_who_is_no_operator() {
        let (house, _) = with_money().await;
        for (body, field) in [
            (r#"{"currency":"EUR","amount_minor":0}"#, "amount_minor"),
            (r#"{"currency":"EUR","amount_minor":9007199254740992}"#, "amount_minor"),
            (r#"{"currency":"euro"}"#, "currency"),
            (r#"{"currency":"EUR","to":"me"}"#, "to"),
        ] {
            let seen = house.post(PAYOUTS, "p1", body).await;
            assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some(field)), "{body}");
        }
        let path = house.post(PAYOUTS, "p2", r#"{"currency":"EUR"}"#).await.header("location").unwrap().to_owned();
        assert_eq!(house.post(&format!("{path}/send"), "p3", r#"{"reason":""}"#).await.status, 422);
        assert_eq!(house.post(&format!("{path}/burn"), "p4", "").await.status, 404);
        assert_eq!(house.post(&format!("{PAYOUTS}/po_x/send"), "p5", "").await.status, 404);
        assert_eq!(house.post_without_key(PAYOUTS, "{}").await.status, 428);
        let stranger = House { roles: vec!["user".to_owned()], ..house.clone() };
        assert_eq!(stranger.post(PAYOUTS, "p6", r#"{"currency":"EUR"}"#).await.status, 403);
        assert_eq!((stranger.get(PAYOUTS).await.status, stranger.get(&path).await.status), (403, 403));
    }
}
