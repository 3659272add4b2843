//! Rebuild: heads, balances, indexes, timers, answers and events from the key-value store, after Redis came back with less
//! than was acknowledged.
//!
//! What lives here: the steps, in bounded time each, so that a worker does one a pulse. What does not: who asks for it and
//! who moves aside what Redis has left (`cargo xtask rebuild`, docs/recovery.md); it does both with an operator's rights.
//!
//! An order (`{…}:rebuild:order`) says dry or real. Both run the same steps: a dry run writes under `{…}:rebuild:shadow:`
//! and reads what Redis has where it is; a real one writes where the data belongs and reads what was moved aside to
//! `{…}:rebuild:old:`. In turn: close the data and list the store's names (all of them before anything is read); put back the
//! rows of both chains; learn which events were told; record by record, decide which bodies were its states and put back
//! its head and what it stands in; put archived events back into the stream; in the order of time, do what changes did
//! beyond their records; raise the epoch and open.
//!
//! Each step may be killed anywhere and is done again: what is written is written again alike, rows and entries that are
//! there are passed over, and what is done once is taken from its list by the script that does it.

mod chains;
mod decide;
mod generations;
mod names;
mod stream;
mod table;

use crate::creation::{Mark, MarkState};
use crate::keys::Keys;
use crate::scripts::{CLOSE, REOPEN};
use crate::{RedisRecords, closed, gone, unreadable};
use ambient::Timestamp;
use core::time::Duration;
pub(crate) use names::Name;
use names::{Pages, last_run, run_length};
use records::{RecordsError, TrialBalance};
use redis_client::{Argument, Repeat, Reply};
use serde::{Deserialize, Serialize};

/// How long one worker has the rebuild to itself; harmless where it takes longer.
const LEASE_MS: i64 = 20_000;
/// How many names are listed in one command.
const AT_ONCE: usize = 500;
/// How many problems a report tells of; further ones are counted.
const MOST_PROBLEMS: usize = 100;
/// The longest that a commit follows its body (an hour, as in commit.lua), and by how much clocks may differ.
const LATENESS: Duration = Duration::from_secs(70 * 60);

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// To know what a rebuild would do.
    Dry,
    /// To rebuild.
    Real,
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The store's names are listed.
    Names,
    /// Pages of the ledger's journal are read.
    Journal,
    /// Pages of the audit trail are read.
    Trail,
    /// Pages of the archive and the stream are read.
    Told,
    /// Records are put back.
    Records,
    /// Archived events are put back.
    Stream,
    /// What changes did beyond their records is done.
    Changes,
    /// The data is opened.
    Opening,
    /// All is done.
    Done,
    /// It cannot go on; `failed` says why.
    Failed,
}

/// What a rebuild found and did, and where it goes on.
///
/// **Shape** the JSON in `{…}:rebuild:report`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The order's id.
    pub id: String,
    /// Dry or real.
    pub mode: Mode,
    /// How far it is.
    pub phase: Phase,
    /// When it began.
    pub started_at: Timestamp,
    /// When the names were listed: what was written later is not part of it.
    pub listed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it cannot go on.
    pub failed: Option<String>,
    /// Commits that were acknowledged, as far as the mark knows.
    pub acknowledged_commits: u64,
    /// Commits that Redis knew.
    pub found_commits: u64,
    /// Among how many partitions the records of the context are divided: each is rebuilt by an order of its own.
    #[serde(default = "undivided")]
    pub partitions: u8,
    /// The epoch that the data had.
    pub epoch: u32,
    /// The epoch that it has afterwards.
    pub next_epoch: u32,
    /// Names in the store, and those that are none of ours.
    pub names: u64,
    /// Names that are none of ours.
    pub foreign_names: u64,
    /// Bodies among them.
    pub bodies: u64,
    /// Records, and how many of them are erased.
    pub records: u64,
    /// Records that are erased.
    pub tombstones: u64,
    /// Bodies that were states.
    pub states: u64,
    /// Bodies that were refused when they were written.
    pub refused: u64,
    /// Bodies that were never committed, besides.
    pub orphans: u64,
    /// Records of which two bodies could have been the present state.
    pub ties: u64,
    /// Records whose newest body is gone or cannot be read.
    pub missing: u64,
    /// Entries of indexes.
    pub index_entries: u64,
    /// Timers that are set.
    pub timers: u64,
    /// Answers to requests that may still be repeated.
    pub answers: u64,
    /// Rows of the journal that were in pages or in what Redis had.
    pub journal_rows: u64,
    /// Legs that were posted again from bodies.
    pub posted_again: u64,
    /// Rows of the trail that were in pages or in what Redis had.
    pub trail_rows: u64,
    /// Rows of the trail that were written again from bodies.
    pub noted_again: u64,
    /// Events that pages of the archive hold.
    pub archived_events: u64,
    /// Archived events that were put back into the stream.
    pub put_back: u64,
    /// Events that were told again from bodies.
    pub told_again: u64,
    /// The trial balance afterwards: currency, sum (zero), legs.
    pub trial_balance: Vec<(String, i64, u64)>,
    /// What somebody should look at.
    pub problems: Vec<String>,
    /// Problems beyond those.
    pub further_problems: u64,
    /// Where the phase goes on.
    cursor: String,
    /// Which page comes next, or how many steps were done.
    next: u64,
    /// Pages of the journal's chain and of the trail's.
    chain_pages: [u64; 2],
    /// Up to which place their rows are certain, and up to which moment.
    chain_ends: [(u64, i64); 2],
    /// First page of the archive, and the one after its last.
    archive: (u64, u64),
    /// From which moment, and up to which, all events that were told are known.
    told: (i64, i64),
    /// Rebuilds that were: epoch, and the moment after which nothing of an earlier epoch was committed.
    rebuilt: Vec<(u32, i64)>,
}

