//! What the pulse does: the high-water mark of commits, and timers. Bodies that nobody will read again: see `sweep`.

use crate::creation::{Mark, MarkState};
use crate::scripts::{CLAIM, FINISH, WATCH};
use crate::{RedisRecords, gone};
use ambient::Timestamp;
use core::sync::atomic::Ordering;
use core::time::Duration;
use records::{DueTimer, RecordKey, RecordsError};
use redis_client::Repeat;

/// What the watch found.
enum Watched {
    /// No data, or its creation is under way.
    Uninitialised { creating: bool },
    /// Commits wait for a rebuild.
    Frozen { found: u64, acknowledged: u64 },
    /// All is well.
    Running { commits: u64, layout: String },
}

impl RedisRecords {
    /// Compares the commits that Redis knows with the mark: raises the mark, or freezes where Redis knows fewer.
    pub(crate) async fn watch_commits(&self, now: Timestamp) -> Result<(), RecordsError> {
        // The mark first: commits only grow, so reading them later can never make a healthy Redis look behind.
        let mark = self.read_mark().await?;
        let acknowledged = mark.as_ref().map_or(0, |mark| mark.commits).max(self.seen_commit.load(Ordering::Relaxed));
        let arguments = [self.keys.of("epoch").into(), self.keys.prefix().into(), acknowledged.to_string().into()];
        match self.script(&WATCH, 1, &arguments, watched).await? {
            Watched::Frozen { found, acknowledged } => Err(RecordsError::RolledBack { found, acknowledged }),
            Watched::Uninitialised { creating } => match mark {
                Some(Mark { state: MarkState::Open, .. }) if !creating => {
                    Err(RecordsError::RolledBack { found: 0, acknowledged })
                }
                _ => Ok(()),
            },
            Watched::Running { commits, layout } => {
                self.learn_layout(&layout)?;
                // Data that was made through this adapter has a mark: without one this is another store, or an empty one.
                let mark = mark.ok_or_else(|| RecordsError::Corrupt { key: self.keys.mark() })?;
                if commits > mark.commits || mark.state != MarkState::Open {
                    self.write_mark(&Mark { state: MarkState::Open, commits, at: now, ..mark }).await?;
                }
                Ok(())
            }
        }
    }

    /// Leases timers that are due. What a lost answer leased comes back when the lease ends.
    pub(crate) async fn lease_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        let lease_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX).max(1);
        let arguments =
            [self.keys.of("timers").into(), self.keys.of("frozen").into(), i64::from(limit).into(), lease_ms.into()];
        match self.script(&CLAIM, 2, &arguments, claimed).await? {
            Some(timers) => Ok(timers),
            None => {
                self.watch_commits(self.clock.now()).await?;
                Err(RecordsError::Unavailable("the data was frozen a moment ago".into()))
            }
        }
    }

    /// Ends a leased timer.
    pub(crate) async fn end_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        let member = format!("{}@{}", timer.name, timer.key);
        let arguments = [self.keys.of("timers").into(), member.into(), timer.leased_until.unix_ms().into()];
        FINISH.run(&*self.redis, 1, &arguments, Repeat::Safe).await.map_err(gone)?;
        Ok(())
    }
}

/// Reads the answer of `watch.lua`.
fn watched(fields: &[&str]) -> Option<Watched> {
    match *fields {
        ["uninitialised", _, state] => Some(Watched::Uninitialised { creating: !state.is_empty() }),
        ["frozen", found, acknowledged] => {
            Some(Watched::Frozen { found: found.parse().ok()?, acknowledged: acknowledged.parse().ok()? })
        }
        ["running", commits, layout] => {
            Some(Watched::Running { commits: commits.parse().ok()?, layout: layout.to_owned() })
        }
        _ => None,
    }
}

/// Reads the answer of `claim.lua`; the inner `None` says that the data is frozen.
fn claimed(fields: &[&str]) -> Option<Option<Vec<DueTimer>>> {
    let (&ends, members) = fields.split_first()?;
    if ends == "frozen" {
        return Some(None);
    }
    let leased_until = Timestamp::from_unix_ms(ends.parse().ok()?);
    let timer = |member: &&str| {
        let (name, key) = member.split_once('@')?;
        Some(DueTimer { name: name.to_owned(), key: RecordKey::new(key).ok()?, leased_until })
    };
    members.iter().map(timer).collect::<Option<Vec<_>>>().map(Some)
}
