//! The chains of the double: everything stays where it was posted, so sealing has nothing to do, and the check has no
//! digests to compare.

use crate::MemoryRecords;
use crate::state::State;
use ambient::Timestamp;
use async_trait::async_trait;
use records::{
    AccountKey, Break, ChainRow, Checkpoint, Finding, Journal, LedgerRow, MAX_PAGE, Note, Notes, OwnTrail,
    RecordsError, Sealed, Trail, TrailRow, Verified, Walk,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

fn check_limit(limit: u32) -> Result<usize, RecordsError> {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit as usize);
    }
    Err(RecordsError::Invalid(format!("a page has 1 to {MAX_PAGE} entries")))
}

/// The first thing that does not hold.
fn check<R: ChainRow>(rows: &[R]) -> Result<(), Break> {
    let mut walk = R::Walk::after(0);
    let mut last: BTreeMap<&AccountKey, &R> = BTreeMap::new();
    for row in rows {
        walk.take(row)?;
        R::follows(last.insert(row.account(), row), row)?;
    }
    walk.end()
}

fn verified<R: ChainRow>(rows: &[R], from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError> {
    check_limit(pages)?;
    if from.is_some_and(|from| from.pages > 0) {
        return Err(RecordsError::Invalid("the checkpoint lies behind the end of the chain".into()));
    }
    let finding = check(rows).map_or_else(Finding::Broken, |()| Finding::Intact);
    Ok(Verified { pages: 0, rows: rows.len() as u64, finding })
}

fn after<R: ChainRow>(rows: &[R], after: u64, limit: u32) -> Result<Vec<R>, RecordsError> {
    let limit = check_limit(limit)?;
    Ok(rows.iter().filter(|row| row.seq() > after).take(limit).cloned().collect())
}

fn names<R: ChainRow>(rows: &[R], after: Option<&AccountKey>, limit: u32) -> Result<Vec<AccountKey>, RecordsError> {
    let limit = check_limit(limit)?;
    let all: BTreeSet<_> = rows.iter().map(ChainRow::account).collect();
    Ok(all.into_iter().filter(|&name| after.is_none_or(|after| name > after)).take(limit).cloned().collect())
}

fn own<R: ChainRow>(rows: &[R], account: &AccountKey, from: Option<u64>, limit: u32) -> Result<Vec<R>, RecordsError> {
    let limit = check_limit(limit)?;
    let own = rows.iter().rev().filter(|row| row.account() == account);
    Ok(own.filter(|row| from.is_none_or(|from| row.number() <= from)).take(limit).cloned().collect())
}

fn at<R: ChainRow>(rows: &[R], account: &AccountKey, at: Timestamp) -> Option<R> {
    rows.iter().rev().find(|row| row.account() == account && row.at() <= at).cloned()
}

macro_rules! chain {
    ($of:ty, $row:ty, $rows:ident, $store:tt) => {
        #[async_trait]
        impl Journal<$row> for $of {
            async fn length(&self) -> Result<u64, RecordsError> {
                Ok(self.$store().$rows.len() as u64)
            }

            async fn rows(&self, place: u64, limit: u32) -> Result<Vec<$row>, RecordsError> {
                after(&self.$store().$rows, place, limit)
            }

            async fn accounts(&self, after: Option<&AccountKey>, limit: u32) -> Result<Vec<AccountKey>, RecordsError> {
                names(&self.$store().$rows, after, limit)
            }

            async fn account_rows(
                &self,
                account: &AccountKey,
                from: Option<u64>,
                limit: u32,
            ) -> Result<Vec<$row>, RecordsError> {
                own(&self.$store().$rows, account, from, limit)
            }

            async fn account_row_at(
                &self,
                account: &AccountKey,
                moment: Timestamp,
            ) -> Result<Option<$row>, RecordsError> {
                Ok(at(&self.$store().$rows, account, moment))
            }

            async fn seal(&self) -> Result<Sealed, RecordsError> {
                self.$store().alive()?;
                Ok(Sealed::default())
            }

            async fn verify(&self, from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError> {
                verified(&self.$store().$rows, from, pages)
            }
        }
    };
}

chain!(MemoryRecords, LedgerRow, ledger, state);
chain!(MemoryTrail, TrailRow, trail, state);

/// The audit trail of these records, shared with them.
#[derive(Clone)]
pub struct MemoryTrail(MemoryRecords);

impl MemoryTrail {
    /// The trail beside these records.
    pub const fn of(records: MemoryRecords) -> Self {
        Self(records)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state()
    }
}

impl Trail for MemoryTrail {}

#[async_trait]
impl OwnTrail for MemoryTrail {
    async fn own_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<TrailRow>, RecordsError> {
        own(&self.state().trail, account, from, limit)
    }

    async fn shred(&self, account: &AccountKey) -> Result<(), RecordsError> {
        self.state().trail.iter_mut().filter(|row| row.account == *account).for_each(|row| row.personal = None);
        Ok(())
    }
}

#[async_trait]
impl Notes for MemoryRecords {
    async fn note(&self, note: Note) -> Result<bool, RecordsError> {
        note.entry.check_limits()?;
        let (mut state, now) = (self.state(), self.clock.now());
        state.alive()?;
        if state.noted.get(&note.same).is_some_and(|until| now < *until) {
            return Ok(false);
        }
        state.noted.insert(note.same, now.plus(note.window));
        state.append_trail(vec![note.entry], now);
        Ok(true)
    }
}
