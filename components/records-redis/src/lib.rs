//! The records port on Redis and a key-value store: bodies in the store, order in Redis, one script a change.
//!
//! What lives here: the scripts (`*.lua`), their arguments and answers, the names of keys, the shape of bodies, the
//! creation of the data and the watch over it, the journal with its pages and their check, the archive of the stream and
//! what was told over both, the cleaner, and the rebuild after a loss. What does not: connections (the ports `redis-client` and `key-value`).
//!
//! - A load is the head (one MGET) and the body (one get, none where the instance has it already).
//! - A commit is the body (one set) and the script (one EVALSHA). The script recognises its own earlier run, so a lost
//!   answer is asked for again without harm. A body is never deleted by its writer.
//! - Where Redis knows fewer commits than were acknowledged, commits answer `RolledBack` until an operator has rebuilt
//!   the data; there is deliberately no switch here to accept the loss.
//! - Bodies of a writer that died before the script stay behind; a rebuild, which walks over all names, finds them.
//!
//! Measured on two busy cores, Redis 7.0 with `appendfsync always`, 16 connections: a creation with once-row, event,
//! index entry and timer sends 1.9 KB and costs Redis 73 µs of CPU (6 800 a second), two ledger legs in addition 144 µs.
//! Writing each leg among the account's own rows, too, costs the script about 15 µs a leg (an entry of two legs: 67 to 116
//! before, 92 to 143 now, on a noisy machine) and Redis 350 bytes a leg until it is sealed, whether the account has 20 000
//! rows or 200 000.
//! The arguments are a flat list: the same as one JSON document cost 37 % more (21.0 instead of 15.3 µs, decoding alone).
//!
//! Keys, with `{…}` for `{<context>/<partition>}`: `{…}:h:<record>` head `<epoch>.<n> <uuid>[ x]`, `{…}:o:<digest>`
//! once-row, `{…}:b:<account>` balance and counts of rows, `{…}:j:<account>` its open rows, `{…}:i:<index>` and
//! `{…}:s:<index>` index and summaries, `{…}:events`, `{…}:groups`, `{…}:rung:<group>`, `{…}:timers`, `{…}:garbage`,
//! `{…}:trial`, `{…}:commits`, `{…}:epoch` (`<epoch>/<partitions>`), `{…}:frozen`, `{…}:journal` open rows in the order of
//! posting, `{…}:books` what is known of it as a whole, `{…}:accounts` their names, `{…}:full` those whose next page is
//! full, `{…}:sealer` a lease; and once more `{…}:trail:journal`, `{…}:trail:books` and so on for the audit trail, which is
//! a chain of the same make, with `{…}:trail:w:<digest>` marks of what was noted a moment ago and, in `{…}:trail:b:<account>`,
//! how often the account's rows were shredded. `{…}:archive` is where the archive of the
//! stream ends, `{…}:archivist` its lease, `{…}:rebuild:…` what a rebuild remembers.

mod archive;
mod body;
mod cache;
mod commit;
mod creation;
mod history;
mod journal;
mod keys;
mod packed;
mod pages;
mod reading;
mod rebuild;
mod scripts;
mod sealing;
mod standing;
mod sweep;
mod told;
mod trail;
mod upkeep;
mod verify;

pub use archive::{Archived, Retention, StreamState};
pub use rebuild::{Mode, Phase, Progress, Report};
pub use trail::{RedisOwnRows, RedisTrail};

use ambient::{Clock, Random, Sleep, Timestamp};
use async_trait::async_trait;
use cache::Cache;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use ids::{Partition, Partitions};
use key_value::{KeyValue, KeyValueError};
use keys::Keys;
use records::{
    AccountKey, Balance, Change, Checkpoint, Cursor, DueTimer, IndexEntry, IndexName, Journal, LedgerRow, OnceKey,
    OnceState, Outcome, Page, Record, RecordKey, Records, RecordsError, Sealed, TrialBalance, Verified,
};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use scripts::Script;
use std::sync::{Arc, OnceLock};

/// How old a row of the journal becomes before it is sealed although it fills no page.
const SEAL_AFTER: Duration = Duration::from_secs(60 * 60);

