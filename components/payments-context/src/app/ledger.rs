//! `GET /v1/ledger/…`: the trial balance, the accounts and each one's balance, now or at a moment, for operators.

use super::statement::moment;
use super::{QueryError, StoreError};
use crate::Payments;
use crate::domain::Account;
use crate::wire::{AccountAnswer, AccountPage, AccountQuery, ListQuery, TrialBalanceAnswer, TrialBalanceLine};
use records::{AccountKey, Balance};

/// The most accounts of a page.
const MAX_LIMIT: u32 = 100;

/// The running sums of all postings, a line per currency.
///
/// # Errors
/// [`QueryError::Store`].
pub async fn trial_balance(payments: &Payments) -> Result<TrialBalanceAnswer, QueryError> {
    let lines: Vec<TrialBalanceLine> = payments
        .records
        .trial_balance()
        .await?
        .into_iter()
        .map(|line| TrialBalanceLine { currency: line.currency, sum_minor: line.sum_minor, legs: line.legs })
        .collect();
    Ok(TrialBalanceAnswer { balanced: lines.iter().all(|line| line.sum_minor == 0), lines })
}

/// The accounts that were ever posted to, by name, with what they hold now.
///
/// # Errors
/// [`QueryError::Invalid`] for a limit outside 1 to 100 or a cursor that is none; [`QueryError::Store`].
pub async fn accounts(payments: &Payments, query: ListQuery) -> Result<AccountPage, QueryError> {
    let limit = query.limit.unwrap_or(MAX_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(QueryError::Invalid { field: "limit", why: "a page has 1 to 100 entries" });
    }
    let why = "a cursor is the `next_cursor` of the page before, unchanged";
    let after = query.cursor.map(AccountKey::new).transpose();
    let after = after.map_err(|_| QueryError::Invalid { field: "cursor", why })?;
    let keys = payments.journal.accounts(after.as_ref(), limit).await?;
    let balances = payments.records.balances(&keys).await?;
    let known = |(key, balance): (&AccountKey, Balance)| Some(answer(Account::named(key.as_str())?, balance, None));
    let next = keys.last().filter(|_| keys.len() == limit as usize);
    Ok(AccountPage {
        items: keys.iter().zip(balances).filter_map(known).collect(),
        next_cursor: next.map(AccountKey::to_string),
    })
}

/// One account of the chart, now or at a moment; zero where nothing was posted.
///
/// # Errors
/// [`QueryError::NotFound`] for a name that is not in the chart; [`QueryError::Invalid`] for a moment that is none;
/// [`QueryError::Store`].
pub async fn account(payments: &Payments, name: &str, query: AccountQuery) -> Result<AccountAnswer, QueryError> {
    let account = Account::named(name).ok_or(QueryError::NotFound)?;
    let (key, at) = (account_key(account)?, moment("at", query.at.as_deref())?);
    let balance = match at {
        Some(at) => payments.journal.account_row_at(&key, at).await?.map(|row| row.after),
        None => payments.records.balances(&[key]).await?.into_iter().next(),
    };
    Ok(answer(account, balance.unwrap_or_default(), at))
}

fn answer(account: Account, balance: Balance, as_of: Option<ambient::Timestamp>) -> AccountAnswer {
    AccountAnswer {
        account: account.to_string(),
        currency: account.currency.to_string(),
        posted_minor: balance.posted_minor,
        held_minor: balance.held_minor,
        available_minor: balance.available_minor(),
        as_of,
    }
}

/// The key of an account.
pub(crate) fn account_key(account: Account) -> Result<AccountKey, StoreError> {
    AccountKey::new(account.to_string()).map_err(|error| StoreError::Unwritable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;

    #[tokio::test]
    async fn only_operators_look_into_the_ledger() {
        let house = House::new();
        for path in ["/v1/ledger/trial-balance", "/v1/ledger/accounts/merchant:EUR", "/v1/ledger/accounts"] {
            assert_eq!(house.get(path).await.gist(), (403, "forbidden".to_owned()));
            assert_eq!(house.as_operator().get(path).await.status, 200);
        }
        assert_eq!(house.as_operator().get("/v1/ledger/accounts/mine:EUR").await.status, 404);
    }

    #[tokio::test]
    async fn the_trial_balance_counts_the_legs_and_sums_to_zero() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        assert_eq!(house.confirm(&path, "k2").await.gist(), (200, "captured".to_owned()));
        let seen = house.as_operator().get("/v1/ledger/trial-balance").await;
        let legs = house.records.ledger().len();
        assert!(legs >= 2);
        let wanted = format!(r#"{{"balanced":true,"lines":[{{"currency":"EUR","sum_minor":0,"legs":{legs}}}]}}"#);
        assert_eq!(seen.text, wanted);
        assert_eq!(house.balances().await, [(-1000, 0), (1000, 0)]);
    }

    #[tokio::test]
    async fn an_account_tells_what_it_held_at_any_moment() {
        let house = House::new();
        house.later(10);
        let path = house.authorized("k1").await;
        house.later(10);
        house.post(&format!("{path}/capture"), "k2", r#"{"amount_minor":400}"#).await;
        let house = house.as_operator();
        for (second, posted, held) in [(9, 0, 0), (10, 0, 1000), (19, 0, 1000), (20, -400, 0), (59, -400, 0)] {
            let at = format!("2026-01-01T00:00:{second:02}.000Z");
            for (account, posted, held) in [("acquirer", posted, 0), ("holds", 0, held)] {
                let json = house.get(&format!("/v1/ledger/accounts/{account}:EUR?at={at}")).await.json();
                let found =
                    (json["posted_minor"].as_i64(), json["held_minor"].as_i64(), json["available_minor"].as_i64());
                assert_eq!(found, (Some(posted), Some(held), Some(posted - held)), "{account} {at}");
                assert_eq!(json["as_of"].as_str(), Some(at.as_str()));
            }
        }
        let seen = house.get("/v1/ledger/accounts/acquirer:EUR?at=then").await;
        assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some("at")));
    }

    #[tokio::test]
    async fn accounts_are_listed_by_name_once_something_was_posted() {
        let house = House::new().as_operator();
        assert_eq!(house.get("/v1/ledger/accounts").await.text, r#"{"items":[]}"#);
        house.post_entries(1).await;
        let page = house.get("/v1/ledger/accounts?limit=1").await.json();
        assert_eq!((&page["items"][0]["account"], &page["next_cursor"]), (&"bank:EUR".into(), &"bank:EUR".into()));
        let page = house.get("/v1/ledger/accounts?limit=2&cursor=bank:EUR").await.json();
        assert_eq!((&page["items"][0]["account"], page.get("next_cursor")), (&"payouts:EUR".into(), None));
        assert_eq!(house.get("/v1/ledger/accounts?limit=0").await.status, 422);
        assert_eq!(house.get("/v1/ledger/accounts?cursor=%20").await.status, 422);
    }
}
