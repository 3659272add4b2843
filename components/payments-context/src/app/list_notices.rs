//! `GET /v1/providers/notices`: what providers told us that is not attended to, for operators.

use super::{QueryError, StoreError, notice_store};
use crate::Payments;
use crate::wire::{ListQuery, NoticePage, NoticeSummary, StoredError};
use futures::future::try_join;
use records::{Cursor, RecordsError};

/// One page, newest first.
///
/// # Errors
/// [`QueryError::Invalid`] for a limit outside 1 to 100 or a cursor that is none; [`QueryError::Store`].
pub async fn list_notices(payments: &Payments, query: ListQuery) -> Result<NoticePage, QueryError> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(QueryError::Invalid { field: "limit", why: "a page has 1 to 100 entries" });
    }
    let index = notice_store::open_notices()?;
    let after = query.cursor.map(Cursor);
    let both = try_join(payments.records.list(&index, after.as_ref(), limit), payments.records.count(&index)).await;
    let (page, total) = both.map_err(|error| match error {
        RecordsError::Invalid(_) if after.is_some() => {
            QueryError::Invalid { field: "cursor", why: "a cursor is the `next_cursor` of the page before, unchanged" }
        }
        other => other.into(),
    })?;
    let items: Result<Vec<NoticeSummary>, serde_json::Error> =
        page.entries.iter().map(|entry| serde_json::from_str(&entry.summary)).collect();
    Ok(NoticePage {
        items: items.map_err(|error| StoreError::Unreadable(StoredError::Shape(error)))?,
        total,
        next_cursor: page.next.map(|cursor| cursor.0),
    })
}
