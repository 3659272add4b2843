//! What was told, over the pages of the archive and the stream: without a gap and nothing twice, while both change.
//!
//! A look is one script: how far the archive is, and what the stream holds, at one instant. The stream is the end of what was
//! told, the pages are its beginning, and what was trimmed is in a page: so what is older than the stream's part is in pages
//! that the look knows of. Those are never written over, so that they may be read afterwards; where one goes in between,
//! because its time is over, the look is taken again.

use crate::RedisRecords;
use crate::archive::ArchivePage;
use crate::scripts::TOLD;
use async_trait::async_trait;
use events::{EntryId, EventHistory, EventsError, MAX_TOLD, Span, StreamEntry, StreamName, ToldPage};
use records::RecordsError;

/// How often a look is taken because pages went while they were read.
const TRIES: u32 = 3;
/// After every entry.
const END: EntryId = EntryId { unix_ms: u64::MAX, place: u64::MAX };

/// Entry and envelope.
type Row = (EntryId, String);
/// Rows in the order of the span, and whether some before them are not kept any more.
type Found = Result<(Vec<Row>, bool), Missed>;

/// How archive and stream stood at one instant.
struct Look {
    /// How many pages there are.
    pages: u64,
    /// The first one whose time is not over.
    first: u64,
    /// The last entry that is in a page.
    last: EntryId,
    /// The last page that was dropped, and its last entry.
    dropped: Option<(u64, EntryId)>,
    /// Whether the entry that was asked from lies in the stream: so does everything behind it.
    is_open: bool,
    /// The stream's part, in the order of the span.
    open: Vec<Row>,
}

/// Why pages were not read.
enum Missed {
    /// This one has gone in between, or should be there and is not.
    Gone(u64),
    Failed(RecordsError),
}

impl From<RecordsError> for Missed {
    fn from(error: RecordsError) -> Self {
        Self::Failed(error)
    }
}

impl Look {
    /// The first page that is there.
    fn kept_from(&self) -> u64 {
        self.dropped.map_or(self.first, |(page, _)| self.first.max(page.saturating_add(1)))
    }

    /// **Shape** as `told.lua` answers.
    fn read(fields: &[&str]) -> Option<Self> {
        let ([pages, first, last, dropped, is_open], open) = fields.split_first_chunk()?;
        let dropped = match dropped.split_once(' ') {
            Some((page, last)) => Some((page.parse().ok()?, last.parse().ok()?)),
            None => None,
        };
        let (pairs, _) = open.as_chunks::<2>();
        let open =
            pairs.iter().map(|[id, json]| Some((id.parse().ok()?, (*json).to_owned()))).collect::<Option<_>>()?;
        let (pages, first, last) = (pages.parse().ok()?, first.parse().ok()?, last.parse().ok()?);
        Some(Self { pages, first, last, dropped, is_open: *is_open == "1", open })
    }
}

impl RedisRecords {
    /// What was told: of this part of it, at most `limit` entries (at least 1). One script, and where the stream does not hold
    /// them: as many pages as they lie in, and the logarithm of all pages.
    ///
    /// # Errors
    /// [`RecordsError::Unavailable`], and [`RecordsError::Corrupt`] for a page that cannot be read.
    pub async fn told_events(&self, span: Span, limit: u32) -> Result<ToldPage, RecordsError> {
        if matches!(span, Span::After(END) | Span::Before(Some(EntryId::START))) {
            // Redis knows no range beyond its ends.
            return Ok(ToldPage::default());
        }
        let limit = limit.max(1) as usize;
        let mut missing = 0;
        for _ in 0..TRIES {
            // One more than is wanted says whether there is more.
            let look = self.look(span, limit.saturating_add(1)).await?;
            if look.pages == 0 {
                // Nothing was archived yet; or Redis has lost where, or is being rebuilt.
                self.refuse_lost_data().await?;
            }
            let found = match span {
                Span::After(after) => self.told_after(look, after, limit).await,
                Span::Before(before) => self.told_before(look, before, limit).await,
            };
            match found {
                Ok((rows, has_gap)) => return Ok(page(rows, has_gap, limit)),
                Err(Missed::Gone(number)) => missing = number,
                Err(Missed::Failed(error)) => return Err(error),
            }
        }
        Err(RecordsError::Corrupt { key: self.keys.archive_page(missing) })
    }

