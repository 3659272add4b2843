//! `GET /v1/ledger/…`: the trial balance and single accounts, for operators.

use super::{QueryError, StoreError};
use crate::Payments;
use crate::domain::Account;
use crate::wire::{AccountAnswer, TrialBalanceAnswer, TrialBalanceLine};
use records::AccountKey;

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

/// One account of the chart; zero where nothing was ever posted.
///
/// # Errors
/// [`QueryError::NotFound`] for a name that is not in the chart; [`QueryError::Store`].
pub async fn account(payments: &Payments, name: &str) -> Result<AccountAnswer, QueryError> {
    let account = Account::named(name).ok_or(QueryError::NotFound)?;
    let key = AccountKey::new(account.to_string()).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let balance = payments.records.balances(&[key]).await?.into_iter().next().unwrap_or_default();
    Ok(AccountAnswer {
        account: account.to_string(),
        currency: account.currency.to_string(),
        posted_minor: balance.posted_minor,
        held_minor: balance.held_minor,
        available_minor: balance.available_minor(),
    })
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;

    #[tokio::test]
    async fn only_operators_look_into_the_ledger() {
        let house = House::new();
        for path in ["/v1/ledger/trial-balance", "/v1/ledger/accounts/merchant:EUR"] {
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
        assert_eq!(seen.text, r#"{"balanced":true,"lines":[{"currency":"EUR","sum_minor":0,"legs":2}]}"#);
        assert_eq!(house.balances().await, [(-1000, 0), (1000, 0)]);
    }
}
