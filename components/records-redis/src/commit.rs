//! The commit: the body first, then the script that checks everything and makes it true.

use crate::body::Loaded;
use crate::scripts::COMMIT;
use crate::{RedisRecords, body, closed, gone, keys, packed, unreadable};
use core::sync::atomic::Ordering;
use records::{
    Answer, Change, Committed, Content, IndexStep, Once, OnceStep, Outcome, RecordsError, Refusal, TimerStep, Version,
    WrittenEvent,
};
use redis_client::{Argument, RedisError, Repeat};
use uuid::Uuid;

/// How often a commit starts anew because the data has another epoch, or none yet.
const TRIES: u32 = 4;

/// What the script said.
enum Said {
    /// All of it is true; the context's commit number.
    Committed(u64),
    /// Nothing changed.
    Outcome(Outcome),
    /// The data is not there: a first start, or a loss.
    Uninitialised,
    /// The data has another layout than the caller believed.
    Layout(String),
    /// Commits wait for a rebuild.
    Frozen { found: u64, acknowledged: u64 },
    /// An account is kept in another currency.
    Currency { account: String, currency: String },
}

impl RedisRecords {
    /// Carries out a change, or says why not.
    pub(crate) async fn commit_change(&self, change: Change) -> Result<Outcome, RecordsError> {
        change.check_limits()?;
        if let Some(refusal) = change.posting_refusal() {
            return Ok(Outcome::Refused(refusal));
        }
        let previous = match change.expected {
            Some(version) => Some((version, self.body_of(&change, version).await?)),
            None => None,
        };
        for _ in 0..TRIES {
            let epoch = self.epoch.load(Ordering::Relaxed);
            let number = change.expected.map_or(1, |expected| expected.number.saturating_add(1));
            let version = Version { epoch, number };
            let uuid = ambient::uuid_v7(&*self.clock, &*self.random);
            let events = change.written_events(self.keys.context(), version, uuid)?;
            let replaced = previous.and_then(|(version, uuid)| Some(self.keys.body(&change.key, version, uuid?)));
            let bytes = body::write(&change, version, replaced.as_deref(), &events)
                .map_err(|error| RecordsError::Invalid(error.to_string()))?;
            let body_key = self.keys.body(&change.key, version, uuid);
            self.bodies.set(&body_key, bytes).await.map_err(closed)?;

            let arguments = self.arguments(&change, previous, version, uuid, &events);
            let mut said = self.run_commit(&arguments).await?;
            if matches!(said, Said::Uninitialised) {
                self.create().await?;
                said = self.run_commit(&arguments).await?;
            }
            match said {
                Said::Committed(commit) => {
                    self.remember(&change, version, uuid, body_key, commit);
                    return Ok(Outcome::Committed(Committed { version, commit }));
                }
                Said::Outcome(outcome) => {
                    self.mark_lost(&body_key).await;
                    return Ok(outcome);
                }
                Said::Frozen { found, acknowledged } => return Err(RecordsError::RolledBack { found, acknowledged }),
                Said::Currency { account, currency } => {
                    self.mark_lost(&body_key).await;
                    return Err(RecordsError::Invalid(format!("account {account} is kept in {currency}")));
                }
                Said::Layout(layout) => {
                    self.mark_lost(&body_key).await;
                    self.learn_layout(&layout)?;
                }
                Said::Uninitialised => {}
            }
        }
        Err(RecordsError::Unavailable("the data is being made or rebuilt".into()))
    }

    /// Says beside a body that it was not committed, so that a rebuild does not take it for one that was. Where this cannot
    /// be written, the refused change may come back with a rebuild; nothing else depends on it.
    async fn mark_lost(&self, body_key: &str) {
        let _ = self.bodies.set(&keys::lost(body_key), b"1".to_vec()).await;
    }

    /// The body that a version of the record has, where it still is the current one.
    async fn body_of(&self, change: &Change, version: Version) -> Result<Option<Uuid>, RecordsError> {
        if let Some(uuid) = self.cache.uuid_of(&change.key, version) {
            return Ok(Some(uuid));
        }
        // Versions only grow: where the head has another one now, the script will say so for ever.
        let head = self.read_head(&change.key).await?;
        Ok(head.filter(|head| head.version == version).map(|head| head.uuid))
    }

    /// Runs the script, once more where its answer was lost: it recognises its own earlier run by the body.
    async fn run_commit(&self, arguments: &[Argument]) -> Result<Said, RecordsError> {
        let mut answered = COMMIT.run(&*self.redis, 1, arguments, Repeat::Safe).await;
        if matches!(answered, Err(RedisError::Unavailable(_))) {
            answered = COMMIT.run(&*self.redis, 1, arguments, Repeat::Safe).await;
        }
        let replies = answered.map_err(gone)?;
        packed::fields(&replies).and_then(|fields| said(&fields)).ok_or_else(|| unreadable(&replies))
    }

    /// What the instance knows after a commit.
    fn remember(&self, change: &Change, version: Version, uuid: Uuid, body_key: String, commit: u64) {
        self.seen_commit.fetch_max(commit, Ordering::Relaxed);
        self.cache.keep_head(&change.key, version, uuid);
        let content = match &change.content {
            Content::Body(bytes) => Some(bytes.clone()),
            Content::Tombstone => None,
        };
        self.cache.keep_body(body_key, Loaded { content, at: change.meta.at });
    }