    /// On from an entry: pages first, unless the stream reaches as far back.
    async fn told_after(&self, look: Look, after: EntryId, limit: usize) -> Found {
        if look.is_open || after >= look.last {
            return Ok((look.open, false));
        }
        let kept_from = look.kept_from();
        let mut has_gap = look.dropped.is_some_and(|(_, last)| after < last);
        let mut rows: Vec<Row> = Vec::new();
        for number in self.page_that(kept_from, look.pages, |last| last > after).await?..look.pages {
            let found = self.rows_of(number).await?;
            if look.dropped.is_none() && number == kept_from && kept_from > 0 {
                // Dropped before it was noted up to where: who begins before the first that is kept may miss something.
                has_gap = found.first().is_some_and(|(id, _)| after < *id);
            }
            rows.extend(found.into_iter().filter(|(id, _)| *id > after));
            match (look.open.first(), rows.first()) {
                (Some((open, _)), Some((paged, _))) if open <= paged => return Ok((look.open, has_gap)),
                _ if rows.len() > limit => return Ok((rows, has_gap)),
                _ => {}
            }
        }
        // What the stream still has of the pages is not told twice.
        rows.extend(look.open.into_iter().filter(|(id, _)| *id > look.last));
        Ok((rows, has_gap))
    }

    /// Back from an entry, or from the end: the stream first, then the pages before it.
    async fn told_before(&self, look: Look, before: Option<EntryId>, limit: usize) -> Found {
        let kept_from = look.kept_from();
        let mut rows = look.open;
        if rows.len() > limit {
            return Ok((rows, false));
        }
        let reached = rows.last().map(|(id, _)| *id).or(before).unwrap_or(END);
        if kept_from < look.pages {
            let newest = self.page_that(kept_from, look.pages, |last| last >= reached).await?;
            for number in (kept_from..=newest).rev() {
                let found = self.rows_of(number).await?;
                rows.extend(found.into_iter().rev().filter(|(id, _)| *id < reached));
                if rows.len() > limit {
                    return Ok((rows, false));
                }
            }
        }
        Ok((rows, kept_from > 0))
    }

    /// The first page with such a last entry, or the last page.
    async fn page_that(&self, from: u64, pages: u64, fits: impl Fn(EntryId) -> bool) -> Result<u64, Missed> {
        let (mut low, mut high) = (from, pages.saturating_sub(1));
        while low < high {
            let middle = low.midpoint(high);
            let page = self.archive_page(middle).await?.ok_or(Missed::Gone(middle))?;
            let last = page.last().ok_or_else(|| self.unreadable_page(middle))?;
            if fits(last) { high = middle } else { low = middle.saturating_add(1) }
        }
        Ok(low)
    }

    /// The rows of a page that is there.
    async fn rows_of(&self, number: u64) -> Result<Vec<Row>, Missed> {
        let page: ArchivePage = self.archive_page(number).await?.ok_or(Missed::Gone(number))?;
        let rows = page.entries().ok_or_else(|| self.unreadable_page(number))?;
        Ok(rows.into_iter().map(|(id, json)| (id, json.to_owned())).collect())
    }

    fn unreadable_page(&self, number: u64) -> RecordsError {
        RecordsError::Corrupt { key: self.keys.archive_page(number) }
    }

    /// How archive and stream stand, and what the stream has of this part.
    async fn look(&self, span: Span, most: usize) -> Result<Look, RecordsError> {
        let (from, way) = match span {
            Span::After(entry) => (entry.to_string(), "on"),
            Span::Before(entry) => (entry.map(|entry| entry.to_string()).unwrap_or_default(), "back"),
        };
        let arguments = [
            self.keys.of("events").into(),
            self.keys.of("archive").into(),
            from.into(),
            i64::try_from(most).unwrap_or(i64::MAX).into(),
            way.into(),
        ];
        self.script(&TOLD, 2, &arguments, Look::read).await
    }
}

/// As many as are wanted.
fn page(mut rows: Vec<Row>, has_gap: bool, limit: usize) -> ToldPage {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let entries = rows.into_iter().map(|(id, json)| StreamEntry { id, payload: json.into_bytes() }).collect();
    ToldPage { entries, has_more, has_gap }
}

#[async_trait]
impl EventHistory for RedisRecords {
    async fn told(&self, stream: &StreamName, span: Span, limit: u32) -> Result<ToldPage, EventsError> {
        if !self.keys.is_of(stream) {
            return Err(EventsError::Unexpected(format!("{stream} is another's, whose archive lies elsewhere")));
        }
        self.told_events(span, limit.clamp(1, MAX_TOLD)).await.map_err(|error| match error {
            RecordsError::Unavailable(_) | RecordsError::RolledBack { .. } | RecordsError::Layout(_) => {
                EventsError::Unavailable(error.to_string())
            }
            RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => EventsError::Unexpected(error.to_string()),
        })
    }
}
