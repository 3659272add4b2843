//! The audit trail of what was done, and whether it holds.

use super::{OperationsError, PAGE, page};
use crate::Operations;
use crate::wire::audit::{AuditPage, AuditRow, AuditVerified};
use crate::wire::request::{PageQuery, VerifyQuery};
use futures::future::try_join_all;
use records::{Checkpoint, RecordsError, Trail, TrailRow};

/// How many pages one check looks at.
const CHECKED_PAGES: u32 = 16;

/// What was done, newest first.
///
/// # Errors
/// [`OperationsError`].
pub async fn audit(house: &Operations, query: PageQuery) -> Result<AuditPage, OperationsError> {
    let limit = page(query.limit, PAGE)?;
    let mut last = house.trail.length().await?;
    if let Some(cursor) = &query.cursor {
        // One place has one text: `+7` and `007` are none that a page named.
        let place = cursor.parse::<u64>().ok().filter(|place| *place > 0 && place.to_string() == *cursor);
        let place = place.ok_or_else(|| OperationsError::invalid("cursor", "it is not one that a page named"))?;
        last = last.min(place.saturating_sub(1));
    }
    let after = last.saturating_sub(u64::from(limit));
    let count = u32::try_from(last.saturating_sub(after)).unwrap_or(limit);
    let mut rows = if count == 0 { Vec::new() } else { house.trail.rows(after, count).await? };
    rows.reverse();
    let rows = try_join_all(rows.into_iter().map(|row| whole(&*house.trail, row))).await?;
    let next_cursor = rows.last().filter(|row| row.seq > 1).map(|row| row.seq.to_string());
    let unreadable = || RecordsError::Corrupt { key: "the audit trail".to_owned() };
    let items = rows.iter().map(|row| AuditRow::of(row).ok_or_else(unreadable)).collect::<Result<_, _>>()?;
    Ok(AuditPage { items, next_cursor })
}

/// A row of the chain with what is personal, which is among the context's own rows.
async fn whole(trail: &dyn Trail, row: TrailRow) -> Result<TrailRow, RecordsError> {
    if row.personal.is_some() || row.digest == "-" {
        return Ok(row);
    }
    let own = trail.account_rows(&row.account, Some(row.number), 1).await?;
    Ok(TrailRow { personal: own.into_iter().next().and_then(|own| own.personal), ..row })
}

/// Whether the trail is what was written, a bounded piece a call.
///
/// # Errors
/// [`OperationsError`].
pub async fn verify(house: &Operations, query: VerifyQuery) -> Result<AuditVerified, OperationsError> {
    let invalid = || OperationsError::invalid("cursor", "it is the `next_cursor` of the check before, unchanged");
    let from: Option<Checkpoint> = query.cursor.map(|text| text.parse()).transpose().map_err(|_| invalid())?;
    match house.trail.verify(from.as_ref(), CHECKED_PAGES).await {
        Err(RecordsError::Invalid(_)) if from.is_some() => Err(invalid()),
        verified => Ok(verified?.into()),
    }
}
