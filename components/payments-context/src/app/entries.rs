//! `GET /v1/ledger/entries/{entry}` and `POST …/reversal`: one entry with all its legs, and undoing one.
//!
//! Nothing in the journal is ever changed. A reversal is an entry of its own, with the opposite amounts, a reason and
//! somebody who gave it; its record is named after the entry, so that each is reversed once, for ever.

use super::operator::{LedgerError, Noted, Operator, change, commit};
use super::{QueryError, Reply, StoreError};
use crate::Payments;
use crate::domain::{Account, Description};
use crate::wire::{EntryAnswer, ReversalAnswer, ReversalRequest, StoredError, reversal_event};
use records::{Answer, LedgerRow, Posting, RecordKey};

/// The most legs that an entry has.
const MOST_LEGS: u32 = 64;
/// What a reason must be.
const REASON: &str = "a reason has 1 to 200 characters and no control characters";

/// An entry, and whether it was reversed.
///
/// # Errors
/// [`QueryError::NotFound`] where no entry begins there; [`QueryError::Store`].
pub async fn entry(payments: &Payments, place: &str) -> Result<EntryAnswer, QueryError> {
    let legs = legs(payments, place).await?.ok_or(QueryError::NotFound)?;
    let reversal = reversal_of(payments, place).await?;
    EntryAnswer::new(&legs, reversal).ok_or(QueryError::NotFound)
}

/// Posts the opposite of an entry.
///
/// # Errors
/// [`LedgerError::NotFound`]; [`LedgerError::EntryHolds`] where it moved what is held or set aside; [`LedgerError::EntryReversed`];
/// [`LedgerError::Invalid`] for a reason that is none; those of every change.
pub async fn reverse(
    payments: &Payments,
    operator: &Operator,
    place: &str,
    request: ReversalRequest,
) -> Result<Reply, LedgerError> {
    let reason = Description::new(&request.reason).map_err(|_| LedgerError::invalid("reason", REASON))?;
    let legs = legs(payments, place).await?.ok_or(LedgerError::NotFound)?;
    let sets_aside =
        |leg: &LedgerRow| Account::named(leg.account.as_str()).is_none_or(|account| account.role.sets_aside());
    if legs.iter().any(|leg| leg.held_minor != 0 || sets_aside(leg)) {
        return Err(LedgerError::EntryHolds);
    }
    let reversal = ReversalAnswer {
        entry: place.parse().map_err(|_| LedgerError::NotFound)?,
        reason: reason.as_str().to_owned(),
        by: operator.subject.clone(),
        at: payments.now(),
    };
    let body = serde_json::to_string(&reversal).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let answer = Answer { status: 201, body };
    let opposite = |leg: &LedgerRow| Posting {
        account: leg.account.clone(),
        currency: leg.currency.clone(),
        posted_minor: leg.posted_minor.saturating_neg(),
        held_minor: 0,
        floor_minor: None,
    };
    let change = change(record_name(place), None, &reversal, operator.meta(payments))?
        .with_postings(legs.iter().map(opposite))
        .with_event(reversal_event(&reversal).map_err(|error| StoreError::Unwritable(error.to_string()))?)
        .with_once(operator.finish(answer.clone()));
    let location = Some(format!("/v1/ledger/entries/{place}"));
    match commit(payments, change).await? {
        Noted::Done => Ok(Reply { location, ..Reply::first(answer) }),
        Noted::Replay(answer) => Ok(Reply { location, ..Reply::again(answer) }),
        Noted::Overtaken => Err(LedgerError::EntryReversed),
    }
}

fn record_name(place: &str) -> String {
    format!("reversal:{place}")
}

/// The legs of the entry that begins at a place; `None` where none does.
async fn legs(payments: &Payments, place: &str) -> Result<Option<Vec<LedgerRow>>, StoreError> {
    // One spelling a place: the reversal's record is named after it.
    let Some(first) = place.parse::<u64>().ok().filter(|number| *number > 0 && number.to_string() == place) else {
        return Ok(None);
    };
    let mut rows = payments.journal.rows(first - 1, MOST_LEGS).await?;
    let Some(commit) = rows.first().filter(|row| row.seq == first && row.leg == 0).map(|row| row.commit) else {
        return Ok(None);
    };
    rows.retain(|row| row.commit == commit);
    Ok(Some(rows))
}

