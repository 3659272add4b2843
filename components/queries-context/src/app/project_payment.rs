//! A payment's newest snapshot, and with it, in the same commit, every number of the overview that it changes.
//!
//! The view's version decides whether an event is new; the counts are the sizes of indexes in which the payment lies
//! exactly once, the captured totals are balances that move by the difference to the view before. So there is one
//! commit an event, and no moment at which a number and its cause disagree: a crash, a repetition or an overtaken event
//! cannot lose or double anything.

use crate::app::erase::is_erased;
use crate::app::step::{Step, step};
use crate::app::{ProjectError, TRIES};
use crate::domain::{PaymentStep, PaymentView};
use crate::keys;
use crate::wire::{self, PaymentSummary, StoredPaymentView};
use bytes::Bytes;
use futures::future::try_join;
use records::{Change, Content, IndexStep, Meta, Posting, Records, RecordsError, Version};

/// Takes in a snapshot. Four round trips; two where it is not new; four more when a person's first money of a currency
/// is captured. Nothing is taken in of a person who was erased, which is read beside the view.
///
/// # Errors
/// [`ProjectError`].
pub async fn project_payment(records: &dyn Records, told: PaymentView, meta: &Meta) -> Result<(), ProjectError> {
    let key = keys::payment_view(told.id)?;
    for _ in 0..TRIES {
        let (known, erased) = try_join(records.load(&key), is_erased(records, told.user_id)).await?;
        if erased {
            return Ok(());
        }
        let (version, known) = match known {
            None => (None, None),
            Some(record) => match wire::read::<StoredPaymentView, PaymentView>(&record)? {
                Some(view) => (Some(record.version), Some(view)),
                // Erased: nothing brings it back.
                None => return Ok(()),
            },
        };
        let Some(taken_in) = PaymentView::take_in(known.as_ref(), told.clone())? else { return Ok(()) };
        if taken_in.captured_delta_minor != 0 {
            know_currency(records, &taken_in.view, meta).await?;
        }
        let change = change(version, &taken_in, meta)?;
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(ProjectError::Contended)
}

fn change(version: Option<Version>, taken_in: &PaymentStep, meta: &Meta) -> Result<Change, RecordsError> {
    let PaymentStep { view, leaves, captured_delta_minor } = taken_in;
    let content = Content::Body(wire::write(&StoredPaymentView::from(view))?);
    let summary =
        serde_json::to_string(&PaymentSummary::from(view)).map_err(|error| RecordsError::Invalid(error.to_string()))?;
    let sort = view.created_at.to_string();
    let mut change = Change::new(keys::payment_view(view.id)?, version, content, meta.clone())
        .with_index(IndexStep::Put { index: keys::payments_of(view.user_id)?, sort: sort.clone(), summary });
    if let Some(left) = leaves {
        change =
            change.with_index(IndexStep::Remove { index: keys::payments_in(view.user_id, *left)?, sort: sort.clone() });
    }
    change = change.with_index(IndexStep::Put {
        index: keys::payments_in(view.user_id, view.status)?,
        sort,
        summary: String::new(),
    });
    if *captured_delta_minor != 0 {
        let currency = view.captured.currency();
        let leg = |account, posted_minor| Posting {
            account,
            currency: currency.code().to_owned(),
            posted_minor,
            held_minor: 0,
            floor_minor: None,
        };
        change = change.with_postings([
            leg(keys::captured(view.user_id, currency)?, *captured_delta_minor),
            leg(keys::captured_by_all(currency)?, captured_delta_minor.saturating_neg()),
        ]);
    }
    Ok(change)
}

/// Notes that a person has money in a currency, before it is there: a currency too many shows as no amount, one too
/// few would hide money.
async fn know_currency(records: &dyn Records, view: &PaymentView, meta: &Meta) -> Result<(), RecordsError> {
    let currency = view.captured.currency();
    let key = keys::currency(view.user_id, currency)?;
    if records.load(&key).await?.is_some() {
        return Ok(());
    }
    let change =
        Change::new(key, None, Content::Body(Bytes::from_static(b"{}")), meta.clone()).with_index(IndexStep::Put {
            index: keys::currencies_of(view.user_id)?,
            sort: currency.code().to_owned(),
            summary: String::new(),
        });
    match step(records.commit(change).await?)? {
        Step::Committed | Step::Conflict => Ok(()),
    }
}
