//! The journal of the double: everything stays where it was posted, so sealing has nothing to do, and the check has no
//! digests to compare.

use crate::MemoryRecords;
use ambient::Timestamp;
use async_trait::async_trait;
use records::{
    AccountKey, Audit, Break, Checkpoint, Finding, Journal, LedgerRow, MAX_PAGE, RecordsError, Sealed, Verified,
    follows,
};
use std::collections::BTreeMap;

fn check_limit(limit: u32) -> Result<usize, RecordsError> {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit as usize);
    }
    Err(RecordsError::Invalid(format!("a page has 1 to {MAX_PAGE} entries")))
}

/// The first thing that does not hold.
fn check(rows: &[LedgerRow]) -> Result<(), Break> {
    let mut audit = Audit::after(0);
    let mut last: BTreeMap<&AccountKey, &LedgerRow> = BTreeMap::new();
    for row in rows {
        audit.take(row)?;
        follows(last.insert(&row.account, row), row)?;
    }
    audit.end()
}

#[async_trait]
impl Journal for MemoryRecords {
    async fn rows(&self, after: u64, limit: u32) -> Result<Vec<LedgerRow>, RecordsError> {
        let limit = check_limit(limit)?;
        Ok(self.state().ledger.iter().filter(|row| row.seq > after).take(limit).cloned().collect())
    }

    async fn accounts(&self, after: Option<&AccountKey>, limit: u32) -> Result<Vec<AccountKey>, RecordsError> {
        let limit = check_limit(limit)?;
        let state = self.state();
        let later = state.accounts.keys().filter(|name| after.is_none_or(|after| *name > after));
        Ok(later.take(limit).cloned().collect())
    }

    async fn account_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, RecordsError> {
        let limit = check_limit(limit)?;
        let state = self.state();
        let own = state.ledger.iter().rev().filter(|row| row.account == *account);
        Ok(own.filter(|row| from.is_none_or(|from| row.number <= from)).take(limit).cloned().collect())
    }

    async fn account_row_at(&self, account: &AccountKey, at: Timestamp) -> Result<Option<LedgerRow>, RecordsError> {
        let state = self.state();
        Ok(state.ledger.iter().rev().find(|row| row.account == *account && row.at <= at).cloned())
    }

    async fn seal(&self) -> Result<Sealed, RecordsError> {
        self.state().alive()?;
        Ok(Sealed::default())
    }

    async fn verify(&self, from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError> {
        check_limit(pages)?;
        if from.is_some_and(|from| from.pages > 0) {
            return Err(RecordsError::Invalid("the checkpoint lies behind the end of the chain".into()));
        }
        let state = self.state();
        let finding = check(&state.ledger).map_or_else(Finding::Broken, |()| Finding::Intact);
        Ok(Verified { pages: 0, rows: state.ledger.len() as u64, finding })
    }
}
