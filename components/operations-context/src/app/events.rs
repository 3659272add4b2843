//! What lies in a stream: back from its end, or on from an entry.

use super::{OperationsError, PAGE, entry, page, service};
use crate::Operations;
use crate::wire::event::EventPage;
use crate::wire::request::EventsQuery;
use events::Span;

/// A page of a stream. One round trip.
///
/// # Errors
/// [`OperationsError`].
pub async fn entries(house: &Operations, context: &str, query: &EventsQuery) -> Result<EventPage, OperationsError> {
    let service = service(house, context)?;
    let limit = page(query.limit, PAGE)?;
    let span = match (&query.cursor, &query.after) {
        (Some(_), Some(_)) => {
            return Err(OperationsError::invalid("after", "a cursor goes back, `after` goes on: one of them"));
        }
        (_, Some(after)) => Span::After(entry("after", after)?),
        (cursor, None) => Span::Before(cursor.as_deref().map(|cursor| entry("cursor", cursor)).transpose()?),
    };
    let found = service.inspection.entries(&service.stream(), span, limit).await?;
    let more = matches!(span, Span::Before(_)) && found.len() >= limit as usize;
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(EventPage { items: found.into_iter().map(Into::into).collect(), next_cursor })
}
