//! The checks of a committing step that look at the state: once-rows and postings. They change nothing.

use crate::state::{OnceRow, RowStep, State};
use ambient::Timestamp;
use records::{AccountKey, Balance, MAX_EXACT_MINOR, Once, OnceStep, Outcome, Posting, RecordsError, Refusal};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Why a change must not go on because of its once-row; `None` where it may.
pub(crate) fn once(row: Option<&OnceRow>, once: &Once, now: Timestamp) -> Option<Outcome> {
    let row = row?;
    if row.fingerprint != once.fingerprint {
        return Some(Outcome::Mismatch);
    }
    match &row.step {
        RowStep::Done(answer) => Some(Outcome::Replay(answer.clone())),
        RowStep::Begun { attempt, .. } if own_attempt(once) == Some(*attempt) => None,
        RowStep::Begun { until, .. } if now < *until => {
            let left = until.since(now).as_millis();
            Some(Outcome::InFlight { retry_after_ms: u64::try_from(left).unwrap_or(u64::MAX) })
        }
        RowStep::Begun { .. } => None,
    }
}

/// The attempt on whose behalf the change acts.
fn own_attempt(once: &Once) -> Option<Uuid> {
    match &once.step {
        OnceStep::Begin { attempt, .. } => Some(*attempt),
        OnceStep::Finish { attempt, .. } => *attempt,
    }
}

/// The balance after each leg, or the rule that one of them breaks. Ranges are checked leg by leg, floors at the end.
pub(crate) fn postings(state: &State, postings: &[Posting]) -> Result<Result<Vec<Balance>, Refusal>, RecordsError> {
    let mut balances: BTreeMap<&AccountKey, (Balance, &str)> = BTreeMap::new();
    let mut legs = Vec::with_capacity(postings.len());
    for posting in postings {
        let account = &posting.account;
        let known = || (state.balance(account), state.currency(account).unwrap_or(&posting.currency));
        let (balance, currency) = balances.entry(account).or_insert_with(known);
        if *currency != posting.currency {
            return Err(RecordsError::Invalid(format!("account {account} is kept in {currency}")));
        }
        balance.posted_minor += posting.posted_minor;
        balance.held_minor += posting.held_minor;
        let exact = -MAX_EXACT_MINOR..=MAX_EXACT_MINOR;
        if !exact.contains(&balance.posted_minor) || !exact.contains(&balance.held_minor) {
            return Ok(Err(Refusal::OutOfRange { account: account.to_string() }));
        }
        legs.push(*balance);
    }
    for posting in postings {
        let balance = balances.get(&posting.account).map(|(balance, _)| *balance).unwrap_or_default();
        if let Some(floor_minor) = posting.floor_minor
            && balance.available_minor() < floor_minor
        {
            let (account, available_minor) = (posting.account.to_string(), balance.available_minor());
            return Ok(Err(Refusal::Floor { account, available_minor, floor_minor }));
        }
    }
    Ok(Ok(legs))
}