/// Whose records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordsConfig {
    /// The context, such as `payments`: lower-case letters, digits and hyphens.
    pub context: &'static str,
    /// The partition of these records, from 0.
    pub partition: Partition,
    /// How many partitions the data of the house has; fixed when it is made, another count is refused later.
    pub partitions: Partitions,
    /// Whether this context's records are divided among them by their names; otherwise all of them are in `partition`.
    pub is_divided: bool,
}

impl RecordsConfig {
    /// A context of data that is not divided: partition 0 of 1.
    pub const fn of(context: &'static str) -> Self {
        Self { context, partition: 0, partitions: Partitions::ONE, is_divided: false }
    }

    /// A context whose records all lie in the first of so many partitions.
    #[must_use]
    pub const fn in_first(context: &'static str, partitions: Partitions) -> Self {
        Self { partitions, ..Self::of(context) }
    }

    /// One partition of a context whose records are divided among so many.
    #[must_use]
    pub const fn part(context: &'static str, partition: Partition, partitions: Partitions) -> Self {
        Self { context, partition, partitions, is_divided: true }
    }

    /// The names; a body whose record lies in another partition is none of theirs.
    fn keys(&self) -> Keys {
        Keys::new(self.context, self.partition, self.is_divided.then_some(self.partitions))
    }
}

/// The records of one context in one partition. One value an instance: it remembers bodies and the highest commit.
pub struct RedisRecords {
    keys: Keys,
    partitions: u8,
    redis: Arc<dyn Redis>,
    bodies: Arc<dyn KeyValue>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sleep: Option<Arc<dyn Sleep>>,
    cache: Arc<Cache>,
    /// The epoch as last seen; 1 until something else was.
    epoch: AtomicU32,
    /// The highest commit number that this instance saw: a Redis that knows fewer has lost some.
    seen_commit: AtomicU64,
    /// What this instance holds the lease of the sealer under.
    sealer: OnceLock<String>,
    /// How old a row becomes before it is sealed although it fills no page.
    seal_after: Duration,
}

impl RedisRecords {
    /// Records over these two stores.
    pub fn new(
        config: RecordsConfig,
        redis: Arc<dyn Redis>,
        bodies: Arc<dyn KeyValue>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            keys: config.keys(),
            partitions: config.partitions.count(),
            redis,
            bodies,
            clock,
            random,
            sleep: None,
            cache: Arc::default(),
            epoch: AtomicU32::new(1),
            seen_commit: AtomicU64::new(0),
            sealer: OnceLock::new(),
            seal_after: SEAL_AFTER,
        }
    }

    /// Seals rows of this age although they fill no page; after an hour where nothing is said.
    #[must_use]
    pub fn sealing_after(mut self, age: Duration) -> Self {
        self.seal_after = age;
        self
    }

    /// Remembers what was read together with other partitions of the same context, within one bound for all of them.
    #[must_use]
    pub fn remembering_with(mut self, other: &Self) -> Self {
        self.cache = Arc::clone(&other.cache);
        self
    }

    /// Waits this way between reads of a body that its store does not show yet; without, it reads again at once.
    #[must_use]
    pub fn with_sleep(mut self, sleep: Arc<dyn Sleep>) -> Self {
        self.sleep = Some(sleep);
        self
    }

    /// `<epoch>/<partitions>` as the scripts compare it.
    fn layout(&self) -> String {
        format!("{}/{}", self.epoch.load(Ordering::Relaxed), self.partitions)
    }

    /// Takes note of the layout that Redis has.
    fn learn_layout(&self, layout: &str) -> Result<(), RecordsError> {
        let parsed = layout
            .split_once('/')
            .and_then(|(epoch, partitions)| Some((epoch.parse().ok()?, partitions.parse::<u8>().ok()?)));
        let Some((epoch, partitions)) = parsed else {
            return Err(RecordsError::Layout(format!("`{layout}` is not one that this version knows")));
        };
        if partitions != self.partitions {
            return Err(RecordsError::Layout(format!(
                "it was made with {partitions} partitions, {} are configured",
                self.partitions
            )));
        }
        self.epoch.store(epoch, Ordering::Relaxed);
        Ok(())
    }

    /// Runs a script whose second run does no harm, and unpacks its answer.
    async fn script<T>(
        &self,
        script: &'static Script,
        keys: usize,
        arguments: &[Argument],
        read: impl FnOnce(&[&str]) -> Option<T>,
    ) -> Result<T, RecordsError> {
        let replies = script.run(&*self.redis, keys, arguments, Repeat::Safe).await.map_err(gone)?;
        packed::fields(&replies).and_then(|fields| read(&fields)).ok_or_else(|| unreadable(&replies))
    }

    /// What this instance holds the lease of a sealer under.
    fn sealer_token(&self) -> &str {
        self.sealer.get_or_init(|| ambient::uuid_v7(&*self.clock, &*self.random).simple().to_string())
    }

    /// Waits before the `attempt`th repetition: 10 ms, 20 ms, 40 ms …
    async fn back_off(&self, attempt: u32) {
        if let Some(sleep) = &self.sleep {
            sleep.sleep(Duration::from_millis(10) * 2u32.saturating_pow(attempt)).await;
        }
    }
}

