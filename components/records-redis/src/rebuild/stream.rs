//! Events: which of them were told, archived ones back into the stream, and, in the order of time, what changes did beyond
//! their records.

use super::names::BodyName;
use super::{LATENESS, Mode, Phase, Rebuild};
use crate::pages::bytes_of;
use crate::scripts::{ENTRIES_BACK, REPLAY, TOLD};
use crate::sweep::made_at_ms;
use events::EntryId;
use records::RecordsError;
use redis_client::{Argument, Reply};
use serde::Deserialize;

/// How many entries of the stream are read at once, and how many changes are done in a step.
const AT_ONCE: i64 = 100;

#[derive(Deserialize)]
struct IdOf<'a> {
    id: &'a str,
}

/// The event's id in an envelope.
fn id_of(json: &str) -> Option<&str> {
    serde_json::from_str::<IdOf<'_>>(json).ok().map(|envelope| envelope.id)
}

impl Rebuild<'_> {
    /// One page of the archive, or some entries of the stream: who was told of is known.
    pub(super) async fn learn_told(&mut self) -> Result<(), RecordsError> {
        let (first, end) = self.report.archive;
        let number = self.report.next.max(first);
        if number < end {
            let key = self.records.keys.archive_page(number);
            let corrupt = || RecordsError::Corrupt { key: key.clone() };
            let page = self.records.archive_page(number).await?.ok_or_else(corrupt)?;
            let entries = page.entries().ok_or_else(corrupt)?;
            let previous = bytes_of(&self.report.cursor).ok_or_else(corrupt)?;
            // The first one that is kept is believed: those before it are gone.
            if number > first && !page.follows(number, previous) {
                return Err(corrupt());
            }
            let count = entries.len() as u64;
            let (from, until) = (entries.first().map(|(id, _)| *id), entries.last().map(|(id, _)| *id));
            self.tell(entries.iter().map(|(_, json)| *json)).await?;
            self.reach(from, until);
            self.report.archived_events = self.report.archived_events.saturating_add(count);
            (self.report.cursor, self.report.next) = (page.digest, number.saturating_add(1));
            return Ok(());
        }
        // Then the stream as Redis has it: it is never moved aside.
        let after = self.report.cursor.parse::<EntryId>().map_or_else(|_| "0-0".to_owned(), |id| id.to_string());
        let arguments =
            [self.records.keys.of("events").into(), self.old.of("archive").into(), after.into(), AT_ONCE.into()];
        let entries = self.records.script(&TOLD, 2, &arguments, |fields| {
            let ([_, _, _, _, _], entries) = fields.split_first_chunk()?;
            let (pairs, _) = entries.as_chunks::<2>();
            pairs
                .iter()
                .map(|[id, json]| Some((id.parse::<EntryId>().ok()?, (*json).to_owned())))
                .collect::<Option<Vec<_>>>()
        });
        let entries = entries.await?;
        let Some((last, _)) = entries.last() else {
            self.report.turn_to(Phase::Records);
            return Ok(());
        };
        self.tell(entries.iter().map(|(_, json)| json.as_str())).await?;
        self.reach(entries.first().map(|(id, _)| *id), Some(*last));
        self.report.cursor = last.to_string();
        Ok(())
    }

    async fn tell<'e>(&self, envelopes: impl Iterator<Item = &'e str>) -> Result<(), RecordsError> {
        let mut arguments: Vec<Argument> = vec![self.scratch.of("told").into()];
        arguments.extend(envelopes.filter_map(id_of).map(Argument::from));
        if arguments.len() > 1 {
            self.command("SADD", arguments).await?;
        }
        Ok(())
    }

    /// Widens the time of which all that was told is known.
    fn reach(&mut self, from: Option<EntryId>, until: Option<EntryId>) {
        let ms = |id: EntryId| i64::try_from(id.unix_ms).unwrap_or(i64::MAX);
        let (since, up_to) = &mut self.report.told;
        if *since == 0
            && let Some(from) = from
        {
            *since = ms(from);
        }
        if let Some(until) = until {
            *up_to = (*up_to).max(ms(until));
        }
    }

    /// Archived entries that the stream had, back into it under their own names.
    pub(super) async fn entries_back(&mut self) -> Result<(), RecordsError> {
        let (_, end) = self.report.archive;
        if self.report.mode == Mode::Dry || end == 0 {
            self.report.turn_to(Phase::Changes);
            return Ok(());
        }
        let key = self.records.keys.archive_page(end.saturating_sub(1));
        let corrupt = || RecordsError::Corrupt { key: key.clone() };
        let last_page = self.records.archive_page(end.saturating_sub(1)).await?.ok_or_else(corrupt)?;
        let last = last_page.last().ok_or_else(corrupt)?;
        let stream = [Argument::from(self.records.keys.of("events")), self.records.keys.of("groups").into()];
        let groups = |last: String| {
            let mut arguments: Vec<Argument> = stream.to_vec();
            arguments.extend([last.into(), last_page.settled.len().to_string().into()]);
            arguments.extend(
                last_page.settled.iter().flat_map(|(group, up_to)| [group.as_str().into(), up_to.as_str().into()]),
            );
            arguments
        };
        if self.report.cursor.is_empty() {
            // Groups first: what comes afterwards is theirs.
            self.run_entries(&groups(String::new())).await?;
            self.report.next = self.first_page_of(&last_page.first).await?;
            self.report.cursor = "pages".to_owned();
            return Ok(());
        }
        if self.report.next < end {
            let number = self.report.next;
            let page = self.records.archive_page(number).await?.ok_or_else(corrupt)?;
            let from: EntryId = last_page.first.parse().map_err(|_| corrupt())?;
            let mut arguments: Vec<Argument> = stream.to_vec();
            arguments.extend(["".into(), "0".into()]);
            for (id, json) in page.entries().ok_or_else(corrupt)?.into_iter().filter(|(id, _)| *id >= from) {
                arguments.extend([id.to_string().into(), json.into()]);
            }
            let added = self.run_entries(&arguments).await?;
            self.report.put_back = self.report.put_back.saturating_add(added);
            self.report.next = number.saturating_add(1);
            return Ok(());
        }
        self.run_entries(&groups(last.to_string())).await?;
        self.report.turn_to(Phase::Changes);
        Ok(())
    }

    async fn run_entries(&self, arguments: &[Argument]) -> Result<u64, RecordsError> {
        self.records.script(&ENTRIES_BACK, 2, arguments, |fields| fields.first()?.parse().ok()).await
    }

    /// The page that holds an entry, or the one after it.
    async fn first_page_of(&self, entry: &str) -> Result<u64, RecordsError> {
        let (first, end) = self.report.archive;
        let Ok(entry) = entry.parse::<EntryId>() else { return Ok(first) };
        let (mut low, mut high) = (first, end.saturating_sub(1));
        while low < high {
            let middle = low.midpoint(high);
            let last = self.records.archive_page(middle).await?.and_then(|page| page.last());
            if last.is_some_and(|last| last < entry) { low = middle.saturating_add(1) } else { high = middle }
        }
        Ok(low)
    }

    /// Some of the changes that are to be done, oldest first.
    pub(super) async fn changes_back(&mut self) -> Result<(), RecordsError> {
        let list = self.scratch.of("later");
        let range = vec![list.as_str().into(), 0.into(), (AT_ONCE - 1).into()];
        let names = self.command("ZRANGE", range).await?;
        if names.is_empty() {
            self.report.turn_to(Phase::Opening);
            return Ok(());
        }
        for name in names {
            let Reply::Bytes(bytes) = name else { continue };
            let name = String::from_utf8_lossy(&bytes).into_owned();
            self.change_back(&list, &name).await?;
        }
        Ok(())
    }

    /// Does once more what one change did. **Shape** of its name on the list: the place of its body on the list of names.
    async fn change_back(&mut self, list: &str, name: &str) -> Result<(), RecordsError> {
        let corrupt = || RecordsError::Corrupt { key: list.to_owned() };
        let (body, _) = BodyName::of_member(name).ok_or_else(corrupt)?;
        let key = self.records.keys.body(&body.record, body.version, body.uuid);
        let whole = self.records.read_whole(&key).await?.ok_or(RecordsError::Corrupt { key })?;
        let written_ms = made_at_ms(body.uuid).ok_or_else(corrupt)?;
        let stream = if self.report.mode == Mode::Real { self.records.keys.of("events") } else { String::new() };
        let mut arguments: Vec<Argument> = vec![
            list.into(),
            self.target.prefix().into(),
            self.scratch.prefix().into(),
            stream.into(),
            name.into(),
            body.uuid.to_string().into(),
            written_ms.to_string().into(),
            body.record.as_str().into(),
            body.version.to_string().into(),
        ];
        let change = &whole.change;
        arguments.push(change.postings.len().to_string().into());
        for leg in &change.postings {
            arguments.extend([leg.account.as_str().into(), leg.currency.as_str().into()]);
            arguments.extend([leg.posted_minor.to_string().into(), leg.held_minor.to_string().into()]);
        }
        let events: Vec<_> = if self.is_told_before(written_ms) { Vec::new() } else { change.events.iter().collect() };
        arguments.push(events.len().to_string().into());
        for (id, envelope) in events {
            arguments.extend([id.as_str().into(), envelope.as_str().into()]);
        }
        let rows: &[_] = if self.is_noted_before(written_ms) { &[] } else { &change.trail };
        arguments.push(rows.len().to_string().into());
        for row in rows {
            arguments.extend([row.account.as_str().into(), row.digest.as_str().into(), row.text.as_str().into()]);
        }
        let (posted, told, noted) = self
            .records
            .script(&REPLAY, 1, &arguments, |fields| match *fields {
                [posted, told, noted] => {
                    Some((posted.parse::<u64>().ok()?, told.parse::<u64>().ok()?, noted.parse::<u64>().ok()?))
                }
                _ => None,
            })
            .await?;
        let report = &mut self.report;
        report.posted_again = report.posted_again.saturating_add(posted);
        report.told_again = report.told_again.saturating_add(told);
        report.noted_again = report.noted_again.saturating_add(noted);
        Ok(())
    }

    /// Whether what was told then is older than what the archive keeps: it was told, and every group has settled it.
    pub(super) fn is_told_before(&self, written_ms: i64) -> bool {
        written_ms < self.report.told.0
    }

    /// Whether the trail of then is certainly in pages.
    pub(super) fn is_noted_before(&self, written_ms: i64) -> bool {
        let [_, (_, end_ms)] = self.report.chain_ends;
        written_ms < end_ms.saturating_sub(i64::try_from(LATENESS.as_millis()).unwrap_or(0))
    }

    /// What the archive's head says afterwards.
    pub(super) async fn archive_head(&self) -> Result<Vec<(String, String)>, RecordsError> {
        let (first, end) = self.report.archive;
        let mut fields = vec![("pages".to_owned(), end.to_string()), ("first".to_owned(), first.to_string())];
        if let Some(last) = end.checked_sub(1) {
            let key = self.records.keys.archive_page(last);
            let page = self.records.archive_page(last).await?.ok_or(RecordsError::Corrupt { key: key.clone() })?;
            let entry = page.last().ok_or(RecordsError::Corrupt { key })?;
            fields.push(("last".to_owned(), entry.to_string()));
            fields.push(("digest".to_owned(), page.digest.clone()));
            fields.push(("entries".to_owned(), page.rows.len().to_string()));
            fields.push(("bytes".to_owned(), page.rows.iter().map(String::len).sum::<usize>().to_string()));
        }
        Ok(fields)
    }
}
