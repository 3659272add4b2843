//! What was told: back from the end of a stream, or on from an entry or a moment, also where the stream was trimmed.
//!
//! A page comes from one place. Where the stream holds all of it, from the stream: its owner need not be there. Otherwise from
//! the owner, who alone may read the pages of its archive and answers them and the stream as one. So nothing has to be put
//! together here, and nothing can be missing or doubled where the two meet.

use super::{OperationsError, PAGE, entry, page, service, stream_of};
use crate::Operations;
use crate::Service;
use crate::wire::event::EventPage;
use crate::wire::request::EventsQuery;
use ambient::Timestamp;
use events::{EntryId, Span, StreamName, ToldPage};

/// A page of what was told. Two round trips at most to the stream, and a call of the owner where the stream has not all.
///
/// # Errors
/// [`OperationsError`].
pub async fn entries(house: &Operations, context: &str, query: &EventsQuery) -> Result<EventPage, OperationsError> {
    let service = service(house, context)?;
    let limit = page(query.limit, PAGE)?;
    let span = span(query)?;
    let stream = stream_of(service, query.partition)?;
    let found = match span {
        Span::After(after) => on(service, stream, after, limit).await?,
        Span::Before(before) => back(service, stream, before, limit).await?,
    };
    Ok(EventPage::of(stream, span, found))
}

fn span(query: &EventsQuery) -> Result<Span, OperationsError> {
    match (&query.cursor, &query.after, query.since) {
        (cursor, None, None) => Ok(Span::Before(cursor.as_deref().map(|cursor| entry("cursor", cursor)).transpose()?)),
        (None, Some(after), None) => Ok(Span::After(entry("after", after)?)),
        (None, None, Some(since)) => Ok(Span::After(just_before(since))),
        (Some(_), _, _) => {
            Err(OperationsError::invalid("cursor", "a cursor goes back, `after` and `since` go on: one of them"))
        }
        (None, Some(_), Some(_)) => {
            Err(OperationsError::invalid("since", "the beginning, or `after` to go on: not both"))
        }
    }
}

fn just_before(since: Timestamp) -> EntryId {
    EntryId::before_ms(u64::try_from(since.unix_ms()).unwrap_or(0))
}

/// Oldest first. What follows an entry is in the stream where the stream reaches as far back; looked at afterwards, so that
/// what is trimmed in between is noticed.
async fn on(service: &Service, stream: &StreamName, after: EntryId, limit: u32) -> Result<ToldPage, OperationsError> {
    let entries = service.inspection.entries(stream, Span::After(after), limit).await?;
    let reaches = service.inspection.stream(stream).await?.is_some_and(|stats| stats.holds_all_after(after));
    if reaches || service.history.is_none() {
        let has_more = entries.len() >= limit as usize;
        return Ok(ToldPage { entries, has_more, has_gap: false });
    }
    asked(service, stream, Span::After(after), limit).await
}

/// Newest first. A full page is in the stream; what is missing in a short one was trimmed, or never was.
async fn back(
    service: &Service,
    stream: &StreamName,
    before: Option<EntryId>,
    limit: u32,
) -> Result<ToldPage, OperationsError> {
    let span = Span::Before(before);
    let entries = service.inspection.entries(stream, span, limit).await?;
    if entries.len() >= limit as usize || service.history.is_none() {
        let has_more = entries.len() >= limit as usize;
        return Ok(ToldPage { entries, has_more, has_gap: false });
    }
    match asked(service, stream, span, limit).await {
        // An owner that is away hides nothing that the stream still has: the next page says who does not answer.
        Err(OperationsError::HistoryAway { .. }) if !entries.is_empty() => {
            Ok(ToldPage { entries, has_more: true, has_gap: false })
        }
        asked => asked,
    }
}

/// The owner's page.
async fn asked(service: &Service, stream: &StreamName, span: Span, limit: u32) -> Result<ToldPage, OperationsError> {
    let Some(history) = &service.history else { return Ok(ToldPage::default()) };
    let away = |source| OperationsError::HistoryAway { context: service.name, source };
    history.told(stream, span, limit).await.map_err(away)
}