/// A Redis that has no answer, for the caller.
fn gone(error: RedisError) -> RecordsError {
    RecordsError::Unavailable(error.to_string())
}

/// A key-value store that has no answer, for the caller.
fn closed(error: KeyValueError) -> RecordsError {
    RecordsError::Unavailable(error.to_string())
}

/// An answer that no script of ours gives.
fn unreadable(replies: &[Reply]) -> RecordsError {
    RecordsError::Unavailable(format!("a script gave {} elements that cannot be read", replies.len()))
}

#[async_trait]
impl Records for RedisRecords {
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        self.read_record(key).await
    }

    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError> {
        self.commit_change(change).await
    }

    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        self.read_once(key).await
    }

    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError> {
        self.read_page(index, after, limit).await
    }

    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError> {
        let arguments = vec![self.keys.of(&format!("i:{index}")).into()];
        match self.redis.execute("ZCARD", arguments, Repeat::Safe).await.map_err(gone)?.as_slice() {
            [Reply::Integer(count)] => Ok(u64::try_from(*count).unwrap_or(0)),
            other => Err(unreadable(other)),
        }
    }

    async fn counts(&self, indexes: &[IndexName]) -> Result<Vec<u64>, RecordsError> {
        self.read_counts(indexes).await
    }

    async fn entries_at(&self, index: &IndexName, sorts: &[String]) -> Result<Vec<Vec<IndexEntry>>, RecordsError> {
        self.read_places(index, sorts).await
    }

    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        self.read_balances(accounts).await
    }

    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        self.read_trial_balance().await
    }

    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        self.lease_timers(limit, lease).await
    }

    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        self.end_timer(timer).await
    }

    async fn maintain(&self, now: Timestamp) -> Result<(), RecordsError> {
        self.watch_commits(now).await
    }

    async fn forget_history(&self, key: &RecordKey) -> Result<u64, RecordsError> {
        self.history_to_garbage(key).await
    }

    async fn ready(&self) -> Result<(), RecordsError> {
        let mark = self.keys.mark();
        let epoch = self.redis.execute("GET", vec![self.keys.of("epoch").into()], Repeat::Safe);
        let (redis, bodies) = futures::join!(epoch, self.bodies.get(&mark));
        bodies.map_err(closed)?;
        match redis.map_err(gone)?.as_slice() {
            // Data of another layout cannot be found: whoever asks is told elsewhere.
            [Reply::Bytes(layout)] if !layout.starts_with(b"creating ") => {
                self.learn_layout(&String::from_utf8_lossy(layout))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Journal for RedisRecords {
    async fn length(&self) -> Result<u64, RecordsError> {
        self.journal().count_rows().await
    }

    async fn rows(&self, after: u64, limit: u32) -> Result<Vec<LedgerRow>, RecordsError> {
        self.journal().read_rows(after, limit).await
    }

    async fn accounts(&self, after: Option<&AccountKey>, limit: u32) -> Result<Vec<AccountKey>, RecordsError> {
        self.journal().read_accounts(after, limit).await
    }

    async fn account_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, RecordsError> {
        self.journal().read_account_rows(account, from, limit).await
    }

    async fn account_row_at(&self, account: &AccountKey, at: Timestamp) -> Result<Option<LedgerRow>, RecordsError> {
        self.journal().read_account_row_at(account, at).await
    }

    async fn seal(&self) -> Result<Sealed, RecordsError> {
        self.journal().seal_step().await
    }

    async fn verify(&self, from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError> {
        self.journal().check_chain(from, pages).await
    }
}
