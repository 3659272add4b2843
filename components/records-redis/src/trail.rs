//! The audit trail: what is noted without a change, what is read and sealed by the code of every chain, and what an
//! erasure takes away.

use crate::journal::Chain;
use crate::pages::{AccountPage, PAGE_ROWS};
use crate::scripts::{NOTE, RELEASE, SHRED};
use crate::sealing::LEASE;
use crate::{RedisRecords, closed};
use ambient::Timestamp;
use async_trait::async_trait;
use core::sync::atomic::Ordering;
use records::{
    AccountKey, ChainRow, Checkpoint, Journal, Note, Notes, OwnTrail, RecordsError, Sealed, Trail, TrailRow, Verified,
};
use redis_client::Argument;
use std::sync::Arc;

/// How often a note starts anew because the data is not there yet.
const TRIES: u32 = 2;

/// What `note.lua` said.
enum Noted {
    Done(bool),
    Uninitialised,
    Frozen,
}

#[async_trait]
impl Notes for RedisRecords {
    async fn note(&self, note: Note) -> Result<bool, RecordsError> {
        note.entry.check_limits()?;
        let window_ms = i64::try_from(note.window.as_millis()).unwrap_or(i64::MAX).max(1);
        let digest = note.entry.digest();
        let arguments: [Argument; 8] = [
            self.keys.noted(&note.same).into(),
            self.keys.prefix().into(),
            self.seen_commit.load(Ordering::Relaxed).to_string().into(),
            window_ms.into(),
            note.entry.account.as_str().into(),
            digest.into(),
            note.entry.text.into(),
            note.entry.personal.unwrap_or_default().into(),
        ];
        for _ in 0..TRIES {
            let said = self.script(&NOTE, 1, &arguments, |fields| match *fields {
                ["noted"] => Some(Noted::Done(true)),
                ["known"] => Some(Noted::Done(false)),
                ["uninitialised"] => Some(Noted::Uninitialised),
                ["frozen"] => Some(Noted::Frozen),
                _ => None,
            });
            match said.await? {
                Noted::Done(appended) => return Ok(appended),
                Noted::Uninitialised => self.create().await?,
                Noted::Frozen => {
                    self.watch_commits(self.clock.now()).await?;
                    break;
                }
            }
        }
        Err(RecordsError::Unavailable("the data is being made or was frozen a moment ago".into()))
    }
}

/// The audit trail of these records.
#[derive(Clone)]
pub struct RedisTrail(Arc<RedisRecords>);

impl RedisTrail {
    /// The trail beside these records.
    pub fn of(records: Arc<RedisRecords>) -> Self {
        Self(records)
    }
}

#[async_trait]
impl Journal<TrailRow> for RedisTrail {
    async fn length(&self) -> Result<u64, RecordsError> {
        self.0.trail_chain().count_rows().await
    }

    async fn rows(&self, after: u64, limit: u32) -> Result<Vec<TrailRow>, RecordsError> {
        self.0.trail_chain().read_rows(after, limit).await
    }

    async fn accounts(&self, after: Option<&AccountKey>, limit: u32) -> Result<Vec<AccountKey>, RecordsError> {
        self.0.trail_chain().read_accounts(after, limit).await
    }

    async fn account_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<TrailRow>, RecordsError> {
        self.0.trail_chain().read_account_rows(account, from, limit).await
    }

    async fn account_row_at(&self, account: &AccountKey, at: Timestamp) -> Result<Option<TrailRow>, RecordsError> {
        self.0.trail_chain().read_account_row_at(account, at).await
    }

    async fn seal(&self) -> Result<Sealed, RecordsError> {
        self.0.trail_chain().seal_step().await
    }

    async fn verify(&self, from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError> {
        self.0.trail_chain().check_chain(from, pages).await
    }
}

impl Trail for RedisTrail {}

#[async_trait]
impl OwnTrail for RedisTrail {
    async fn own_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<TrailRow>, RecordsError> {
        self.0.trail_chain().read_account_rows(account, from, limit).await
    }

