//! The audit trail: what is noted without a change, what is read and sealed by the code of every chain, and what an
//! erasure takes away.

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
        // The open rows first: what is made of them afterwards has nothing personal any more.
        let arguments: [Argument; 6] = [
            chain.keys.balance(account).into(),
            chain.keys.account_rows(account).into(),
            chain.keys.of("sealer").into(),
            self.0.keys.of("frozen").into(),
            self.0.sealer_token().into(),
            i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX).into(),
        ];
        let paged = self.0.script(&SHRED, 3, &arguments, |fields| match *fields {
            ["done", paged] => Some(Ok(paged.parse::<u64>().ok()?)),
            ["busy"] => Some(Err("the trail is being sealed")),
            ["frozen"] => Some(Err("the data was frozen")),
            _ => None,
        });
        let paged = paged.await?.map_err(|why| RecordsError::Unavailable(why.into()))?;
        // One more than are counted: its writer may have died before it dropped the rows.
        for page in 0..=paged / u64::from(PAGE_ROWS) {
            let key = chain.keys.account_page(account, page);
            let Some(before) = chain.read_journal_page::<AccountPage>(&key).await? else { continue };
            let rows: Vec<String> = before.rows.iter().map(|row| TrailRow::impersonal(row).to_owned()).collect();
            if rows != before.rows {
                let after = serde_json::to_vec(&AccountPage::new(account.clone(), page, rows))
                    .map_err(|error| RecordsError::Invalid(error.to_string()))?;
                self.0.bodies.set(&key, after).await.map_err(closed)?;
            }
        }
        let lease: [Argument; 2] = [chain.keys.of("sealer").into(), self.0.sealer_token().into()];
        // What cannot be given back ends by itself.
        let _ = self.0.script(&RELEASE, 1, &lease, |fields| (*fields == ["done"]).then_some(())).await;
        Ok(())
    }
}
