//! The books under any sequence of changes: what must hold whatever is posted, whether it is refused or not.

use crate::changes::{account, change, key};
use crate::{Failure, Fixture};
use ambient::Timestamp;
use records::{AccountKey, Balance, Finding, LedgerRow, Outcome, Posting};
use std::collections::BTreeMap;

/// One change of the books.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which record carries it, 0 to 3.
    pub record: u8,
    /// The legs: account 0 to 3, currency 0 or 1, posted, held, floor.
    pub legs: Vec<(u8, bool, i64, i64, Option<i64>)>,
    /// Whether a last leg is added for each currency so that the posted amounts sum to zero.
    pub balanced: bool,
}

/// Plays the steps and compares after each: the trial balance is zero, every balance is the fold of the journal, and a
/// change that was refused has posted nothing. At the end the journal is sealed, read by account and checked.
///
/// # Errors
/// What does not hold.
pub async fn keep_books(fixture: &dyn Fixture, steps: &[Step]) -> Result<(), Failure> {
    fixture.reset().await?;
    let records = fixture.records();
    let names: Vec<_> =
        (0..5).flat_map(|number| ["EUR", "JPY"].map(|currency| format!("{number}:{currency}"))).collect();
    let accounts = names.iter().map(|name| account(name)).collect::<Result<Vec<_>, _>>()?;
    for step in steps {
        let name = format!("entry:{}", step.record);
        let expected = records.load(&key(&name)?).await?.map(|record| record.version);
        let legs = legs(step)?;
        let before = fixture.ledger().await?.len();
        let outcome =
            records.commit(change(fixture, &name, expected, "{}")?.with_postings(legs.iter().cloned())).await?;
        let rows = fixture.ledger().await?;
        let posted = rows.len() - before;
        match outcome {
            Outcome::Committed(_) => ensure_eq!(posted, legs.len(), "rows of a committed change"),
            Outcome::Refused(_) => ensure_eq!(posted, 0, "rows of a refused change"),
            other => return Err(Failure(format!("neither committed nor refused: {other:?}"))),
        }
        for line in records.trial_balance().await? {
            ensure_eq!(line.sum_minor, 0, "the trial balance");
        }
        let mut folded: BTreeMap<&str, Balance> = BTreeMap::new();
        for row in &rows {
            let balance = folded.entry(row.account.as_str()).or_default();
            balance.posted_minor += row.posted_minor;
            balance.held_minor += row.held_minor;
            ensure_eq!(*balance, row.after, "the balance after a row");
        }
        let wanted: Vec<_> = names.iter().map(|name| folded.get(name.as_str()).copied().unwrap_or_default()).collect();
        ensure_eq!(records.balances(&accounts).await?, wanted, "balances");
    }
    read_books(fixture, &accounts).await
}

/// Whatever was posted, each account tells its own part of the journal, and what it was at any moment.
///
/// # Errors
/// What does not hold.
async fn read_books(fixture: &dyn Fixture, accounts: &[AccountKey]) -> Result<(), Failure> {
    let (journal, rows) = (fixture.journal(), fixture.ledger().await?);
    while journal.seal().await?.more {}
    ensure_eq!(fixture.ledger().await?, rows, "the journal after sealing");
    let mut known: Vec<AccountKey> = rows.iter().map(|row| row.account.clone()).collect();
    known.sort();
    known.dedup();
    ensure_eq!(journal.accounts(None, 100).await?, known, "accounts");
    for account in accounts {
        let own: Vec<&LedgerRow> = rows.iter().filter(|row| row.account == *account).collect();
        let (mut told, mut from) = (Vec::new(), None);
        loop {
            let page = journal.account_rows(account, from, 7).await?;
            from = page.last().map(|row| row.number - 1);
            told.extend(page);
            if from.is_none_or(|from| from == 0) {
                break;
            }
        }
        ensure!(told.iter().eq(own.iter().rev().copied()), "{account} tells {told:?}");
        let moments = own.iter().flat_map(|row| [row.at.unix_ms() - 1, row.at.unix_ms(), row.at.unix_ms() + 1]);
        for moment in moments.map(Timestamp::from_unix_ms) {
            let found = journal.account_row_at(account, moment).await?;
            let wanted = own.iter().rev().find(|row| row.at <= moment).map(|row| (*row).clone());
            ensure_eq!(found, wanted, "the row at a moment");
        }
    }
    let verified = journal.verify(None, 100).await?;
    ensure_eq!(verified.finding, Finding::Intact, "the check");
    ensure_eq!(verified.rows, rows.len() as u64, "rows checked");
    Ok(())
}

/// The postings of a step; an account's name holds its currency, so that it never changes.
fn legs(step: &Step) -> Result<Vec<Posting>, Failure> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    let mut legs = Vec::new();
    for &(number, euro, posted_minor, held_minor, floor_minor) in &step.legs {
        let currency = if euro { "EUR" } else { "JPY" };
        *sums.entry(currency).or_default() += posted_minor;
        let account = account(&format!("{}:{currency}", number % 4))?;
        legs.push(Posting { account, currency: currency.to_owned(), posted_minor, held_minor, floor_minor });
    }
    if step.balanced {
        for (currency, sum) in sums {
            let account = account(&format!("4:{currency}"))?;
            legs.push(Posting {
                account,
                currency: currency.to_owned(),
                posted_minor: -sum,
                held_minor: 0,
                floor_minor: None,
            });
        }
    }
    Ok(legs)
}