    async fn shred(&self, account: &AccountKey) -> Result<(), RecordsError> {
        let chain = self.0.trail_chain();
        let mut shredded = chain.shred_open_rows(account, 0).await?;
        while !chain.write_anew(account, &shredded).await? {
            // Pages of this generation came after its rows were shredded.
            shredded = chain.shred_open_rows(account, shredded.generation).await?;
        }
        let Shredded { generation, paged } = shredded;
        // Whoever loses Redis and rebuilds it knows from here which pages are the present ones, also where there are none.
        let mark = chain.keys.generation(account, generation);
        self.0.bodies.set(&mark, b"{}".to_vec()).await.map_err(closed)?;
        self.0.delete_older_pages(&chain.keys, account, generation, paged).await?;
        let lease: [Argument; 2] = [chain.keys.of("sealer").into(), self.0.sealer_token().into()];
        // What cannot be given back ends by itself.
        let _ = self.0.script(&RELEASE, 1, &lease, |fields| (*fields == ["done"]).then_some(())).await;
        Ok(())
    }
}

/// An account's own rows of the trail for a component that leaves shredding to its worker: what shreds weighs kilobytes.
#[derive(Clone)]
pub struct RedisOwnRows(RedisTrail);

impl RedisOwnRows {
    /// The rows beside these records.
    pub fn of(records: Arc<RedisRecords>) -> Self {
        Self(RedisTrail::of(records))
    }
}

#[async_trait]
impl OwnTrail for RedisOwnRows {
    async fn own_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<TrailRow>, RecordsError> {
        self.0.0.trail_chain().read_account_rows(account, from, limit).await
    }

    /// Always unavailable.
    async fn shred(&self, _: &AccountKey) -> Result<(), RecordsError> {
        Err(RecordsError::Unavailable("rows are shredded by the worker".into()))
    }
}

/// What became of an account's open rows.
struct Shredded {
    /// How often they were shredded.
    generation: u64,
    /// How many rows are in pages.
    paged: u64,
}

impl Chain<'_, TrailRow> {
    /// Takes the personal parts away from the open rows, and leaves this generation. The open rows first: what is made of
    /// them afterwards has nothing personal any more.
    async fn shred_open_rows(&self, account: &AccountKey, left: u64) -> Result<Shredded, RecordsError> {
        let records = self.records;
        let name = self.keys.generation(account, '\t');
        let (before, behind) = name.split_once('\t').unwrap_or_default();
        let arguments: [Argument; 10] = [
            self.keys.balance(account).into(),
            self.keys.account_rows(account).into(),
            self.keys.of("sealer").into(),
            records.keys.of("garbage").into(),
            records.keys.of("frozen").into(),
            records.sealer_token().into(),
            i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX).into(),
            left.to_string().into(),
            before.into(),
            behind.into(),
        ];
        let said = records.script(&SHRED, 4, &arguments, |fields| match *fields {
            ["done", generation, paged] => {
                Some(Ok(Shredded { generation: generation.parse().ok()?, paged: paged.parse().ok()? }))
            }
            ["busy"] => Some(Err("the trail is being sealed")),
            ["frozen"] => Some(Err("the data was frozen")),
            _ => None,
        });
        said.await?.map_err(|why| RecordsError::Unavailable(why.into()))
    }

    /// Writes each page of an older generation once more without what is personal; `false` where one of this generation
    /// has something personal itself.
    async fn write_anew(&self, account: &AccountKey, now: &Shredded) -> Result<bool, RecordsError> {
        for page in 0..now.paged / u64::from(PAGE_ROWS) {
            let found = self.records.newest_account_page(&self.keys, account, now.generation, page).await?;
            let Some((of, lines)) = found else { continue };
            let rows: Vec<String> = lines.iter().map(|line| TrailRow::impersonal(line).to_owned()).collect();
            if of == now.generation {
                if rows != lines {
                    return Ok(false);
                }
                continue;
            }
            let anew = serde_json::to_vec(&AccountPage::new(account.clone(), page, rows))
                .map_err(|error| RecordsError::Invalid(error.to_string()))?;
            let key = self.keys.account_page(account, now.generation, page);
            self.records.bodies.set(&key, anew).await.map_err(closed)?;
        }
        Ok(true)
    }
}
