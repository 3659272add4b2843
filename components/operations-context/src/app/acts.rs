//! What was done.

use super::carry_out::{act_of, index, load};
use super::{OperationsError, PAGE, page};
use crate::Operations;
use crate::wire::act::{ActAnswer, ActId, ActLine, ActPage};
use crate::wire::request::PageQuery;
use records::{Cursor, IndexEntry, RecordsError};

/// Acts, newest first.
///
/// # Errors
/// [`OperationsError`].
pub async fn acts(house: &Operations, query: PageQuery) -> Result<ActPage, OperationsError> {
    let limit = page(query.limit, PAGE)?;
    let cursor = query.cursor.map(Cursor);
    let page = match house.records.list(&index()?, cursor.as_ref(), limit).await {
        // The limit was checked before, so that only the cursor is left to blame.
        Err(RecordsError::Invalid(_)) if cursor.is_some() => {
            return Err(OperationsError::invalid("cursor", "it is not one that a page named"));
        }
        page => page?,
    };
    let items = page.entries.iter().map(line).collect::<Result<_, _>>()?;
    Ok(ActPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

fn line(entry: &IndexEntry) -> Result<ActLine, OperationsError> {
    let id = act_of(&entry.key).ok_or_else(|| OperationsError::unwritable(&entry.key))?;
    let summary = serde_json::from_str(&entry.summary).map_err(|error| OperationsError::unwritable(&error))?;
    Ok(ActLine::of(id, summary))
}

/// One act.
///
/// # Errors
/// [`OperationsError`].
pub async fn act(house: &Operations, id: &str) -> Result<ActAnswer, OperationsError> {
    let id: ActId = id.parse().map_err(|_| OperationsError::NotFound)?;
    let (_, stored) = load(house, id).await?.ok_or(OperationsError::NotFound)?;
    Ok(ActAnswer::of(id, &stored))
}
