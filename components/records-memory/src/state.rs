//! The state and what changes it: everything that one committing step makes true at the same instant.

use crate::checks;
use ambient::Timestamp;
use core::time::Duration;
use events::Envelope;
use records::{
    AccountKey, Answer, Balance, Change, Committed, Content, DueTimer, Fingerprint, IndexName, IndexStep, LedgerRow,
    Once, OnceKey, OnceState, OnceStep, Outcome, Record, RecordKey, RecordsError, Refusal, TimerStep, TrailEntry,
    TrailRow, Version,
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How long a once-row is kept.
const ONCE_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How old a body may be when it is committed.
const BODY_AGE: Duration = Duration::from_secs(3600);

/// One once-row.
#[derive(Debug, Clone)]
pub(crate) struct OnceRow {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) step: RowStep,
    pub(crate) kept_until: Timestamp,
}

/// How far the row is.
#[derive(Debug, Clone)]
pub(crate) enum RowStep {
    Begun { attempt: Uuid, until: Timestamp },
    Done(Answer),
}

impl OnceRow {
    pub(crate) fn shown(&self) -> OnceState {
        let fingerprint = self.fingerprint;
        match &self.step {
            RowStep::Begun { until, .. } => OnceState::InFlight { fingerprint, until: *until },
            RowStep::Done(answer) => OnceState::Done { fingerprint, answer: answer.clone() },
        }
    }
}

/// One timer: due at a moment, or leased until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) due: Timestamp,
    leased: bool,
}

/// Everything there is.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) records: BTreeMap<RecordKey, Record>,
    pub(crate) once: HashMap<OnceKey, OnceRow>,
    pub(crate) accounts: BTreeMap<AccountKey, (String, Balance)>,
    pub(crate) trial: BTreeMap<String, (i64, u64)>,
    pub(crate) ledger: Vec<LedgerRow>,
    /// How many rows each account has.
    pub(crate) rows: BTreeMap<AccountKey, u64>,
    pub(crate) trail: Vec<TrailRow>,
    /// Until when the same is passed over.
    pub(crate) noted: HashMap<String, Timestamp>,
    pub(crate) events: Vec<Envelope>,
    pub(crate) indexes: BTreeMap<IndexName, BTreeMap<(String, RecordKey), String>>,
    pub(crate) timers: BTreeMap<(String, RecordKey), Timer>,
    pub(crate) commits: u64,
    /// The commits that were acknowledged before the store fell back, if it ever did.
    pub(crate) acknowledged: u64,
}

impl State {
    /// Refuses to go on after a loss.
    pub(crate) fn alive(&self) -> Result<(), RecordsError> {
        if self.commits < self.acknowledged {
            return Err(RecordsError::RolledBack { found: self.commits, acknowledged: self.acknowledged });
        }
        Ok(())
    }

    /// The row, unless it is older than rows are kept.
    pub(crate) fn once_row(&self, key: &OnceKey, now: Timestamp) -> Option<&OnceRow> {
        self.once.get(key).filter(|row| now < row.kept_until)
    }

    /// The balance of an account, zero where nothing was ever posted.
    pub(crate) fn balance(&self, account: &AccountKey) -> Balance {
        self.accounts.get(account).map(|(_, balance)| *balance).unwrap_or_default()
    }

    /// The currency in which an account is kept, once it has one.
    pub(crate) fn currency(&self, account: &AccountKey) -> Option<&str> {
        self.accounts.get(account).map(|(currency, _)| currency.as_str())
    }

