//! What this service has of a payer, for them to take along: payments and saved ways to pay.

use super::{QueryError, StoreError, saved_methods, store};
use crate::Payments;
use crate::wire::{PaymentAnswer, SavedMethodAnswer, StoredError};
use futures::future::try_join_all;
use ids::UserId;
use privacy::Pages;
use records::{Cursor, MAX_PAGE};

/// All of it, newest first, as far as an export takes it. Payments are shown as the API shows them.
///
/// # Errors
/// [`QueryError::Store`].
pub async fn export_person(payments: &Payments, payer: UserId) -> Result<Pages, QueryError> {
    let records = &*payments.records;
    let json = |error: serde_json::Error| StoreError::Unreadable(StoredError::Shape(error));
    let mut pages = Pages::default();
    let methods = records.list(&saved_methods::index_of(payer)?, None, MAX_PAGE).await?;
    for entry in &methods.entries {
        let method: SavedMethodAnswer = serde_json::from_str(&entry.summary).map_err(json)?;
        pages.add("payment_methods", serde_json::to_value(method).map_err(json)?);
    }
    let mut after: Option<Cursor> = None;
    loop {
        let page = records.list(&store::index_of(payer)?, after.as_ref(), MAX_PAGE).await?;
        let ids = page.entries.iter().filter_map(|entry| store::payment_of(&entry.key));
        for held in try_join_all(ids.map(|id| store::load(records, id))).await?.into_iter().flatten() {
            let item = serde_json::to_value(PaymentAnswer::from(&held.stored.payment)).map_err(json)?;
            if !pages.add("payments", item) {
                return Ok(pages);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(pages);
        }
    }
}