/// What a call did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nobody has asked for a rebuild, or it is over.
    Idle,
    /// Another worker is at it.
    Busy,
    /// A real rebuild, or a dry one, goes on.
    Running(Mode),
}

/// What an operator asks for.
///
/// **Shape** `{"id":"7f…","mode":"dry"}` in `{…}:rebuild:order`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Order {
    id: String,
    mode: Mode,
}

/// That the data was rebuilt: what is written beside the bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rebuilt {
    v: u8,
    epoch: u32,
    listed_ms: i64,
}

/// One rebuild under way.
struct Rebuild<'a> {
    records: &'a RedisRecords,
    report: Report,
    /// Where the data is put.
    target: Keys,
    /// What Redis had.
    old: Keys,
    /// What the rebuild itself remembers.
    scratch: Keys,
    until: Timestamp,
}

/// What a report of before says of partitions, which it did not know.
const fn undivided() -> u8 {
    1
}

impl Report {
    fn new(order: &Order, partitions: u8, now: Timestamp) -> Self {
        Self {
            partitions,
            id: order.id.clone(),
            mode: order.mode,
            phase: Phase::Names,
            started_at: now,
            listed_at: None,
            ended_at: None,
            failed: None,
            acknowledged_commits: 0,
            found_commits: 0,
            epoch: 1,
            next_epoch: 2,
            names: 0,
            foreign_names: 0,
            bodies: 0,
            records: 0,
            tombstones: 0,
            states: 0,
            refused: 0,
            orphans: 0,
            ties: 0,
            missing: 0,
            index_entries: 0,
            timers: 0,
            answers: 0,
            journal_rows: 0,
            posted_again: 0,
            trail_rows: 0,
            noted_again: 0,
            archived_events: 0,
            put_back: 0,
            told_again: 0,
            trial_balance: Vec::new(),
            problems: Vec::new(),
            further_problems: 0,
            cursor: String::new(),
            next: 0,
            chain_pages: [0; 2],
            chain_ends: [(0, 0); 2],
            archive: (0, 0),
            told: (0, 0),
            rebuilt: Vec::new(),
        }
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(text);
        } else {
            self.further_problems = self.further_problems.saturating_add(1);
        }
    }

    fn turn_to(&mut self, phase: Phase) {
        self.phase = phase;
        self.cursor.clear();
        self.next = 0;
    }
}

