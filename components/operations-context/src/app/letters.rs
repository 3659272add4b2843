//! The dead letters: how many, which, and one as a whole.

use super::{OperationsError, PAGE, entry, page, service};
use crate::domain::Selection;
use crate::wire::born;
use crate::wire::event::Lying;
use crate::wire::letter::{DepthAnswer, DepthsAnswer, LetterAnswer, LetterLine, LetterPage};
use crate::wire::request::LettersQuery;
use crate::{Operations, Service};
use events::{DeadLetter, EntryId};
use futures::future::try_join_all;
use futures::try_join;

/// How many pages one request looks through for letters that are meant.
const MOST_PAGES: u32 = 10;

/// How many dead letters each context has.
///
/// # Errors
/// [`OperationsError`].
pub async fn depths(house: &Operations) -> Result<DepthsAnswer, OperationsError> {
    Ok(DepthsAnswer { items: try_join_all(house.services.iter().map(depth)).await? })
}

async fn depth(service: &Service) -> Result<DepthAnswer, OperationsError> {
    let (letters, oldest) =
        try_join!(service.statistics.dead_letters(service.name), service.inspection.oldest_letter(service.name))?;
    Ok(DepthAnswer { context: service.name.to_owned(), letters, oldest_at: oldest.map(born) })
}

/// A page of a context's dead letters.
///
/// # Errors
/// [`OperationsError`].
pub async fn letters(house: &Operations, context: &str, query: LettersQuery) -> Result<LetterPage, OperationsError> {
    let service = service(house, context)?;
    let limit = page(query.limit, PAGE)?;
    let after = query.cursor.as_deref().map(|cursor| entry("cursor", cursor)).transpose()?;
    let selection = Selection { group: query.group, since: query.since, until: query.until };
    let Found { letters, next } = select(service, &selection, after, limit).await?;
    let items = letters.iter().map(LetterLine::from).collect();
    Ok(LetterPage { items, next_cursor: next.map(|next| next.to_string()) })
}

/// One dead letter.
///
/// # Errors
/// [`OperationsError`].
pub async fn letter(house: &Operations, context: &str, id: &str) -> Result<LetterAnswer, OperationsError> {
    let service = service(house, context)?;
    // What cannot be a letter's name is none's.
    let id: EntryId = id.parse().map_err(|_| OperationsError::NotFound)?;
    let letter = service.letters.inspect(id).await?.ok_or(OperationsError::NotFound)?;
    let replay = service.inspection.replay_of(service.name, &letter).await?;
    let (line, lying) = (LetterLine::from(&letter), Lying::of(&letter.payload));
    Ok(LetterAnswer { line, lying, replay: replay.map(Into::into) })
}

/// Letters that are meant, and where the search goes on.
pub(super) struct Found {
    pub letters: Vec<DeadLetter>,
    pub next: Option<EntryId>,
}

/// At most `limit` letters that are meant, newest first, older than `after`; a bounded search.
pub(super) async fn select(
    service: &Service,
    selection: &Selection,
    after: Option<EntryId>,
    limit: u32,
) -> Result<Found, OperationsError> {
    let mut found = Found { letters: Vec::new(), next: None };
    let mut after = match (after, selection.begins_after()) {
        (Some(after), Some(young)) => Some(after.min(young)),
        (after, young) => after.or(young),
    };
    for _ in 0..MOST_PAGES {
        let page = service.letters.list(after, limit).await?;
        for letter in page.letters {
            if selection.ends_before(&letter) {
                found.next = None;
                return Ok(found);
            }
            after = Some(letter.id);
            if selection.takes(&letter) {
                found.letters.push(letter);
                if found.letters.len() >= limit as usize {
                    found.next = after;
                    return Ok(found);
                }
            }
        }
        found.next = page.next;
        if page.next.is_none() {
            return Ok(found);
        }
    }
    Ok(found)
}