    /// One committing step: every check first, then every effect.
    pub(crate) fn commit(
        &mut self,
        context: &str,
        change: Change,
        body: Uuid,
        pause: Duration,
        now: Timestamp,
    ) -> Result<Outcome, RecordsError> {
        if let Some(refusal) = change.posting_refusal() {
            return Ok(Outcome::Refused(refusal));
        }
        let number = change.expected.map_or(1, |expected| expected.number.saturating_add(1));
        let version = Version { epoch: 1, number };
        let events = change.written_events(context, version, body)?;

        self.alive()?;
        if pause > BODY_AGE {
            return Ok(Outcome::Refused(Refusal::Stale));
        }
        if let Some(once) = &change.once
            && let Some(outcome) = checks::once(self.once_row(&once.key, now), once, now)
        {
            return Ok(outcome);
        }
        let found = self.records.get(&change.key).map(|record| record.version);
        if found != change.expected {
            return Ok(Outcome::Conflict { found });
        }
        let legs = match checks::postings(self, &change.postings)? {
            Ok(legs) => legs,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };

        self.commits += 1;
        let at = self.ledger.last().map_or(now, |last| last.at.max(now));
        for (place, (posting, after)) in change.postings.iter().zip(legs).enumerate() {
            let number = self.rows.entry(posting.account.clone()).or_default();
            *number += 1;
            self.accounts.insert(posting.account.clone(), (posting.currency.clone(), after));
            let (sum_minor, legs) = self.trial.entry(posting.currency.clone()).or_default();
            *sum_minor += posting.posted_minor;
            *legs += 1;
            self.ledger.push(LedgerRow {
                seq: self.ledger.len() as u64 + 1,
                commit: self.commits,
                leg: u32::try_from(place).unwrap_or(u32::MAX),
                at,
                account: posting.account.clone(),
                number: *number,
                currency: posting.currency.clone(),
                posted_minor: posting.posted_minor,
                held_minor: posting.held_minor,
                after,
                record: change.key.clone(),
                version,
                body,
            });
        }
        if let Some(once) = change.once {
            self.write_once(once, now);
        }
        self.events.extend(events.into_iter().map(|event| event.envelope));
        self.step_indexes(&change.key, change.index);
        self.append_trail(change.trail, now);
        self.step_timers(&change.key, change.timers);
        let content = match change.content {
            Content::Body(bytes) => Some(bytes),
            Content::Tombstone => None,
        };
        let record = Record { key: change.key.clone(), version, content, at: change.meta.at };
        self.records.insert(change.key, record);
        Ok(Outcome::Committed(Committed { version, commit: self.commits }))
    }

    /// Appends to the audit trail.
    pub(crate) fn append_trail(&mut self, entries: Vec<TrailEntry>, now: Timestamp) {
        for (place, entry) in (0..).zip(entries) {
            let number =
                self.trail.iter().rev().find(|row| row.account == entry.account).map_or(1, |row| row.number + 1);
            self.trail.push(TrailRow {
                seq: self.trail.len() as u64 + 1,
                commit: self.commits,
                place,
                at: self.trail.last().map_or(now, |last| last.at.max(now)),
                number,
                digest: entry.digest(),
                account: entry.account,
                text: entry.text,
                personal: entry.personal,
            });
        }
    }

    fn write_once(&mut self, once: Once, now: Timestamp) {
        let step = match once.step {
            OnceStep::Begin { attempt, lease_ms } => {
                RowStep::Begun { attempt, until: now.plus(Duration::from_millis(u64::from(lease_ms))) }
            }
            OnceStep::Finish { answer, .. } => RowStep::Done(answer),
        };
        let row = OnceRow { fingerprint: once.fingerprint, step, kept_until: now.plus(ONCE_KEPT) };
        self.once.insert(once.key, row);
    }

    fn step_indexes(&mut self, key: &RecordKey, steps: Vec<IndexStep>) {
        for step in steps {
            match step {
                IndexStep::Put { index, sort, summary } => {
                    self.indexes.entry(index).or_default().insert((sort, key.clone()), summary);
                }
                IndexStep::Remove { index, sort } => {
                    if let Some(entries) = self.indexes.get_mut(&index) {
                        entries.remove(&(sort, key.clone()));
                    }
                }
            }
        }
    }

    fn step_timers(&mut self, key: &RecordKey, steps: Vec<TimerStep>) {
        for step in steps {
            match step {
                TimerStep::Set { name, due } => {
                    self.timers.insert((name.to_owned(), key.clone()), Timer { due, leased: false });
                }
                TimerStep::Clear { name } => {
                    self.timers.remove(&(name.to_owned(), key.clone()));
                }
            }
        }
    }

    /// Leases what is due, the longest due first.
    pub(crate) fn claim(&mut self, limit: u32, lease: Duration, now: Timestamp) -> Vec<DueTimer> {
        let mut due: Vec<_> = self.timers.iter_mut().filter(|(_, timer)| timer.due <= now).collect();
        due.sort_by_key(|(_, timer)| timer.due);
        let leased_until = now.plus(lease.max(Duration::from_millis(1)));
        due.into_iter()
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|((name, key), timer)| {
                *timer = Timer { due: leased_until, leased: true };
                DueTimer { name: name.clone(), key: key.clone(), leased_until }
            })
            .collect()
    }

    /// Ends a timer whose lease is still the one given.
    pub(crate) fn finish(&mut self, timer: &DueTimer) {
        let place = (timer.name.clone(), timer.key.clone());
        if self.timers.get(&place) == Some(&Timer { due: timer.leased_until, leased: true }) {
            self.timers.remove(&place);
        }
    }
}