impl RedisRecords {
    /// Goes on with the rebuild that an operator asked for, for as long as `budget`; does nothing where nobody did. One
    /// round trip where there is none.
    ///
    /// # Errors
    /// [`RecordsError::Unavailable`]: the next call goes on. What will not get better is in the report.
    pub async fn rebuild_step(&self, budget: Duration) -> Result<Progress, RecordsError> {
        let scratch = self.keys.under("rebuild:");
        let arguments = vec![scratch.of("order").into(), scratch.of("report").into()];
        let replies = self.redis.execute("MGET", arguments, Repeat::Safe).await.map_err(gone)?;
        let [Reply::Bytes(order), report] = replies.as_slice() else { return Ok(Progress::Idle) };
        let Ok(order) = serde_json::from_slice::<Order>(order) else { return Ok(Progress::Idle) };
        let report: Option<Report> = match report {
            Reply::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
            Reply::Nil | Reply::Status(_) | Reply::Integer(_) => None,
        };
        let now = self.clock.now();
        let report = report
            .filter(|report| report.id == order.id)
            .unwrap_or_else(|| Report::new(&order, self.keys.divided_among(), now));
        if matches!(report.phase, Phase::Done | Phase::Failed) {
            return Ok(Progress::Idle);
        }
        let lease =
            vec![scratch.of("lease").into(), self.sealer_token().into(), "NX".into(), "PX".into(), LEASE_MS.into()];
        if self.redis.execute("SET", lease, Repeat::Never).await.map_err(gone)?.first() == Some(&Reply::Nil) {
            return Ok(Progress::Busy);
        }
        let (target, old) = match order.mode {
            Mode::Dry => (self.keys.under("rebuild:shadow:"), self.keys.clone()),
            Mode::Real => (self.keys.clone(), self.keys.under("rebuild:old:")),
        };
        let mut rebuild = Rebuild { records: self, report, target, old, scratch, until: now.plus(budget) };
        let went = rebuild.go_on().await;
        // What cannot be given back ends by itself.
        let _ = self.redis.execute("DEL", vec![rebuild.scratch.of("lease").into()], Repeat::Safe).await;
        went.map(|()| Progress::Running(order.mode))
    }

    /// Runs a whole rebuild, as workers do it pulse by pulse: for tests of it.
    ///
    /// # Errors
    /// As [`RedisRecords::rebuild_step`], and [`RecordsError::Corrupt`] where it failed for good.
    pub async fn rebuild_now(&self, id: &str, mode: Mode) -> Result<Report, RecordsError> {
        let scratch = self.keys.under("rebuild:");
        let order = serde_json::json!({ "id": id, "mode": mode }).to_string();
        let arguments = vec![scratch.of("order").into(), order.into()];
        self.redis.execute("SET", arguments, Repeat::Safe).await.map_err(gone)?;
        // In small steps, so that every place where it goes on is gone by.
        while self.rebuild_step(Duration::ZERO).await? != Progress::Idle {}
        let replies = self.redis.execute("GET", vec![scratch.of("report").into()], Repeat::Safe).await.map_err(gone)?;
        let report = match replies.as_slice() {
            [Reply::Bytes(bytes)] => serde_json::from_slice::<Report>(bytes).ok(),
            _ => None,
        };
        report.ok_or_else(|| unreadable(&replies))
    }
}

