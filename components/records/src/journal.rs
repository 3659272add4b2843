//! Port: a chain as it can be read, whether its rows are sealed or not, and what seals and checks it: the journal of a
//! ledger, or the audit trail.
//!
//! Appending is part of a commit (see [`crate::Records`]). What lives here only reads, except for sealing, which moves
//! rows to another place without changing what anybody reads.

use crate::{AccountKey, Balance, ChainRow, LedgerRow, RecordsError};
use ambient::Timestamp;
use async_trait::async_trait;
use core::fmt;
use core::str::FromStr;

/// The journal of one context in one partition; of these rows.
#[async_trait]
pub trait Journal<R: ChainRow = LedgerRow>: Send + Sync {
    /// How many rows there are.
    async fn length(&self) -> Result<u64, RecordsError>;

    /// Rows in the order of posting, after the place `after` (0: from the first), at most `limit` (1 to 100).
    async fn rows(&self, after: u64, limit: u32) -> Result<Vec<R>, RecordsError>;

    /// The accounts that were ever posted to, by name, after `after`; at most `limit` (1 to 100).
    async fn accounts(&self, after: Option<&AccountKey>, limit: u32) -> Result<Vec<AccountKey>, RecordsError>;

    /// Rows of one account, newest first, from the row number `from` downwards (from the newest where none is given),
    /// at most `limit` (1 to 100). Costs the same however many rows the account has.
    async fn account_rows(&self, account: &AccountKey, from: Option<u64>, limit: u32) -> Result<Vec<R>, RecordsError>;

    /// The last row of an account that was posted at this moment or before; `None` where there was none yet. The
    /// balance after it is the balance at that moment. Costs the logarithm of the rows.
    async fn account_row_at(&self, account: &AccountKey, at: Timestamp) -> Result<Option<R>, RecordsError>;

    /// One step of sealing: at most one page of the chain and one page of an account. Safe to run twice, at once, and
    /// to kill anywhere.
    async fn seal(&self) -> Result<Sealed, RecordsError>;

    /// Checks the chain from a checkpoint (from the beginning where none is given), at most `pages` pages (1 to 100)
    /// and then the open rows: digests, order, sums, and that each account tells the same.
    async fn verify(&self, from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError>;
}

/// No journal, for a function that only posts: it is not granted the reading and sealing of what it wrote, and does not
/// carry their code. Everything answers [`RecordsError::Unavailable`].
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl NoJournal {
    fn refuse<T>() -> Result<T, RecordsError> {
        Err(RecordsError::Unavailable("this function has no journal".to_owned()))
    }
}

#[async_trait]
impl Journal for NoJournal {
    async fn length(&self) -> Result<u64, RecordsError> {
        Self::refuse()
    }

    async fn rows(&self, _after: u64, _limit: u32) -> Result<Vec<LedgerRow>, RecordsError> {
        Self::refuse()
    }

    async fn accounts(&self, _after: Option<&AccountKey>, _limit: u32) -> Result<Vec<AccountKey>, RecordsError> {
        Self::refuse()
    }

    async fn account_rows(
        &self,
        _account: &AccountKey,
        _from: Option<u64>,
        _limit: u32,
    ) -> Result<Vec<LedgerRow>, RecordsError> {
        Self::refuse()
    }

    async fn account_row_at(&self, _account: &AccountKey, _at: Timestamp) -> Result<Option<LedgerRow>, RecordsError> {
        Self::refuse()
    }

    async fn seal(&self) -> Result<Sealed, RecordsError> {
        Self::refuse()
    }

    async fn verify(&self, _from: Option<&Checkpoint>, _pages: u32) -> Result<Verified, RecordsError> {
        Self::refuse()
    }
}

/// What a step of sealing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sealed {
    /// Rows that went into a page of the chain.
    pub rows: u32,
    /// Rows that went into a page of an account.
    pub account_rows: u32,
    /// Whether there is more to do now.
    pub more: bool,
}

