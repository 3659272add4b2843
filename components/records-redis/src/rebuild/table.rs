//! Records, one after the other: what their bodies say of each other is read, decided (`decide`), and put back.

use super::decide::{Decided, Fact, decide};
use super::names::{Beside, BodyName};
use super::{LATENESS, Mode, Phase, Rebuild};
use crate::body::Whole;
use crate::keys::lost;
use crate::reading::Head;
use crate::scripts::RECORD_BACK;
use crate::standing::Standing;
use crate::sweep::made_at_ms;
use crate::{closed, unreadable};
use records::{RecordKey, RecordsError};
use redis_client::{Argument, Reply};
use std::collections::{BTreeMap, BTreeSet};

/// How many names are looked at in a step, unless one record has more.
const NAMES_AT_ONCE: i64 = 200;
/// How many bodies are read at the same time.
const READ_AT_ONCE: usize = 16;
/// How many entries of indexes one script puts back.
const ENTRIES_AT_ONCE: usize = 500;
/// How long answers to requests are kept (as in commit.lua).
const ONCE_KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// A body and what is said beside it.
struct Listed {
    name: BodyName,
    is_lost: bool,
    has_standing: bool,
    /// `None` where it is gone, or cannot be read.
    whole: Option<Whole>,
}

impl Rebuild<'_> {
    /// Some records, whole ones.
    pub(super) async fn records_back(&mut self) -> Result<(), RecordsError> {
        let members = self.names_after(&self.report.cursor, NAMES_AT_ONCE).await?;
        if members.is_empty() {
            self.report.turn_to(Phase::Stream);
            return Ok(());
        }
        let mut records: Vec<(RecordKey, Vec<(BodyName, Beside)>)> = Vec::new();
        for member in &members {
            let (name, beside) =
                BodyName::of_member(member).ok_or_else(|| RecordsError::Corrupt { key: self.scratch.of("names") })?;
            match records.last_mut() {
                Some((record, names)) if *record == name.record => names.push((name, beside)),
                _ => records.push((name.record.clone(), vec![(name, beside)])),
            }
        }
        let is_last = i64::try_from(members.len()).unwrap_or(0) < NAMES_AT_ONCE;
        // The last record may go on behind what was looked at: it waits, unless it is the only one.
        let cut = if is_last {
            None
        } else if records.len() > 1 {
            records.pop()
        } else {
            None
        };
        if cut.is_none() && !is_last {
            self.complete(&mut records).await?;
        }
        for (record, names) in records {
            let cursor = names.last().map(|(name, beside)| name.member(*beside)).unwrap_or_default();
            self.record_back(&record, names).await?;
            self.report.cursor = cursor;
        }
        Ok(())
    }

    /// Reads on until the only record of a step is whole.
    async fn complete(&self, records: &mut [(RecordKey, Vec<(BodyName, Beside)>)]) -> Result<(), RecordsError> {
        let Some((record, names)) = records.last_mut() else { return Ok(()) };
        loop {
            let Some((name, beside)) = names.last() else { return Ok(()) };
            let members = self.names_after(&name.member(*beside), NAMES_AT_ONCE).await?;
            let count = members.len();
            let more: Vec<_> = members.iter().filter_map(|member| BodyName::of_member(member)).collect();
            let own = more.into_iter().take_while(|(name, _)| name.record == *record);
            let before = names.len();
            names.extend(own);
            if names.len() - before < count || count == 0 {
                return Ok(());
            }
        }
    }

    async fn names_after(&self, after: &str, limit: i64) -> Result<Vec<String>, RecordsError> {
        let from = if after.is_empty() { "-".to_owned() } else { format!("({after}") };
        let arguments =
            vec![self.scratch.of("names").into(), from.into(), "+".into(), "LIMIT".into(), 0.into(), limit.into()];
        let replies = self.command("ZRANGEBYLEX", arguments).await?;
        let text = |reply: &Reply| match reply {
            Reply::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            Reply::Status(text) => Some(text.clone()),
            Reply::Nil | Reply::Integer(_) => None,
        };
        replies.iter().map(text).collect::<Option<Vec<_>>>().ok_or_else(|| unreadable(&replies))
    }

    async fn record_back(&mut self, record: &RecordKey, names: Vec<(BodyName, Beside)>) -> Result<(), RecordsError> {
        let past = self.read_past(&names).await?;
        let listed = self.read_bodies(names).await?;
        if listed.is_empty() {
            return Ok(());
        }
        let facts = self.facts(record, &listed, &past).await?;
        let decided = decide(&facts);
        self.count(record, &listed, &facts, &decided);
        let current = decided.chain.last().and_then(|&place| listed.get(place));
        let Some((current, whole)) = current.and_then(|body| Some((body, body.whole.as_ref()?))) else {
            return self.mark_orphans(&facts, &listed, &decided).await;
        };
        let standing = self.standing(&facts, &listed, &decided).await?;
        self.put_record(record, current, whole, &standing, &listed, &facts, &decided).await?;
        self.mark_orphans(&facts, &listed, &decided).await
    }

    /// Reads the bodies of a record.
    async fn read_bodies(&self, names: Vec<(BodyName, Beside)>) -> Result<Vec<Listed>, RecordsError> {
        let mut beside: BTreeMap<BodyName, BTreeSet<Beside>> = BTreeMap::new();
        for (name, what) in names {
            beside.entry(name).or_default().insert(what);
        }
        beside.retain(|_, what| what.contains(&Beside::Body));
        let all: Vec<_> = beside.into_iter().collect();
        let mut listed = Vec::with_capacity(all.len());
        for part in all.chunks(READ_AT_ONCE) {
            let reads = part.iter().map(|(name, what)| async move {
                let key = self.key(name);
                let whole = match self.records.read_whole(&key).await {
                    // What cannot be read is told of; it was a state only if others say so.
                    Err(RecordsError::Corrupt { .. }) => None,
                    read => read?.filter(|whole| whole.key == name.record.as_str() && whole.version == name.version),
                };
                let (is_lost, has_standing) = (what.contains(&Beside::Lost), what.contains(&Beside::Standing));
                Ok::<_, RecordsError>(Listed { name: name.clone(), is_lost, has_standing, whole })
            });
            listed.extend(futures::future::try_join_all(reads).await?);
        }
        Ok(listed)
    }

    /// Bodies to which only the pages of those that are gone lead.
    async fn read_past(&self, names: &[(BodyName, Beside)]) -> Result<BTreeSet<String>, RecordsError> {
        let mut past = BTreeSet::new();
        for (name, _) in names.iter().filter(|(_, beside)| *beside == Beside::Standing) {
            past.extend(self.records.read_standing(&self.key(name)).await?.and_then(|standing| standing.past));
        }
        Ok(past)
    }

    fn key(&self, name: &BodyName) -> String {
        self.records.keys.body(&name.record, name.version, name.uuid)
    }

    /// What is known of each body.
    async fn facts(
        &self,
        record: &RecordKey,
        listed: &[Listed],
        past: &BTreeSet<String>,
    ) -> Result<Vec<Fact>, RecordsError> {
        let head = self.command("GET", vec![self.old.head(record).into()]).await?;
        let head = match head.first() {
            Some(Reply::Bytes(bytes)) => core::str::from_utf8(bytes).ok().and_then(Head::parse),
            _ => None,
        };
        let own = format!("{}:{record}:", self.records.keys.context());
        let lateness_ms = i64::try_from(LATENESS.as_millis()).unwrap_or(0);
        let [(_, posted_until), _] = self.report.chain_ends;
        let (told_since, told_until) = self.report.told;
        let mut facts = Vec::with_capacity(listed.len());
        for body in listed {
            let written_ms = made_at_ms(body.name.uuid).unwrap_or(0);
            let posts = body.whole.as_ref().is_some_and(|whole| !whole.change.postings.is_empty());
            let tells = body.whole.as_ref().is_some_and(|whole| !whole.change.events.is_empty());
            let uuid = body.name.uuid.to_string();
            let is_posted = posts && self.is_member("posted", &uuid).await?;
            let is_told = tells && self.is_member("told", &format!("evt_{uuid}_0")).await?;
            let is_head = head.is_some_and(|head| (head.version, head.uuid) == (body.name.version, body.name.uuid));
            let came_late = self
                .report
                .rebuilt
                .iter()
                .any(|(epoch, listed_ms)| body.name.version.epoch < *epoch && written_ms > *listed_ms);
            let left_no_leg = posts && !is_posted && written_ms < posted_until.saturating_sub(lateness_ms);
            let left_no_event =
                tells && !is_told && (told_since..told_until.saturating_sub(lateness_ms)).contains(&written_ms);
            facts.push(Fact {
                name: self.key(&body.name),
                version: body.name.version,
                uuid: body.name.uuid,
                // Nothing but this record's own bodies, whatever a body says.
                previous: body
                    .whole
                    .as_ref()
                    .and_then(|whole| whole.previous.clone())
                    .filter(|previous| previous.starts_with(&own)),
                is_known: is_head || is_posted || is_told || body.has_standing || past.contains(&self.key(&body.name)),
                is_refuted: body.is_lost || came_late || left_no_leg || left_no_event || body.whole.is_none(),
            });
        }
        Ok(facts)
    }

    async fn is_member(&self, set: &str, member: &str) -> Result<bool, RecordsError> {
        let found = self.command("SISMEMBER", vec![self.scratch.of(set).into(), member.into()]).await?;
        Ok(found.first() == Some(&Reply::Integer(1)))
    }

    fn count(&mut self, record: &RecordKey, listed: &[Listed], facts: &[Fact], decided: &Decided) {
        let report = &mut self.report;
        report.states = report.states.saturating_add((decided.chain.len() + decided.past.len()) as u64);
        for &place in &decided.orphans {
            let is_lost = listed.get(place).is_some_and(|body| body.is_lost);
            let counter = if is_lost { &mut report.refused } else { &mut report.orphans };
            *counter = counter.saturating_add(1);
        }
        if !decided.ties.is_empty() {
            report.ties = report.ties.saturating_add(1);
            let chosen = decided.chain.last().and_then(|&place| facts.get(place)).map_or("", |fact| &fact.name);
            let others: Vec<&str> =
                decided.ties.iter().filter_map(|&place| Some(facts.get(place)?.name.as_str())).collect();
            report.problem(format!("a tie of {record}: {chosen} was taken, not {}", others.join(", ")));
        }
        if let Some(missing) = &decided.missing {
            report.missing = report.missing.saturating_add(1);
            report.problem(format!("the present body of {record} is gone: {missing}"));
        }
        for body in listed.iter().filter(|body| body.whole.is_none()) {
            report.missing = report.missing.saturating_add(1);
            report.problem(format!("a body of {record} cannot be read: {} {}", body.name.version, body.name.uuid));
        }
        if !decided.chain.is_empty() {
            report.records = report.records.saturating_add(1);
        }
    }

    /// What the record stands in: the last page of its past, and upon it what its later states did.
    async fn standing(&self, facts: &[Fact], listed: &[Listed], decided: &Decided) -> Result<Standing, RecordsError> {
        let mut changes = Vec::new();
        let mut standing = Standing::default();
        let mut before: Option<&str> = None;
        for &place in decided.chain.iter().rev() {
            let (Some(fact), Some(body)) = (facts.get(place), listed.get(place)) else { continue };
            if body.has_standing
                && let Some(found) = self.records.read_standing(&fact.name).await?
            {
                (standing, before) = (found, None);
                break;
            }
            changes.extend(body.whole.as_ref().map(|whole| &whole.change));
            before = fact.previous.as_deref();
        }
        if let Some(gone) = before
            && let Some(found) = self.records.read_standing(gone).await?
        {
            standing = found;
        }
        changes.into_iter().rev().for_each(|change| standing.apply(change));
        Ok(standing)
    }

    #[expect(clippy::too_many_arguments, reason = "all that is known of one record")]
    async fn put_record(
        &mut self,
        record: &RecordKey,
        current: &Listed,
        whole: &Whole,
        standing: &Standing,
        listed: &[Listed],
        facts: &[Fact],
        decided: &Decided,
    ) -> Result<(), RecordsError> {
        let head = format!("{} {}{}", current.name.version, current.name.uuid, if whole.tombstone { " x" } else { "" });
        let entries: Vec<[&str; 3]> = standing
            .index
            .iter()
            .flat_map(|(index, places)| places.iter().map(|(sort, summary)| [index.as_str(), sort, summary]))
            .collect();
        let answers = self.answers(listed, decided);
        let (garbage, later) = self.past(facts, listed, decided);
        let start = |list: &[[&str; 3]]| {
            let mut arguments: Vec<Argument> = vec![
                self.target.head(record).into(),
                self.target.prefix().into(),
                self.scratch.prefix().into(),
                record.as_str().into(),
                head.as_str().into(),
                list.len().to_string().into(),
            ];
            arguments.extend(list.iter().flatten().map(|&text| Argument::from(text)));
            arguments
        };
        let done = |fields: &[&str]| (*fields == ["done"]).then_some(());
        let (first, rest) = entries.split_at(entries.len().min(ENTRIES_AT_ONCE));
        for part in rest.chunks(ENTRIES_AT_ONCE) {
            let mut arguments = start(part);
            arguments.extend(["0", "0", "0", "0"].map(Argument::from));
            self.records.script(&RECORD_BACK, 1, &arguments, done).await?;
        }
        let mut arguments = start(first);
        arguments.push(standing.timers.len().to_string().into());
        for (timer, due_ms) in &standing.timers {
            arguments.extend([timer.as_str().into(), due_ms.to_string().into()]);
        }
        arguments.push(answers.len().to_string().into());
        for (digest, (row, ttl_ms)) in &answers {
            arguments.extend([digest.as_str().into(), row.as_str().into(), ttl_ms.to_string().into()]);
        }
        arguments.push(garbage.len().to_string().into());
        arguments.extend(garbage.into_iter().map(Argument::from));
        arguments.push(later.len().to_string().into());
        for (score_ms, name) in later {
            arguments.extend([score_ms.to_string().into(), name.into()]);
        }
        self.records.script(&RECORD_BACK, 1, &arguments, done).await?;
        let report = &mut self.report;
        report.tombstones = report.tombstones.saturating_add(u64::from(whole.tombstone));
        report.index_entries = report.index_entries.saturating_add(entries.len() as u64);
        report.timers = report.timers.saturating_add(standing.timers.len() as u64);
        report.answers = report.answers.saturating_add(answers.len() as u64);
        Ok(())
    }

    /// Once-rows of the record's states that are still kept: by digest the row, and for how long.
    fn answers(&self, listed: &[Listed], decided: &Decided) -> BTreeMap<String, (String, i64)> {
        let now_ms = self.records.clock.now().unix_ms();
        let mut answers = BTreeMap::new();
        for &place in decided.past.iter().chain(&decided.chain) {
            let Some(body) = listed.get(place) else { continue };
            let Some(once) = body.whole.as_ref().and_then(|whole| whole.change.once.as_ref()) else { continue };
            let written_ms = made_at_ms(body.name.uuid).unwrap_or(0);
            let ttl_ms = written_ms.saturating_add(ONCE_KEPT_MS).saturating_sub(now_ms);
            if ttl_ms <= 0 {
                continue;
            }
            let row = match &once.answer {
                Some((status, answer)) => format!("D {} {status} {answer}", once.fingerprint),
                None => {
                    let until_ms = written_ms.saturating_add(once.lease_ms);
                    format!("B {} {} {until_ms}", once.fingerprint, once.attempt.as_deref().unwrap_or_default())
                }
            };
            answers.insert(once.digest.clone(), (row, ttl_ms));
        }
        answers
    }

    /// Names for the cleaner, and what its states did beyond the record, by the moment at which it is done.
    fn past(&self, facts: &[Fact], listed: &[Listed], decided: &Decided) -> (Vec<String>, Vec<(i64, String)>) {
        let (mut garbage, mut later) = (Vec::new(), Vec::new());
        let name = |place: usize| facts.get(place).map(|fact| fact.name.clone());
        // Answers that were put off; the rest of the past is kept.
        let put_off = decided.past.iter().filter(|&&place| listed.get(place).is_some_and(|body| body.has_standing));
        garbage.extend(put_off.filter_map(|&place| name(place)));
        for pair in decided.chain.windows(2) {
            let [state, next] = pair else { continue };
            let keeps = listed.get(*next).and_then(|body| body.whole.as_ref()).is_some_and(|w| w.change.keep_previous);
            garbage.extend(name(*state).filter(|_| !keeps));
        }
        // What cannot be read is nobody's to delete.
        let orphans =
            decided.orphans.iter().filter(|&&place| listed.get(place).is_some_and(|body| body.whole.is_some()));
        garbage.extend(orphans.filter_map(|&place| name(place)).map(|name| lost(&name)));
        let mut at_ms = 0;
        for &place in decided.past.iter().chain(&decided.chain) {
            let Some((body, whole)) = listed.get(place).and_then(|body| Some((body, body.whole.as_ref()?))) else {
                continue;
            };
            // Never before the state before, whatever the clocks of the two writers said.
            at_ms = made_at_ms(body.name.uuid).unwrap_or(0).max(at_ms);
            let change = &whole.change;
            if !(change.postings.is_empty() && change.events.is_empty() && change.trail.is_empty()) {
                later.push((at_ms, body.name.member(Beside::Body)));
            }
        }
        (garbage, later)
    }

    /// Says beside bodies that were never committed that they were not, so that the next rebuild decides alike.
    async fn mark_orphans(&self, facts: &[Fact], listed: &[Listed], decided: &Decided) -> Result<(), RecordsError> {
        if self.report.mode == Mode::Dry {
            return Ok(());
        }
        let readable = |place: &&usize| listed.get(**place).is_some_and(|body| body.whole.is_some());
        for fact in decided.orphans.iter().filter(readable).filter_map(|&place| facts.get(place)) {
            self.records.bodies.set(&lost(&fact.name), b"1".to_vec()).await.map_err(closed)?;
        }
        Ok(())
    }
}