    /// The flat list that `commit.lua` reads, in its order.
    fn arguments(
        &self,
        change: &Change,
        previous: Option<(Version, Option<Uuid>)>,
        version: Version,
        uuid: Uuid,
        events: &[WrittenEvent],
    ) -> Vec<Argument> {
        let mut list = List(Vec::with_capacity(32));
        list.push(self.keys.head(&change.key));
        list.push(self.keys.prefix());
        list.push(self.layout());
        list.push(self.seen_commit.load(Ordering::Relaxed).to_string());
        list.push(self.keys.context());
        list.push(change.key.as_str());
        list.push(match previous {
            None => String::new(),
            Some((version, Some(uuid))) => format!("{version} {uuid}"),
            Some((version, None)) => format!("{version} -"),
        });
        list.push(version.to_string());
        list.push(uuid.to_string());
        list.push(if matches!(change.content, Content::Tombstone) { " x" } else { "" });
        list.push(if change.keep_previous { "1" } else { "" });
        list.push_once(change.once.as_ref());
        list.push_count(change.postings.len());
        for posting in &change.postings {
            list.push(posting.account.as_str());
            list.push(posting.currency.as_str());
            list.push(posting.posted_minor.to_string());
            list.push(posting.held_minor.to_string());
            list.push(posting.floor_minor.map(|floor| floor.to_string()).unwrap_or_default());
        }
        list.push_count(events.len());
        for event in events {
            list.push(event.json.as_str());
        }
        list.push_count(change.index.len());
        for step in &change.index {
            list.push_index(step);
        }
        list.push_count(change.trail.len());
        for entry in &change.trail {
            list.push(entry.account.as_str());
            list.push(entry.digest());
            list.push(entry.text.as_str());
            list.push(entry.personal.as_deref().unwrap_or_default());
        }
        list.push_count(change.timers.len());
        for step in &change.timers {
            list.push_timer(step);
        }
        list.0
    }
}

/// Arguments under construction.
struct List(Vec<Argument>);

impl List {
    fn push(&mut self, argument: impl Into<Argument>) {
        self.0.push(argument.into());
    }

    fn push_count(&mut self, count: usize) {
        self.push(count.to_string());
    }

    fn push_once(&mut self, once: Option<&Once>) {
        let Some(once) = once else { return self.push("") };
        self.push(keys::once_digest(&once.key));
        self.push(once.fingerprint.to_string());
        match &once.step {
            OnceStep::Begin { attempt, lease_ms } => {
                self.push("begin");
                self.push(attempt.to_string());
                self.push(lease_ms.to_string());
                self.push("");
            }
            OnceStep::Finish { attempt, answer } => {
                self.push("finish");
                self.push(attempt.map(|attempt| attempt.to_string()).unwrap_or_default());
                self.push("0");
                self.push(format!("{} {}", answer.status, answer.body));
            }
        }
    }

    fn push_index(&mut self, step: &IndexStep) {
        match step {
            IndexStep::Put { index, sort, summary } => {
                self.push("put");
                self.push(index.as_str());
                self.push(sort.as_str());
                self.push(summary.as_str());
            }
            IndexStep::Remove { index, sort } => {
                self.push("remove");
                self.push(index.as_str());
                self.push(sort.as_str());
            }
        }
    }

    fn push_timer(&mut self, step: &TimerStep) {
        match step {
            TimerStep::Set { name, due } => {
                self.push("set");
                self.push(*name);
                self.push(due.unix_ms().to_string());
            }
            TimerStep::Clear { name } => {
                self.push("clear");
                self.push(*name);
            }
        }
    }
}

/// Reads the answer of `commit.lua`.
fn said(fields: &[&str]) -> Option<Said> {
    let outcome = match *fields {
        ["committed", commit] => return Some(Said::Committed(commit.parse().ok()?)),
        ["conflict", ""] => Outcome::Conflict { found: None },
        ["conflict", found] => Outcome::Conflict { found: Some(found.parse().ok()?) },
        ["replay", answered] => {
            let (status, body) = answered.split_once(' ')?;
            Outcome::Replay(Answer { status: status.parse().ok()?, body: body.to_owned() })
        }
        ["mismatch"] => Outcome::Mismatch,
        ["in-flight", left] => Outcome::InFlight { retry_after_ms: left.parse().ok()? },
        ["stale"] => Outcome::Refused(Refusal::Stale),
        ["floor", account, posted, held, floor] => {
            let (posted, held): (i64, i64) = (posted.parse().ok()?, held.parse().ok()?);
            let available_minor = posted.saturating_sub(held);
            Outcome::Refused(Refusal::Floor {
                account: account.to_owned(),
                available_minor,
                floor_minor: floor.parse().ok()?,
            })
        }
        ["unbalanced", currency, sum] => {
            Outcome::Refused(Refusal::Unbalanced { currency: currency.to_owned(), sum_minor: sum.parse().ok()? })
        }
        ["out-of-range", account] => Outcome::Refused(Refusal::OutOfRange { account: account.to_owned() }),
        ["uninitialised", _] => return Some(Said::Uninitialised),
        ["layout", layout] => return Some(Said::Layout(layout.to_owned())),
        ["frozen", found, acknowledged] => {
            return Some(Said::Frozen { found: found.parse().ok()?, acknowledged: acknowledged.parse().ok()? });
        }
        ["currency", account, currency] => {
            return Some(Said::Currency { account: account.to_owned(), currency: currency.to_owned() });
        }
        _ => return None,
    };
    Some(Said::Outcome(outcome))
}