async fn reversal_of(payments: &Payments, place: &str) -> Result<Option<ReversalAnswer>, StoreError> {
    let key = RecordKey::new(record_name(place)).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let content = payments.records.load(&key).await?.and_then(|record| record.content);
    let read = |bytes: bytes::Bytes| serde_json::from_slice(&bytes).map_err(StoredError::Shape);
    Ok(content.map(read).transpose()?)
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;
    use futures::future::join;
    use serde_json::Value;

    async fn captured() -> House {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.confirm(&path, "c1").await;
        house.as_operator()
    }

    const REVERSAL: &str = "/v1/ledger/entries/1/reversal";
    const REASON: &str = r#"{"reason":"Booked twice"}"#;

    #[tokio::test]
    async fn an_entry_shows_all_its_legs() {
        let house = captured().await;
        let entry = house.get("/v1/ledger/entries/1").await.json();
        let legs = entry["legs"].as_array().unwrap();
        assert!(legs.len() >= 2);
        assert_eq!(legs.iter().map(|leg| leg["posted_minor"].as_i64().unwrap()).sum::<i64>(), 0);
        assert_eq!((entry["kind"].as_str(), entry.get("reversed")), (Some("payment"), None));
        for path in ["0", "2", "01", "99", "x", "-1"] {
            assert_eq!(house.get(&format!("/v1/ledger/entries/{path}")).await.status, 404, "{path}");
        }
    }

    #[tokio::test]
    async fn a_reversal_is_a_new_entry_with_a_reason_and_leaves_the_old_one() {
        let house = captured().await;
        let before = house.records.ledger();
        let seen = house.post(REVERSAL, "r1", REASON).await;
        assert_eq!((seen.status, seen.json()["reason"].as_str()), (201, Some("Booked twice")));
        let after = house.records.ledger();
        assert_eq!(after[..before.len()], before);
        let sums = |rows: &[records::LedgerRow]| rows.iter().map(|row| row.posted_minor).collect::<Vec<_>>();
        let negated: Vec<i64> = sums(&before).into_iter().map(|minor| -minor).collect();
        assert_eq!(sums(&after[before.len()..]), negated);
        let entry = house.get("/v1/ledger/entries/1").await.json();
        assert_eq!(entry["reversed"]["reason"], "Booked twice");
        let told = house.records.events().pop().unwrap();
        assert_eq!((told.kind.as_str(), &told.data["entry"]), ("payments.ledger.reversed.v1", &1.into()));
        assert_eq!(entry["reversed"]["by"], Value::from(house.user.to_string()));
        let statement = house.get("/v1/ledger/accounts/acquirer:EUR/statement").await.json();
        assert_eq!(
            (&statement["items"][0]["kind"], &statement["items"][0]["reference"]),
            (&"reversal".into(), &"1".into())
        );
    }

    #[tokio::test]
    async fn an_entry_is_reversed_once_whoever_asks_and_however_often() {
        let house = captured().await;
        let first = house.post(REVERSAL, "r1", REASON).await;
        let again = house.post(REVERSAL, "r1", REASON).await;
        assert_eq!((again.status, &again.text, again.header("idempotency-replayed")), (201, &first.text, Some("true")));
        let other = house.post(REVERSAL, "r1", r#"{"reason":"Another"}"#).await;
        assert_eq!(other.gist(), (422, "idempotency-key-reused".to_owned()));
        assert_eq!(house.post(REVERSAL, "r2", REASON).await.gist(), (409, "entry-reversed".to_owned()));
        let house = captured().await;
        let (one, two) = join(house.post(REVERSAL, "r1", REASON), house.post(REVERSAL, "r2", REASON)).await;
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        house.records.fail_next_commit_after();
        let newest = house.records.ledger().last().unwrap().entry();
        let undo = &format!("/v1/ledger/entries/{newest}/reversal");
        assert_eq!(house.post(undo, "r3", REASON).await.gist(), (503, "unavailable".to_owned()));
        assert_eq!(house.post(undo, "r3", REASON).await.header("idempotency-replayed"), Some("true"));
    }

    #[tokio::test]
    async fn refuses_what_holds_what_has_no_reason_and_who_is_no_operator() {
        let house = House::new();
        house.authorized("k1").await;
        let operator = house.as_operator();
        assert_eq!(operator.post(REVERSAL, "r1", REASON).await.gist(), (409, "entry-not-reversible".to_owned()));
        for body in [r#"{"reason":""}"#, r#"{"reason":"a\nb"}"#, "{}"] {
            let seen = operator.post(REVERSAL, "r2", body).await;
            assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some("reason")), "{body}");
        }
        assert_eq!(operator.post("/v1/ledger/entries/9/reversal", "r3", REASON).await.status, 404);
        assert_eq!(operator.post_without_key(REVERSAL, REASON).await.status, 428);
        assert_eq!(house.post(REVERSAL, "r4", REASON).await.gist(), (403, "forbidden".to_owned()));
    }
}
