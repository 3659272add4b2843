//! Beginning a reconciliation, and looking at those that there are.

use super::store;
use crate::Payments;
use crate::app::operator::{LedgerError, Noted, Operator, commit};
use crate::app::store::day_of;
use crate::app::{QueryError, Reply, StoreError};
use crate::domain::ProviderName;
use crate::wire::{
    ListQuery, ReconciliationAnswer, ReconciliationId, ReconciliationPage, ReconciliationRequest, ReconciliationStatus,
    StoredError, StoredReconciliation,
};
use ambient::Timestamp;
use core::time::Duration;
use futures::future::try_join;
use records::{Cursor, RecordsError};
use std::collections::BTreeMap;

/// The most that a page holds.
const MAX_LIMIT: u32 = 100;
/// The most days that one statement covers.
const MOST_DAYS: u32 = 366;
/// A day in seconds.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Begins the reconciliation of one statement; the same statement again is the same reconciliation.
///
/// # Errors
/// [`LedgerError::Invalid`]; [`LedgerError::StatementTaken`] where it is there with other days; those of every change.
pub async fn create_reconciliation(
    payments: &Payments,
    operator: &Operator,
    request: ReconciliationRequest,
) -> Result<Reply, LedgerError> {
    let provider: ProviderName =
        request.provider.parse().map_err(|_| LedgerError::invalid("provider", "1 to 20 characters out of a-z 0-9"))?;
    let statement = request.statement;
    let fits = (1..=40).contains(&statement.len())
        && statement.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if !fits {
        return Err(LedgerError::invalid("statement", "1 to 40 characters out of A-Z a-z 0-9 _ . -"));
    }
    let to = request.to.unwrap_or_else(|| request.from.clone());
    let day = "a day such as 2026-01-31 is expected";
    let first = moment_of(&request.from).ok_or_else(|| LedgerError::invalid("from", day))?;
    let last = moment_of(&to).ok_or_else(|| LedgerError::invalid("to", day))?;
    if last < first || last.since(first) >= DAY * MOST_DAYS {
        return Err(LedgerError::invalid("to", "not before `from`, and at most a year later"));
    }
    let stored = StoredReconciliation {
        v: 1,
        id: ReconciliationId::derived(0, &[provider.as_str().as_bytes(), statement.as_bytes()]),
        provider: provider.to_string(),
        statement,
        from: request.from,
        to,
        status: ReconciliationStatus::Open,
        by: operator.subject.clone(),
        created_at: payments.now(),
        columns: None,
        next_chunk: 1,
        begun: None,
        lines: 0,
        matched: 0,
        fees: BTreeMap::new(),
        comparing: None,
        ended_at: None,
        reason: None,
    };
    let location = Some(format!("/v1/reconciliations/{}", stored.id));
    let answer = store::shown_answer(payments, &stored, 201).await?;
    let change = store::head_change(None, &stored, operator.meta(payments))?
        .with_index(store::summary(&stored)?)
        .with_once(operator.finish(answer.clone()));
    match commit(payments, change).await? {
        Noted::Done => Ok(Reply { location, ..Reply::first(answer) }),
        Noted::Replay(answer) => Ok(Reply { location, ..Reply::again(answer) }),
        Noted::Overtaken => {
            let known = store::load(payments, &stored.id.to_string()).await?.ok_or(LedgerError::Contended)?.stored;
            if (&known.from, &known.to) != (&stored.from, &stored.to) {
                return Err(LedgerError::StatementTaken);
            }
            // Who comes back after a crash finds where to go on.
            Ok(Reply { location, ..Reply::first(store::shown_answer(payments, &known, 200).await?) })
        }
    }
}

/// One reconciliation.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Store`].
pub async fn reconciliation(payments: &Payments, id: &str) -> Result<ReconciliationAnswer, QueryError> {
    let held = store::load(payments, id).await?.ok_or(QueryError::NotFound)?;
    Ok(store::answer(payments, &held.stored).await?)
}

/// Reconciliations, newest first.
///
/// # Errors
/// [`QueryError::Invalid`] for a limit outside 1 to 100 or a cursor that is none; [`QueryError::Store`].
pub async fn reconciliations(payments: &Payments, query: ListQuery) -> Result<ReconciliationPage, QueryError> {
    let limit = query.limit.unwrap_or(MAX_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(QueryError::Invalid { field: "limit", why: "a page has 1 to 100 entries" });
    }
    let (index, after) = (store::all()?, query.cursor.map(Cursor));
    let both = try_join(payments.records.list(&index, after.as_ref(), limit), payments.records.count(&index)).await;
    let (page, total) = both.map_err(|error| match error {
        RecordsError::Invalid(_) if after.is_some() => {
            QueryError::Invalid { field: "cursor", why: "a cursor is the `next_cursor` of the page before, unchanged" }
        }
        other => other.into(),
    })?;
    let items: Result<Vec<_>, serde_json::Error> =
        page.entries.iter().map(|entry| serde_json::from_str(&entry.summary)).collect();
    Ok(ReconciliationPage {
        items: items.map_err(|error| StoreError::Unreadable(StoredError::Shape(error)))?,
        total,
        next_cursor: page.next.map(|cursor| cursor.0),
    })
}

/// The beginning of a day; `None` for a text that is none.
pub(super) fn moment_of(day: &str) -> Option<Timestamp> {
    let moment: Timestamp = format!("{day}T00:00:00.000Z").parse().ok()?;
    (day_of(moment) == day).then_some(moment)
}

/// The day after; `None` after the last one that there is.
pub(super) fn day_after(day: &str) -> Option<String> {
    let next = day_of(moment_of(day)?.plus(DAY));
    (next.as_str() > day).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_follows_a_day_and_nothing_else_is_one() {
        assert_eq!(day_after("2026-02-28").as_deref(), Some("2026-03-01"));
        assert_eq!(day_after("2024-02-28").as_deref(), Some("2024-02-29"));
        assert_eq!(day_after("9999-12-31"), None);
        for text in ["", "2026-02-29", "2026-1-1", "2026-01-01T00:00:00.000Z", "2026-01-01 "] {
            assert_eq!(moment_of(text), None, "{text}");
        }
    }
}