impl Rebuild<'_> {
    /// Steps until the time is over or all is done; each is remembered before the next.
    async fn go_on(&mut self) -> Result<(), RecordsError> {
        loop {
            match self.step().await {
                Ok(()) => {}
                Err(error @ RecordsError::Unavailable(_)) => return Err(error),
                // It will be the same the next time.
                Err(error) => {
                    self.report.failed = Some(error.to_string());
                    self.report.phase = Phase::Failed;
                }
            }
            let is_over = matches!(self.report.phase, Phase::Done | Phase::Failed);
            if is_over {
                self.report.ended_at = Some(self.records.clock.now());
            }
            self.remember().await?;
            if is_over || self.records.clock.now() >= self.until {
                return Ok(());
            }
        }
    }

    async fn step(&mut self) -> Result<(), RecordsError> {
        match self.report.phase {
            Phase::Names => self.list_names().await,
            Phase::Journal => self.rows_back(0).await,
            Phase::Trail => self.rows_back(1).await,
            Phase::Told => self.learn_told().await,
            Phase::Records => self.records_back().await,
            Phase::Stream => self.entries_back().await,
            Phase::Changes => self.changes_back().await,
            Phase::Opening => self.open().await,
            Phase::Done | Phase::Failed => Ok(()),
        }
    }

    async fn remember(&self) -> Result<(), RecordsError> {
        let report = serde_json::to_string(&self.report).map_err(|error| RecordsError::Invalid(error.to_string()))?;
        self.command("SET", vec![self.scratch.of("report").into(), report.into()]).await.map(drop)
    }

    /// One command that may be repeated.
    async fn command(&self, name: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, RecordsError> {
        self.records.redis.execute(name, arguments, Repeat::Safe).await.map_err(gone)
    }

    /// Closes the data, then lists every name of the store; reads nothing before the walk has ended.
    async fn list_names(&mut self) -> Result<(), RecordsError> {
        let mark = self.records.read_mark().await?;
        self.report.acknowledged_commits = mark.as_ref().map_or(0, |mark| mark.commits);
        self.close().await?;
        let keys = &self.records.keys;
        let listed_at = self.records.clock.now();
        let all = self.records.bodies.keys().await.map_err(closed)?;
        let (mut pages, mut epoch, mut bodies, mut foreign) = (Pages::default(), self.report.epoch, 0u64, 0u64);
        self.command("DEL", vec![self.scratch.of("names").into()]).await?;
        let list = self.scratch.of("names");
        let mut members: Vec<Argument> = vec![list.as_str().into()];
        for name in &all {
            match Name::read(name, keys) {
                Name::Body(body, beside) => {
                    epoch = epoch.max(body.version.epoch);
                    bodies = bodies.saturating_add(u64::from(beside == names::Beside::Body));
                    members.extend([0.into(), body.member(beside).into()]);
                }
                Name::ChainPage(is_journal, page) => {
                    let [journal, trail] = &mut pages.chains;
                    if is_journal {
                        journal.insert(page)
                    } else {
                        trail.insert(page)
                    };
                }
                Name::AccountPage(is_journal, account, page, generation) => {
                    let [journal, trail] = &mut pages.accounts;
                    let of = if is_journal { journal } else { trail };
                    of.entry(account).or_default().insert(page, generation);
                }
                Name::Generation(is_journal, account, generation) => {
                    let [journal, trail] = &mut pages.accounts;
                    let of = if is_journal { journal } else { trail };
                    let pages = of.entry(account).or_default();
                    pages.generation = pages.generation.max(generation);
                }
                Name::ArchivePage(page) => {
                    pages.archive.insert(page);
                }
                Name::Rebuilt(before) => {
                    pages.rebuilt.insert(before);
                }
                Name::Mark | Name::Elsewhere => {}
                Name::Other => foreign = foreign.saturating_add(1),
            }
            if members.len() > 2 * AT_ONCE {
                self.command("ZADD", core::mem::replace(&mut members, vec![list.as_str().into()])).await?;
            }
        }
        if members.len() > 1 {
            self.command("ZADD", members).await?;
        }
        for (name, accounts) in ["journal", "trail"].into_iter().zip(&pages.accounts) {
            let found = self.scratch.of(&format!("pages:{name}"));
            self.command("DEL", vec![found.as_str().into()]).await?;
            for (account, pages) in accounts {
                let counted = format!("{} {}", run_length(&pages.numbers()), pages.generation);
                let fields = vec![found.as_str().into(), account.as_str().into(), counted.into()];
                self.command("HSET", fields).await?;
            }
        }
        self.settle_generations(&pages.accounts[1]).await?;
        for before in &pages.rebuilt {
            let key = keys.rebuilt(*before);
            let bytes = self.records.bodies.get(&key).await.map_err(closed)?;
            let read = bytes.and_then(|bytes| serde_json::from_slice::<Rebuilt>(&bytes).ok());
            let Some(rebuilt) = read else { return Err(RecordsError::Corrupt { key }) };
            self.report.rebuilt.push((rebuilt.epoch, rebuilt.listed_ms));
        }
        epoch = epoch.max(pages.rebuilt.last().copied().unwrap_or(1));
        let report = &mut self.report;
        (report.epoch, report.next_epoch) = (epoch, epoch.saturating_add(1));
        report.listed_at = Some(listed_at);
        (report.names, report.bodies, report.foreign_names) = (all.len() as u64, bodies, foreign);
        report.chain_pages = pages.chains.each_ref().map(run_length);
        report.archive = last_run(&pages.archive);
        for (name, (found, counted)) in
            ["journal", "trail"].into_iter().zip(pages.chains.iter().zip(report.chain_pages))
        {
            if found.len() as u64 != counted {
                report.problem(format!(
                    "pages of the {name} are missing after page {counted}: {} are there",
                    found.len()
                ));
            }
        }
        report.turn_to(Phase::Journal);
        Ok(())
    }

    /// Closes the data to commits; a dry run only looks.
    async fn close(&mut self) -> Result<(), RecordsError> {
        let acknowledged = self.report.acknowledged_commits;
        let (commits, layout) = match self.report.mode {
            Mode::Dry => {
                let looked = vec![self.old.of("commits").into(), self.old.of("epoch").into()];
                let replies = self.command("MGET", looked).await?;
                let text = |reply: Option<&Reply>| match reply {
                    Some(Reply::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                    _ => String::new(),
                };
                let (commits, layout) = (text(replies.first()), text(replies.get(1)));
                let commits: u64 = commits.parse().unwrap_or(0);
                let go_on = vec![self.target.of("commits").into(), commits.max(acknowledged).to_string().into()];
                self.command("SET", go_on).await?;
                (commits, layout)
            }
            Mode::Real => {
                let arguments = [
                    self.target.of("epoch").into(),
                    self.target.prefix().into(),
                    self.old.prefix().into(),
                    acknowledged.to_string().into(),
                ];
                let closed = self.records.script(&CLOSE, 1, &arguments, |fields| match *fields {
                    ["there"] => Some(None),
                    ["closed", commits, layout] => Some(Some((commits.parse::<u64>().ok()?, layout.to_owned()))),
                    _ => None,
                });
                let Some(found) = closed.await? else {
                    return Err(RecordsError::Layout("what Redis has was not moved aside".into()));
                };
                found
            }
        };
        self.report.found_commits = commits;
        if let Some((epoch, _)) = layout.split_once('/') {
            self.report.epoch = epoch.parse().unwrap_or(1);
        }
        Ok(())
    }

    /// Says beside the bodies that there was a rebuild, and opens the data under the next epoch.
    async fn open(&mut self) -> Result<(), RecordsError> {
        let trial = self.trial_balance().await?;
        self.report.trial_balance =
            trial.iter().map(|line| (line.currency.clone(), line.sum_minor, line.legs)).collect();
        for line in trial.iter().filter(|line| line.sum_minor != 0) {
            self.report.problem(format!("the books in {} sum to {}, not to zero", line.currency, line.sum_minor));
        }
        if self.report.mode == Mode::Dry {
            self.report.turn_to(Phase::Done);
            return self.forget().await;
        }
        let records = self.records;
        let epoch = self.report.next_epoch;
        let listed_ms = self.report.listed_at.map_or(0, Timestamp::unix_ms);
        let rebuilt = Rebuilt { v: 1, epoch, listed_ms };
        let bytes = serde_json::to_vec(&rebuilt).map_err(|error| RecordsError::Invalid(error.to_string()))?;
        records.bodies.set(&records.keys.rebuilt(epoch), bytes).await.map_err(closed)?;
        // Each commit that was acknowledged has a body, and the mark knew of the older ones.
        let commits =
            self.report.acknowledged_commits.max(self.report.found_commits).saturating_add(self.report.bodies);
        let now = records.clock.now();
        let mark = records.read_mark().await?;
        let (created, at) = (mark.as_ref().map_or(now, |mark| mark.created), now);
        let partitions = records.partitions;
        records.write_mark(&Mark { v: 1, state: MarkState::Open, created, partitions, commits, at }).await?;
        let layout = format!("{epoch}/{partitions}");
        let mut arguments: Vec<Argument> = vec![
            self.target.of("epoch").into(),
            self.target.prefix().into(),
            layout.as_str().into(),
            commits.to_string().into(),
        ];
        arguments
            .extend(self.archive_head().await?.into_iter().flat_map(|(field, value)| [field.into(), value.into()]));
        let opened = records.script(&REOPEN, 1, &arguments, |fields| match *fields {
            ["open", layout] => Some(layout.to_owned()),
            _ => None,
        });
        records.learn_layout(&opened.await?)?;
        self.report.turn_to(Phase::Done);
        self.forget().await
    }

    /// The trial balance that was rebuilt.
    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        self.records.trial_at(&self.target.of("trial")).await
    }

    /// Drops what only the rebuild needed. What a dry run wrote under its shadow goes with `cargo xtask rebuild`, which may
    /// look for names.
    async fn forget(&self) -> Result<(), RecordsError> {
        let scratch = [
            "names",
            "posted",
            "told",
            "noted",
            "later",
            "pages:journal",
            "pages:trail",
            "paged:journal",
            "paged:trail",
        ];
        let names = scratch.iter().map(|name| self.scratch.of(name).into()).collect();
        self.command("UNLINK", names).await.map(drop)
    }
}