/// Where a check goes on.
///
/// **Shape** `<pages checked>.<rows checked>.<digest of the last page in hexadecimal>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many pages were checked.
    pub pages: u64,
    /// How many rows were checked: also the place of the last one.
    pub rows: u64,
    /// What the next page must name as its predecessor.
    pub digest: [u8; 32],
}

impl Checkpoint {
    /// The beginning of the chain.
    pub const START: Self = Self { pages: 0, rows: 0, digest: [0; 32] };
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.", self.pages, self.rows)?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a checkpoint is one that a check before has named")]
pub struct InvalidCheckpoint;

impl FromStr for Checkpoint {
    type Err = InvalidCheckpoint;
    fn from_str(text: &str) -> Result<Self, InvalidCheckpoint> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(InvalidCheckpoint);
        let (pages, rows, hex) = (part()?, part()?, part()?);
        if hex.len() != 64 || part().is_ok() {
            return Err(InvalidCheckpoint);
        }
        let mut digest = [0; 32];
        for (place, byte) in digest.iter_mut().enumerate() {
            let pair = hex.get(2 * place..2 * place + 2).ok_or(InvalidCheckpoint)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidCheckpoint)?;
        }
        let number = |text: &str| text.parse().map_err(|_| InvalidCheckpoint);
        Ok(Self { pages: number(pages)?, rows: number(rows)?, digest })
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Pages checked since the beginning.
    pub pages: u64,
    /// Rows checked since the beginning.
    pub rows: u64,
    /// The outcome.
    pub finding: Finding,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Everything up to the newest row holds.
    Intact,
    /// What was checked holds; there is more.
    Unfinished(Checkpoint),
    /// The first thing that does not hold.
    Broken(Break),
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// A page that the chain counts is not there.
    #[error("page {page} of the chain is missing")]
    PageMissing {
        /// Which, from 0.
        page: u64,
    },
    /// A page is not what its digest says, or does not follow the page before.
    #[error("page {page} of the chain was altered")]
    PageAltered {
        /// Which, from 0.
        page: u64,
    },
    /// A row cannot be read.
    #[error("row {seq} cannot be read")]
    RowUnreadable {
        /// The place where it should be.
        seq: u64,
    },
    /// A row is missing, or stands somewhere else.
    #[error("row {seq} is missing or out of order")]
    RowOutOfOrder {
        /// The place that is empty.
        seq: u64,
    },
    /// The legs of an entry do not sum to zero.
    #[error("the entry at row {entry} does not balance")]
    EntryUnbalanced {
        /// The place of its first row.
        entry: u64,
    },
    /// A row of the chain and the account's own rows tell different things.
    #[error("row {number} of account {account} is not what the chain says")]
    AccountDiffers {
        /// Which account.
        account: AccountKey,
        /// The account's row.
        number: u64,
    },
    /// The balance after a row is not the one before it and what the row adds.
    #[error("row {number} of account {account} does not follow from the row before")]
    BalanceDoesNotFollow {
        /// Which account.
        account: AccountKey,
        /// The account's row.
        number: u64,
    },
    /// The balance that is kept is not the one after the account's last row.
    #[error("the balance of account {account} is kept as {kept:?}, its rows say {rows:?}")]
    BalanceDiffers {
        /// Which account.
        account: AccountKey,
        /// What is kept.
        kept: Balance,
        /// What the last row says.
        rows: Balance,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_and_nothing_else_is_one() {
        let checkpoint = Checkpoint { pages: 3, rows: 400, digest: [0xab; 32] };
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
        for other in ["", "1.2", "1.2.ab", &format!("{checkpoint}.1"), &format!("x{checkpoint}"), "1.2.ü"] {
            assert_eq!(other.parse::<Checkpoint>(), Err(InvalidCheckpoint), "{other}");
        }
    }
}
