//! The archive of the stream: entries go into pages, and only what is in a page and settled by every group is dropped.
//!
//! In turn: take the lease and read what is next; write the page and read it back; one script that moves the head; one
//! that drops. Killed after the first, the lease ends by itself. Killed after the second, the next one finds the page
//! there and moves the head to it. The scripts are fenced by the number of pages, so whoever slept moves nothing, and which
//! entries a page is made of is decided by the first of them, so that it writes no others either. The pages are those of
//! the chains ([`crate::pages`]): numbered, each with the digest of the one before, never written over.
//!
//! The position is a hash and not a consumer group: it moves together with the pages, nothing is ever pending in it, and
//! a group beside the workers' would have to be left out wherever their lag is asked for. Reading over both is next door
//! ([`crate::told`]).

use crate::pages::{bytes_of, chained, hex};
use crate::scripts::{ARCHIVE, ARCHIVED, DROPPED, TRIM};
use crate::{RedisRecords, closed};
use core::time::Duration;
use events::EntryId;
use records::RecordsError;
use redis_client::Argument;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of a page's shape.
const SHAPE: u8 = 1;
/// How long one archivist has for a page; harmless where it takes longer.
const LEASE: Duration = Duration::from_secs(3);

/// How long what stays where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// From which age on entries are archived.
    pub archived_after: Duration,
    /// The most entries of a page.
    pub page_entries: u32,
    /// The most bytes of a page's envelopes, unless its first is larger.
    pub page_bytes: usize,
    /// For how long entries stay in the stream although they are archived and settled.
    pub stream_keeps: Duration,
    /// How many may stay there for that long; what is more goes, the oldest first.
    pub stream_entries: u32,
    /// How many entries the stream may have before it is an alarm.
    pub budget_entries: u64,
    /// How many bytes (about) the stream may have before it is an alarm.
    pub budget_bytes: u64,
    /// For how long pages stay.
    pub pages_keep: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            archived_after: Duration::from_secs(30),
            page_entries: 128,
            // An item of the stores that Spin knows has 400 KB at most.
            page_bytes: 256 * 1024,
            stream_keeps: Duration::from_secs(24 * 3600),
            stream_entries: 150_000,
            budget_entries: 300_000,
            budget_bytes: 256 * 1024 * 1024,
            pages_keep: Duration::from_secs(90 * 24 * 3600),
        }
    }
}

/// What one step of archiving did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Archived {
    /// Entries that went into a page.
    pub entries: u32,
    /// Whether there may be more to do now.
    pub more: bool,
}

/// How the stream and its archive stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamState {
    /// Entries that were dropped just now.
    pub dropped: u64,
    /// Entries in the stream.
    pub entries: u64,
    /// Their bytes, estimated from the last page.
    pub bytes: u64,
    /// Pages that were ever written.
    pub pages: u64,
    /// The age of the oldest entry that is in no page.
    pub unarchived_ms: u64,
    /// The age of the oldest entry that some group has not settled.
    pub held_ms: u64,
    /// Which group that is; empty where all are settled.
    pub held_by: String,
    /// Whether the stream is larger than it may be.
    pub over_budget: bool,
}

/// A page of the archive.
///
/// **Shape** `{"v":1,"page":0,"previous":"00…","digest":"9f…","rows":["1767225600000-0 {…}",…],"first":"1767225600000-0",
/// "settled":{"queries-worker":"1767225600000-0"}}`; `digest` as in the pages of chains. `first` is the first entry that the
/// stream had, `settled` the last one up to which each group had settled all when the page was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArchivePage {
    v: u8,
    page: u64,
    previous: String,
    pub(crate) digest: String,
    pub(crate) rows: Vec<String>,
    pub(crate) first: String,
    pub(crate) settled: BTreeMap<String, String>,
}

impl ArchivePage {
    /// Whether this is that page and follows the one with this digest.
    pub(crate) fn follows(&self, page: u64, previous: [u8; 32]) -> bool {
        let digest = hex(&chained(previous, &self.rows));
        self.v == SHAPE && self.page == page && self.previous == hex(&previous) && self.digest == digest
    }

