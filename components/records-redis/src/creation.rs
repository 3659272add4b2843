//! The mark in the key-value store, and the first start: how data is made without ever taking a loss for one.

use crate::scripts::CREATE;
use crate::{RedisRecords, closed, gone, unreadable};
use ambient::Timestamp;
use core::sync::atomic::Ordering;
use records::RecordsError;
use redis_client::{Repeat, Reply};
use serde::{Deserialize, Serialize};

/// The version of the mark's shape.
const SHAPE: u8 = 1;

/// What the key-value store knows of the data as a whole.
///
/// **Shape** `{"v":1,"state":"open","created":"2026-…Z","partitions":1,"commits":1024,"at":"2026-…Z"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) v: u8,
    pub(crate) state: MarkState,
    pub(crate) created: Timestamp,
    pub(crate) partitions: u8,
    /// Commits that were acknowledged up to `at`: Redis may know more, never fewer.
    pub(crate) commits: u64,
    pub(crate) at: Timestamp,
}

/// How far the making of the data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarkState {
    /// Nothing can have been committed: a Redis without data may be filled.
    Creating,
    /// Something may have been committed: a Redis without data has lost it.
    Open,
}

impl RedisRecords {
    /// Reads the mark.
    pub(crate) async fn read_mark(&self) -> Result<Option<Mark>, RecordsError> {
        let key = self.keys.mark();
        let Some(bytes) = self.bodies.get(&key).await.map_err(closed)? else { return Ok(None) };
        let mark: Mark = serde_json::from_slice(&bytes).map_err(|_| RecordsError::Corrupt { key: key.clone() })?;
        if mark.v != SHAPE {
            return Err(RecordsError::Layout(format!("its mark has shape {}, {SHAPE} is known", mark.v)));
        }
        if mark.partitions != self.partitions {
            let why = format!("it was made with {} partitions, {} are configured", mark.partitions, self.partitions);
            return Err(RecordsError::Layout(why));
        }
        Ok(Some(mark))
    }

    /// Writes the mark.
    pub(crate) async fn write_mark(&self, mark: &Mark) -> Result<(), RecordsError> {
        let bytes = serde_json::to_vec(mark).map_err(|error| RecordsError::Invalid(error.to_string()))?;
        self.bodies.set(&self.keys.mark(), bytes).await.map_err(closed)
    }

    /// Refuses where Redis has no data although some was made: it was lost. Fine where there never was any.
    pub(crate) async fn refuse_lost_data(&self) -> Result<(), RecordsError> {
        match self.read_mark().await? {
            Some(Mark { state: MarkState::Open, commits, .. }) => {
                // The last step of the creation may be under way: then Redis is not empty.
                let seen = self.seen_commit.load(Ordering::Relaxed);
                if self.epoch_value().await?.is_none() {
                    return Err(RecordsError::RolledBack { found: 0, acknowledged: commits.max(seen) });
                }
                Ok(())
            }
            Some(Mark { state: MarkState::Creating, .. }) | None => Ok(()),
        }
    }

    /// Makes the data where there never was any, or ends a creation that was cut short. In turn: mark `creating`,
    /// Redis `creating`, mark `open`, Redis open. Whoever dies in between, the next one goes on; and as nothing can be
    /// committed before the mark says `open`, an empty Redis beside an open mark is always a loss.
    pub(crate) async fn create(&self) -> Result<(), RecordsError> {
        let mark = self.read_mark().await?;
        let found = self.epoch_value().await?;
        let opened = matches!(mark, Some(Mark { state: MarkState::Open, .. }));
        match (&mark, found.as_deref()) {
            (_, Some(layout)) if !layout.starts_with("creating ") => return self.learn_layout(layout),
            (Some(mark), None) if opened => {
                return Err(RecordsError::RolledBack { found: 0, acknowledged: mark.commits });
            }
            _ => {}
        }
        let now = self.clock.now();
        let fresh = Mark {
            v: SHAPE,
            state: MarkState::Creating,
            created: now,
            partitions: self.partitions,
            commits: 0,
            at: now,
        };
        let mark = match mark {
            Some(mark) => mark,
            None => {
                self.write_mark(&fresh).await?;
                fresh
            }
        };
        if !opened {
            self.creation_step("begin").await?;
            self.write_mark(&Mark { state: MarkState::Open, ..mark }).await?;
        }
        let layout = self.creation_step("open").await?;
        self.learn_layout(&layout)
    }

    /// What `{…}:epoch` holds.
    async fn epoch_value(&self) -> Result<Option<String>, RecordsError> {
        let replies =
            self.redis.execute("GET", vec![self.keys.of("epoch").into()], Repeat::Safe).await.map_err(gone)?;
        match replies.as_slice() {
            [Reply::Bytes(bytes)] => Ok(Some(String::from_utf8_lossy(bytes).into_owned())),
            [Reply::Nil] | [] => Ok(None),
            other => Err(unreadable(other)),
        }
    }

    /// One of the two steps in Redis; answers what the key holds afterwards.
    async fn creation_step(&self, step: &str) -> Result<String, RecordsError> {
        let arguments = [self.keys.of("epoch").into(), step.into(), self.layout().into()];
        let replies = CREATE.run(&*self.redis, 1, &arguments, Repeat::Safe).await.map_err(gone)?;
        match replies.as_slice() {
            [Reply::Bytes(bytes)] => Ok(String::from_utf8_lossy(bytes).into_owned()),
            other => Err(unreadable(other)),
        }
    }
}
