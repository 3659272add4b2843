//! The records port over several partitions: each record in the one that its name says (`ids::Partitions`).
//!
//! What lives here: where to ask, and how the answers of several become one. What does not: what a partition is made of
//! (`records-redis`, `records-memory`).
//!
//! - One record, one partition: a change with all that becomes true with it is one step there, as ever.
//! - An index that is named after an id lies with that id's records. Others are everywhere: each entry lies with its
//!   record, and a page is put together from the pages of all. So are indexes that a context names as **gathered**: they
//!   are named after a person, and their entries lie with records of others.
//! - A change that would have to be true in two partitions at once is refused as [`RecordsError::Invalid`]: a mistake of
//!   the code, which its tests find with two partitions.
//! - A name that carries the number of no partition names nothing: it is not found, and nothing is written under it.
//!
//! With one partition each call is handed on as it is.

use ambient::Timestamp;
use async_trait::async_trait;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use futures::future::{join_all, try_join_all};
use ids::{Partition, Partitions};
use records::{
    AccountKey, Balance, Change, Cursor, DueTimer, IndexEntry, IndexName, IndexStep, OnceKey, OnceState, Outcome, Page,
    Record, RecordKey, Records, RecordsError, TrialBalance,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The records of one context, in all of its partitions.
pub struct DividedRecords {
    partitions: Partitions,
    /// One a partition, in order: never fewer than there are partitions.
    parts: Vec<Arc<dyn Records>>,
    /// First words of indexes whose entries lie with the records of others.
    gathered: &'static [&'static str],
    /// Where the next look for timers begins, so that none waits behind the others for ever.
    turn: AtomicUsize,
}

impl DividedRecords {
    /// Records over these partitions. `gathered` are the first words of indexes that are named after an id and whose
    /// entries lie elsewhere, such as `about` for `about:usr_00…`.
    ///
    /// # Errors
    /// [`RecordsError::Layout`] where there is not one part for each partition.
    pub fn new(
        partitions: Partitions,
        parts: Vec<Arc<dyn Records>>,
        gathered: &'static [&'static str],
    ) -> Result<Self, RecordsError> {
        if parts.len() != usize::from(partitions.count()) {
            let why = format!("there are {} stores for {partitions} partitions", parts.len());
            return Err(RecordsError::Layout(why));
        }
        Ok(Self { partitions, parts, gathered, turn: AtomicUsize::new(0) })
    }

    fn part(&self, partition: Partition) -> Result<&Arc<dyn Records>, RecordsError> {
        self.parts.get(usize::from(partition)).ok_or_else(|| nowhere(&partition.to_string()))
    }

    /// The partition of a record.
    fn home(&self, key: &RecordKey) -> Result<Partition, RecordsError> {
        self.partitions.of_record(key.as_str()).ok_or_else(|| nowhere(key.as_str()))
    }

    /// The partition of a record, to be asked.
    fn at(&self, key: &RecordKey) -> Result<&Arc<dyn Records>, RecordsError> {
        self.part(self.home(key)?)
    }

    /// The one partition in which an index lies; `None` where it is everywhere.
    fn index_home(&self, index: &str) -> Option<Partition> {
        let word = index.split(':').next().unwrap_or(index);
        if self.partitions.count() > 1 && self.gathered.contains(&word) {
            return None;
        }
        self.partitions.of_ids(index)
    }

    /// The partition of a once-row, where it follows from who asks.
    fn once_home(&self, key: &OnceKey) -> Result<Partition, RecordsError> {
        self.partitions.of_record(&key.who).ok_or_else(|| nowhere(&key.who))
    }

    /// Refuses what would have to be true in two partitions at once.
    fn check(&self, change: &Change, home: Partition) -> Result<(), RecordsError> {
        let elsewhere = |what: &str, name: &str| {
            Err(RecordsError::Invalid(format!("{what} `{name}` lies in another partition than `{}`", change.key)))
        };
        for step in &change.index {
            let (IndexStep::Put { index, .. } | IndexStep::Remove { index, .. }) = step;
            if self.index_home(index.as_str()).is_some_and(|there| there != home) {
                return elsewhere("the index", index.as_str());
            }
        }
        for posting in &change.postings {
            if self.partitions.of_ids(posting.account.as_str()).is_some_and(|there| there != home) {
                return elsewhere("the account", posting.account.as_str());
            }
        }
        match &change.once {
            Some(once) if self.once_home(&once.key)? != home => elsewhere("the once-row of", &once.key.who),
            _ => Ok(()),
        }
    }
}

/// A name whose partition there is not.
fn nowhere(name: &str) -> RecordsError {
    RecordsError::Invalid(format!("`{name}` names no partition of this data"))
}

/// As the store orders entries: by sort key, then by record, as bytes.
fn order(entry: &IndexEntry) -> (&str, &str) {
    (&entry.sort, entry.key.as_str())
}

/// The greatest entries of several lists, each of which is in order.
fn merged(lists: Vec<Vec<IndexEntry>>) -> Vec<IndexEntry> {
    let mut all: Vec<IndexEntry> = lists.into_iter().flatten().collect();
    all.sort_by(|a, b| order(b).cmp(&order(a)));
    all
}

fn sum(balances: Vec<Balance>) -> Balance {
    let mut total = Balance::default();
    for balance in balances {
        total.posted_minor = total.posted_minor.saturating_add(balance.posted_minor);
        total.held_minor = total.held_minor.saturating_add(balance.held_minor);
    }
    total
}