    /// Entry and envelope of each row; `None` where one is neither.
    pub(crate) fn entries(&self) -> Option<Vec<(EntryId, &str)>> {
        self.rows.iter().map(|row| row.split_once(' ').and_then(|(id, json)| Some((id.parse().ok()?, json)))).collect()
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<EntryId> {
        self.rows.last()?.split_once(' ')?.0.parse().ok()
    }
}

/// What is next.
enum Next {
    Frozen,
    Busy,
    Idle,
    Work(Work),
}

struct Work {
    pages: u64,
    last: EntryId,
    digest: String,
    first: String,
    settled: BTreeMap<String, String>,
    entries: Vec<(EntryId, String)>,
}

impl RedisRecords {
    /// One step: at most one page. Safe to run twice, at once, and to kill anywhere.
    ///
    /// # Errors
    /// [`RecordsError::Unavailable`], and [`RecordsError::Corrupt`] for a page that is there and does not follow.
    pub async fn archive_step(&self, retention: &Retention) -> Result<Archived, RecordsError> {
        let arguments = [
            self.keys.of("events").into(),
            self.keys.prefix().into(),
            self.sealer_token().into(),
            ms(LEASE),
            i64::from(retention.page_entries.max(1)).into(),
            ms(retention.archived_after),
        ];
        let work = match self.script(&ARCHIVE, 1, &arguments, next).await? {
            Next::Frozen | Next::Busy | Next::Idle => return Ok(Archived::default()),
            Next::Work(work) => work,
        };
        let (number, before_it) = (work.pages, work.last);
        let key = self.keys.archive_page(number);
        let corrupt = || RecordsError::Corrupt { key: key.clone() };
        let previous = bytes_of(&work.digest).ok_or_else(|| RecordsError::Corrupt { key: self.keys.of("archive") })?;
        let page = match self.archive_page(number).await? {
            // Written by one who died, or before Redis fell back: it is the page.
            Some(found) if found.follows(number, previous) => found,
            Some(_) => return Err(corrupt()),
            None => {
                let page = work.page(retention.page_bytes, previous);
                let bytes = serde_json::to_vec(&page).map_err(|error| RecordsError::Invalid(error.to_string()))?;
                self.write_page(&key, bytes).await?;
                page
            }
        };
        let last = page.last().filter(|last| *last > before_it).ok_or_else(corrupt)?;
        let entries = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
        let bytes: usize = page.rows.iter().map(String::len).sum();
        let arguments = [
            self.keys.of("archive").into(),
            number.to_string().into(),
            page.digest.as_str().into(),
            last.to_string().into(),
            i64::from(entries).into(),
            bytes.to_string().into(),
            self.keys.of("frozen").into(),
        ];
        let moved = self
            .script(&ARCHIVED, 1, &arguments, |fields| match *fields {
                ["moved"] => Some(true),
                ["overtaken" | "frozen"] => Some(false),
                _ => None,
            })
            .await?;
        Ok(Archived { entries: if moved { entries } else { 0 }, more: moved })
    }

    /// Drops from the stream what nobody needs there, and tells how stream and archive stand.
    ///
    /// # Errors
    /// [`RecordsError::Unavailable`].
    pub async fn trim_stream(&self, retention: &Retention) -> Result<StreamState, RecordsError> {
        let arguments = [
            self.keys.of("events").into(),
            self.keys.prefix().into(),
            ms(retention.stream_keeps),
            i64::from(retention.stream_entries).into(),
        ];
        let state = self.script(&TRIM, 1, &arguments, |fields| {
            let [dropped, entries, of_page, bytes_of_page, pages, unarchived, held, by] = *fields else { return None };
            let (entries, of_page): (u64, u64) = (entries.parse().ok()?, of_page.parse().ok()?);
            let bytes_of_page: u64 = bytes_of_page.parse().ok()?;
            Some(StreamState {
                dropped: dropped.parse().ok()?,
                entries,
                bytes: entries.saturating_mul(bytes_of_page.checked_div(of_page).unwrap_or(0)),
                pages: pages.parse().ok()?,
                unarchived_ms: unarchived.parse().ok()?,
                held_ms: held.parse().ok()?,
                held_by: by.to_owned(),
                over_budget: false,
            })
        });
        let state = state.await?;
        let over_budget = state.entries > retention.budget_entries || state.bytes > retention.budget_bytes;
        Ok(StreamState { over_budget, ..state })
    }

