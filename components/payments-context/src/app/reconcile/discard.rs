//! `POST /v1/reconciliations/{id}/discard`: the wrong file. What it has shown does not count any more, what it booked is
//! booked back. Once it is closed, its differences are resolved one by one instead.

use super::store::{self, Held};
use super::{MOST_CURRENCIES, TRIES};
use crate::Payments;
use crate::app::operator::{LedgerError, Noted, Operator, commit};
use crate::app::{Reply, store as payment_store};
use crate::domain::{Description, fee_legs};
use crate::wire::{DiscardRequest, ReconciliationStatus, StoredReconciliation};
use money::Currency;
use records::Posting;
use std::collections::BTreeMap;

/// Discards a reconciliation.
///
/// # Errors
/// [`LedgerError::NotFound`]; [`LedgerError::ReconciliationState`] where it is at its end; [`LedgerError::Invalid`] for a
/// reason that is none; those of every change.
pub async fn discard_reconciliation(
    payments: &Payments,
    operator: &Operator,
    id: &str,
    request: DiscardRequest,
) -> Result<Reply, LedgerError> {
    let why = "a reason has 1 to 200 characters and no control characters";
    let reason = Description::new(&request.reason).map_err(|_| LedgerError::invalid("reason", why))?;
    let mut overtaken = 0;
    loop {
        let Held { version, stored: head } = store::load(payments, id).await?.ok_or(LedgerError::NotFound)?;
        if !matches!(head.status, ReconciliationStatus::Open | ReconciliationStatus::Comparing) {
            return operator.answered(payments).await?.ok_or_else(|| store::not_now(&head));
        }
        let back: BTreeMap<Currency, i64> = head
            .fees
            .iter()
            .take(MOST_CURRENCIES)
            .map(|(&currency, &minor)| (currency, minor.saturating_neg()))
            .collect();
        let mut next = StoredReconciliation { comparing: None, begun: None, ..head.clone() };
        next.fees.retain(|currency, _| !back.contains_key(currency));
        let legs: Vec<Posting> = fee_legs(&back).iter().map(payment_store::posting).collect::<Result<_, _>>()?;
        // More currencies than one entry takes: part of them first.
        let last = next.fees.is_empty();
        if last {
            next.status = ReconciliationStatus::Discarded;
            next.ended_at = Some(payments.now());
            next.reason = Some(reason.as_str().to_owned());
        }
        let mut change = store::head_change(Some(version), &next, operator.meta(payments))?.with_postings(legs);
        let answer = store::shown_answer(payments, &next, 200).await?;
        if last {
            change = change.with_index(store::summary(&next)?).with_once(operator.finish(answer.clone()));
        }
        match commit(payments, change).await? {
            Noted::Done if last => return Ok(Reply::first(answer)),
            Noted::Done => {}
            Noted::Replay(answer) => return Ok(Reply::again(answer)),
            Noted::Overtaken => {
                overtaken += 1;
                if overtaken == TRIES {
                    return Err(LedgerError::Contended);
                }
            }
        }
    }
}
