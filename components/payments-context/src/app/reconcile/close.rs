//! `POST /v1/reconciliations/{id}/close`: all lines are there; what our books have of those days and no settlement shows is
//! looked for, a page a commit.

use super::create::day_after;
use super::marks::Marks;
use super::store::{self, Held};
use super::{BATCH, TRIES, in_time};
use crate::Payments;
use crate::app::operator::{LedgerError, Noted, Operator, commit};
use crate::app::{Reply, StoreError, store as payment_store};
use crate::domain::{Difference, ItemName};
use crate::wire::{CloseRequest, Comparing, ReconciliationStatus, StoredDifference, StoredReconciliation};
use futures::future::try_join_all;
use records::{Answer, Cursor, RecordsError};

/// Closes a reconciliation, as far as there is time: 202 where the same request has to be sent again to go on.
///
/// # Errors
/// [`LedgerError::NotFound`]; [`LedgerError::ReconciliationState`] where part of a chunk is missing or it was discarded;
/// [`LedgerError::Invalid`] where another number of lines came in than the caller has sent; those of every change.
pub async fn close_reconciliation(
    payments: &Payments,
    operator: &Operator,
    id: &str,
    request: CloseRequest,
) -> Result<Reply, LedgerError> {
    let (mut marks, mut overtaken) = (Marks::default(), 0);
    loop {
        let held = store::load(payments, id).await?.ok_or(LedgerError::NotFound)?;
        let head = &held.stored;
        if request.lines.is_some_and(|lines| lines != head.lines) {
            return Err(LedgerError::Invalid { field: "lines", why: format!("{} lines came in", head.lines) });
        }
        match head.status {
            ReconciliationStatus::Closed => {
                return match operator.answered(payments).await? {
                    Some(reply) => Ok(reply),
                    None => Ok(Reply::first(store::shown_answer(payments, head, 200).await?)),
                };
            }
            ReconciliationStatus::Discarded => return Err(store::not_now(head)),
            ReconciliationStatus::Open if head.begun.is_some() => return Err(store::not_now(head)),
            ReconciliationStatus::Open | ReconciliationStatus::Comparing => {}
        }
        if !in_time(payments, &operator.scope) {
            return store::unfinished(payments, head).await;
        }
        match step(payments, operator, &held, &mut marks).await? {
            Stepped::On => {}
            Stepped::Closed(answer) => return Ok(Reply::first(answer)),
            Stepped::Replay(answer) => return Ok(Reply::again(answer)),
            Stepped::Overtaken => {
                overtaken += 1;
                if overtaken == TRIES {
                    return Err(LedgerError::Contended);
                }
            }
        }
    }
}

enum Stepped {
    On,
    Closed(Answer),
    Replay(Answer),
    Overtaken,
}

/// Begins the search, or takes it one page on.
async fn step(
    payments: &Payments,
    operator: &Operator,
    held: &Held<StoredReconciliation>,
    marks: &mut Marks,
) -> Result<Stepped, LedgerError> {
    let head = &held.stored;
    let mut next = head.clone();
    let here = match &head.comparing {
        Some(comparing) => {
            let cursor = search(payments, operator, head, comparing, marks).await?;
            let day = comparing.day.clone();
            match cursor {
                Some(Cursor(cursor)) => Some(Comparing { day, cursor: Some(cursor) }),
                None => day_after(&day).filter(|day| *day <= head.to).map(|day| Comparing { day, cursor: None }),
            }
        }
        None => Some(Comparing { day: head.from.clone(), cursor: None }),
    };
    next.status = if here.is_some() { ReconciliationStatus::Comparing } else { ReconciliationStatus::Closed };
    next.comparing = here;
    let closed = next.status == ReconciliationStatus::Closed;
    next.ended_at = closed.then(|| payments.now());
    let mut change = store::head_change(Some(held.version), &next, operator.meta(payments))?;
    if next.status != head.status {
        change = change.with_index(store::summary(&next)?);
    }
    if !closed {
        return Ok(match commit(payments, change).await? {
            Noted::Done => Stepped::On,
            Noted::Overtaken | Noted::Replay(_) => Stepped::Overtaken,
        });
    }
    // Every difference is written by now: they can be counted.
    let answer = store::shown_answer(payments, &next, 200).await?;
    Ok(match commit(payments, change.with_once(operator.finish(answer.clone()))).await? {
        Noted::Done => Stepped::Closed(answer),
        Noted::Replay(answer) => Stepped::Replay(answer),
        Noted::Overtaken => Stepped::Overtaken,
    })
}

/// Looks at one page of a day: what counts there and was shown nowhere is a difference. The page after it, if there is one.
async fn search(
    payments: &Payments,
    operator: &Operator,
    head: &StoredReconciliation,
    Comparing { day, cursor }: &Comparing,
    marks: &mut Marks,
) -> Result<Option<Cursor>, LedgerError> {
    let index = payment_store::day_index(&head.provider, day)?;
    let cursor = cursor.clone().map(Cursor);
    let page = payments.records.list(&index, cursor.as_ref(), u32::try_from(BATCH).unwrap_or(1)).await?;
    let names: Vec<String> = page.entries.iter().map(|entry| entry.sort.clone()).collect();
    let mut missing = Vec::new();
    for (name, known) in names.iter().zip(marks.look_up(payments, head, &names).await?) {
        let Some(ours) = known.ours.filter(|ours| ours.state.counts() && known.shown_in.is_none()) else { continue };
        let corrupt = || StoreError::Records(RecordsError::Corrupt { key: name.clone() });
        let item: ItemName = name.parse().map_err(|_| corrupt())?;
        let found = Difference::missing_there(item, ours);
        missing.push(StoredDifference {
            payment: known.payment.map(|payment| payment.to_string()),
            ..StoredDifference::new(name.clone(), None, &found, payments.now())
        });
    }
    for some in missing.chunks(super::chunk::AT_ONCE) {
        let keep = |difference| store::keep_difference(payments, head.id, difference, operator.meta(payments));
        try_join_all(some.iter().map(keep)).await?;
    }
    Ok(page.next)
}