#[async_trait]
impl Records for DividedRecords {
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        // Whoever asks by an id that no partition can have made asks for what never was, as a stranger's id does.
        let Some(home) = self.partitions.of_record(key.as_str()) else { return Ok(None) };
        self.part(home)?.load(key).await
    }

    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError> {
        let home = self.home(&change.key)?;
        self.check(&change, home)?;
        self.part(home)?.commit(change).await
    }

    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        self.part(self.once_home(key)?)?.once(key).await
    }

    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError> {
        if let Some(home) = self.index_home(index.as_str()) {
            return self.part(home)?.list(index, after, limit).await;
        }
        // A place is the same in all of them: sort key and record.
        let pages = try_join_all(self.parts.iter().map(|part| part.list(index, after, limit))).await?;
        let is_more = pages.iter().any(|page| page.next.is_some());
        let mut entries = merged(pages.into_iter().map(|page| page.entries).collect());
        let is_more = is_more || entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let next = entries.last().filter(|_| is_more).map(|last| Cursor::at(&last.sort, &last.key));
        Ok(Page { entries, next })
    }

    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError> {
        if let Some(home) = self.index_home(index.as_str()) {
            return self.part(home)?.count(index).await;
        }
        let counts = try_join_all(self.parts.iter().map(|part| part.count(index))).await?;
        Ok(counts.into_iter().fold(0, u64::saturating_add))
    }

    async fn counts(&self, indexes: &[IndexName]) -> Result<Vec<u64>, RecordsError> {
        let mut homes = indexes.iter().map(|index| self.index_home(index.as_str()));
        // One person's, as a rule: then it is one round trip.
        if let Some(Some(home)) = homes.next()
            && homes.all(|other| other == Some(home))
        {
            return self.part(home)?.counts(indexes).await;
        }
        try_join_all(indexes.iter().map(|index| self.count(index))).await
    }

    async fn entries_at(&self, index: &IndexName, sorts: &[String]) -> Result<Vec<Vec<IndexEntry>>, RecordsError> {
        if let Some(home) = self.index_home(index.as_str()) {
            return self.part(home)?.entries_at(index, sorts).await;
        }
        let found = try_join_all(self.parts.iter().map(|part| part.entries_at(index, sorts))).await?;
        let mut places: Vec<Vec<IndexEntry>> = vec![Vec::new(); sorts.len()];
        for part in found {
            for (place, entries) in places.iter_mut().zip(part) {
                place.extend(entries);
            }
        }
        Ok(places
            .into_iter()
            .map(|entries| {
                let mut entries = merged(vec![entries]);
                entries.truncate(records::MAX_TWINS as usize);
                entries
            })
            .collect())
    }

    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        let mut homes = accounts.iter().map(|account| self.partitions.of_ids(account.as_str()));
        if let Some(Some(home)) = homes.next()
            && homes.all(|other| other == Some(home))
        {
            return self.part(home)?.balances(accounts).await;
        }
        let parts = try_join_all(self.parts.iter().map(|part| part.balances(accounts))).await?;
        let of = |place: usize| parts.iter().filter_map(|found| found.get(place).copied()).collect();
        Ok((0..accounts.len()).map(|place| sum(of(place))).collect())
    }

    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        let parts = try_join_all(self.parts.iter().map(|part| part.trial_balance())).await?;
        let mut lines: BTreeMap<String, TrialBalance> = BTreeMap::new();
        for line in parts.into_iter().flatten() {
            match lines.get_mut(&line.currency) {
                None => {
                    lines.insert(line.currency.clone(), line);
                }
                Some(total) => {
                    total.sum_minor = total.sum_minor.saturating_add(line.sum_minor);
                    total.legs = total.legs.saturating_add(line.legs);
                }
            }
        }
        Ok(lines.into_values().collect())
    }

    /// One after the other, each time from another one: what was claimed has to be done in the time of its lease, so that
    /// no more than `limit` may be.
    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut due: Vec<DueTimer> = Vec::new();
        let mut failed = None;
        for place in 0..self.parts.len() {
            let left = limit.saturating_sub(u32::try_from(due.len()).unwrap_or(u32::MAX));
            let turn = first.wrapping_add(place).checked_rem(self.parts.len());
            let Some(part) = turn.and_then(|turn| self.parts.get(turn)).filter(|_| left > 0) else { break };
            match part.claim_timers(left, lease).await {
                Ok(claimed) => due.extend(claimed),
                Err(error) => failed = Some(error),
            }
        }
        // What others have claimed is done, whatever became of one of them.
        match failed {
            Some(error) if due.is_empty() => Err(error),
            _ => Ok(due),
        }
    }

    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        self.at(&timer.key)?.finish_timer(timer).await
    }

    /// All of them, whatever becomes of one.
    async fn maintain(&self, now: Timestamp) -> Result<(), RecordsError> {
        join_all(self.parts.iter().map(|part| part.maintain(now))).await.into_iter().collect()
    }

    async fn forget_history(&self, key: &RecordKey) -> Result<u64, RecordsError> {
        self.at(key)?.forget_history(key).await
    }

    async fn ready(&self) -> Result<(), RecordsError> {
        try_join_all(self.parts.iter().map(|part| part.ready())).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests;