    /// Deletes the oldest page where its time is over; tells whether there was one. Who reads meanwhile is told so: that it goes
    /// is noted before it does.
    ///
    /// # Errors
    /// [`RecordsError::Unavailable`].
    pub async fn drop_page(&self, retention: &Retention) -> Result<bool, RecordsError> {
        let (pages, first) = self.dropping("", "", String::new()).await?;
        // The last page stays: it says where the archive ends.
        if first.saturating_add(1) >= pages {
            return Ok(false);
        }
        let over = |last: &EntryId| {
            let age_ms = u64::try_from(self.clock.now().unix_ms()).unwrap_or(0).saturating_sub(last.unix_ms);
            u128::from(age_ms) > retention.pages_keep.as_millis()
        };
        if let Some(page) = self.archive_page(first).await? {
            let Some(last) = page.last().filter(over) else { return Ok(false) };
            let (_, oldest) = self.dropping(&first.to_string(), "dropped", format!("{first} {last}")).await?;
            if oldest != first {
                return Ok(false);
            }
            self.bodies.delete(&self.keys.archive_page(first)).await.map_err(closed)?;
        }
        let (_, oldest) = self.dropping(&first.to_string(), "first", first.saturating_add(1).to_string()).await?;
        Ok(oldest > first)
    }

    /// Notes in the archive's head how far dropping this page is, unless somebody else has dropped it; tells how many pages there
    /// are and which one is the oldest that is kept. No page: it only tells.
    async fn dropping(&self, page: &str, field: &str, value: String) -> Result<(u64, u64), RecordsError> {
        let arguments = [self.keys.of("archive").into(), page.into(), field.into(), value.into()];
        self.script(&DROPPED, 1, &arguments, |fields| match *fields {
            [pages, first] => Some((pages.parse().ok()?, first.parse().ok()?)),
            _ => None,
        })
        .await
    }

    /// A page of the archive; `None` where there is none.
    pub(crate) async fn archive_page(&self, page: u64) -> Result<Option<ArchivePage>, RecordsError> {
        let key = self.keys.archive_page(page);
        let Some(bytes) = self.bodies.get(&key).await.map_err(closed)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| RecordsError::Corrupt { key })
    }
}

impl Work {
    /// The page of as many entries as fit.
    fn page(self, page_bytes: usize, previous: [u8; 32]) -> ArchivePage {
        let mut bytes = 0usize;
        let fits = |row: &String| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(row.len());
            is_first || bytes <= page_bytes
        };
        let rows: Vec<String> =
            self.entries.into_iter().map(|(id, json)| format!("{id} {json}")).take_while(fits).collect();
        let digest = hex(&chained(previous, &rows));
        let (page, previous, first, settled) = (self.pages, hex(&previous), self.first, self.settled);
        ArchivePage { v: SHAPE, page, previous, digest, rows, first, settled }
    }
}

fn ms(duration: Duration) -> Argument {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).into()
}

/// Entry and envelope in turn.
fn pairs(fields: &[&str]) -> Option<Vec<(EntryId, String)>> {
    let (pairs, _) = fields.as_chunks::<2>();
    pairs.iter().map(|[id, json]| Some((id.parse().ok()?, (*json).to_owned()))).collect()
}

/// The entry just before another.
fn before(entry: EntryId) -> EntryId {
    match entry.place.checked_sub(1) {
        Some(place) => EntryId { place, ..entry },
        None => EntryId { unix_ms: entry.unix_ms.saturating_sub(1), place: u64::MAX },
    }
}

/// Reads the answer of `archive.lua`.
fn next(fields: &[&str]) -> Option<Next> {
    match *fields {
        ["frozen"] => Some(Next::Frozen),
        ["busy"] => Some(Next::Busy),
        ["go", _, _, _, "", "0"] => Some(Next::Idle),
        ["go", pages, last, digest, first, groups, ref rest @ ..] => {
            let (groups, entries) = rest.split_at_checked(groups.parse::<usize>().ok()?.checked_mul(3)?)?;
            let (groups, _) = groups.as_chunks::<3>();
            let mut settled = BTreeMap::new();
            for [name, given, pending] in groups {
                let up_to =
                    if pending.is_empty() { (*given).to_owned() } else { before(pending.parse().ok()?).to_string() };
                settled.insert((*name).to_owned(), up_to);
            }
            Some(Next::Work(Work {
                pages: pages.parse().ok()?,
                last: last.parse().ok()?,
                digest: digest.to_owned(),
                first: first.to_owned(),
                settled,
                entries: pairs(entries)?,
            }))
        }
        _ => None,
    }
}
