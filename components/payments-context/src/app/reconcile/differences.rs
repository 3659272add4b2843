//! The differences of a reconciliation: what there is, and what somebody does about each, once.

use super::TRIES;
use super::store::{self, Held};
use crate::Payments;
use crate::app::operator::{LedgerError, Noted, Operator, change, commit};
use crate::app::{QueryError, Reply, StoreError, store as payment_store};
use crate::domain::Description;
use crate::wire::{
    DifferenceAnswer, DifferencePage, DifferenceQuery, ReconciliationId, ReconciliationStatus, Resolution,
    ResolutionAction, ResolutionRequest, StoredDifference,
};
use futures::future::{try_join, try_join_all};
use records::{Answer, Cursor, IndexStep, Posting, RecordsError};

/// The most that a page holds: each is a record.
const MAX_LIMIT: u32 = 50;

/// Differences, what no line shows first, then from the last line to the first.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Invalid`] for a limit outside 1 to 50, a state or a cursor that is none;
/// [`QueryError::Store`].
pub async fn differences(payments: &Payments, id: &str, query: DifferenceQuery) -> Result<DifferencePage, QueryError> {
    let head = store::load(payments, id).await?.ok_or(QueryError::NotFound)?.stored;
    let limit = query.limit.unwrap_or(MAX_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(QueryError::Invalid { field: "limit", why: "a page has 1 to 50 entries" });
    }
    let index = match query.state.as_deref() {
        None | Some("open") => store::open_differences(head.id)?,
        Some("all") => store::differences(head.id)?,
        Some(_) => return Err(QueryError::Invalid { field: "state", why: "`open` or `all`" }),
    };
    let after = query.cursor.map(Cursor);
    let both = try_join(payments.records.list(&index, after.as_ref(), limit), payments.records.count(&index)).await;
    let (page, total) = both.map_err(|error| match error {
        RecordsError::Invalid(_) if after.is_some() => {
            QueryError::Invalid { field: "cursor", why: "a cursor is the `next_cursor` of the page before, unchanged" }
        }
        other => other.into(),
    })?;
    let load = async |sort: &str| {
        // The place says which: a line's number, or `~` and the item.
        let name = sort.strip_prefix('~').unwrap_or_else(|| sort.trim_start_matches('0'));
        store::load_difference(payments, head.id, name).await
    };
    let loaded = try_join_all(page.entries.iter().map(|entry| load(&entry.sort))).await?;
    let items: Result<Vec<_>, StoreError> = loaded.into_iter().flatten().map(|held| shown(held.stored)).collect();
    Ok(DifferencePage { items: items?, total, next_cursor: page.next.map(|cursor| cursor.0) })
}

/// One difference.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Store`].
pub async fn difference(payments: &Payments, id: &str, difference: &str) -> Result<DifferenceAnswer, QueryError> {
    let id: ReconciliationId = id.parse().map_err(|_| QueryError::NotFound)?;
    let held = store::load_difference(payments, id, difference).await?.ok_or(QueryError::NotFound)?;
    Ok(shown(held.stored)?)
}

/// Resolves a difference: nothing moves, or the books follow the settlement and what differs goes to suspense. Whoever
/// finds out later that it was wrong reverses the entry.
///
/// # Errors
/// [`LedgerError::NotFound`]; [`LedgerError::ReconciliationState`] while the reconciliation is not closed;
/// [`LedgerError::DifferenceResolved`]; [`LedgerError::Invalid`] for a reason that is none, or an adjustment where no money
/// differs; those of every change.
pub async fn resolve_difference(
    payments: &Payments,
    operator: &Operator,
    id: &str,
    difference: &str,
    request: ResolutionRequest,
) -> Result<Reply, LedgerError> {
    let why = "a reason has 1 to 200 characters and no control characters";
    let reason = Description::new(&request.reason).map_err(|_| LedgerError::invalid("reason", why))?;
    let head = store::load(payments, id).await?.ok_or(LedgerError::NotFound)?.stored;
    if head.status != ReconciliationStatus::Closed {
        return Err(store::not_now(&head));
    }
    for _ in 0..TRIES {
        let Held { version, stored } =
            store::load_difference(payments, head.id, difference).await?.ok_or(LedgerError::NotFound)?;
        if stored.resolution.is_some() {
            return operator.answered(payments).await?.ok_or(LedgerError::DifferenceResolved);
        }
        let found = stored.read().ok_or_else(|| corrupt(&stored))?;
        let legs = match request.action {
            ResolutionAction::Accept => Vec::new(),
            ResolutionAction::Adjust => found.adjustment(),
        };
        if request.action == ResolutionAction::Adjust && legs.is_empty() {
            return Err(LedgerError::invalid("action", "no money differs: there is nothing to adjust, accept it"));
        }
        let resolution = Resolution {
            action: request.action,
            reason: reason.as_str().to_owned(),
            by: operator.subject.clone(),
            at: payments.now(),
        };
        let sort = store::difference_place(&stored);
        let resolved = StoredDifference { resolution: Some(resolution), ..stored };
        let json = |error: serde_json::Error| StoreError::Unwritable(error.to_string());
        let body = serde_json::to_string(&shown(resolved.clone())?).map_err(json)?;
        let answer = Answer { status: 200, body };
        let postings: Vec<Posting> = legs.iter().map(payment_store::posting).collect::<Result<_, _>>()?;
        let key = store::difference_key(head.id, difference).ok_or(LedgerError::NotFound)?;
        let change = change(key.as_str().to_owned(), Some(version), &resolved, operator.meta(payments))?
            .with_postings(postings)
            .with_index(IndexStep::Remove { index: store::open_differences(head.id)?, sort })
            .with_once(operator.finish(answer.clone()));
        match commit(payments, change).await? {
            Noted::Done => return Ok(Reply::first(answer)),
            Noted::Replay(answer) => return Ok(Reply::again(answer)),
            Noted::Overtaken => {}
        }
    }
    Err(LedgerError::Contended)
}

fn corrupt(stored: &StoredDifference) -> StoreError {
    StoreError::Records(RecordsError::Corrupt { key: format!("difference {}", stored.id) })
}

fn shown(stored: StoredDifference) -> Result<DifferenceAnswer, StoreError> {
    let unreadable = corrupt(&stored);
    DifferenceAnswer::new(stored).ok_or(unreadable)
}
