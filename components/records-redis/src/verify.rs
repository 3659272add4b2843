//! Verification: walks the chain, then the open rows, then the balances where accounts have any, and reports the first thing that does not hold.
//!
//! Each row is compared with the account's own rows, and each of these with the one before it. As places and numbers
//! have no gaps, by induction every account holds exactly the rows of the chain; no state has to be carried from one
//! call to the next.

use crate::journal::{Chain, check_limit};
use crate::pages::{bytes_of, place_of};
use records::{AccountKey, Break, ChainRow, Checkpoint, Finding, MAX_PAGE, RecordsError, Verified, Walk};
use std::collections::BTreeMap;

/// How many open rows are looked at, at most: where there are more, sealing lags, and the rest is checked as pages.
const MOST_OPEN: u64 = 10_000;

/// Why a walk ends before its end.
enum Stop {
    /// Something does not hold.
    Broken(Break),
    /// A store does not answer.
    Failed(RecordsError),
}

impl From<Break> for Stop {
    fn from(found: Break) -> Self {
        Self::Broken(found)
    }
}

impl From<RecordsError> for Stop {
    fn from(error: RecordsError) -> Self {
        Self::Failed(error)
    }
}

/// Rows of accounts that were read a moment ago: a block an account, oldest first.
type Blocks<R> = BTreeMap<AccountKey, Vec<R>>;

impl<R: ChainRow> Chain<'_, R> {
    /// Checks the chain from a checkpoint.
    pub(crate) async fn check_chain(&self, from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError> {
        check_limit(pages)?;
        let mut reached = from.copied().unwrap_or(Checkpoint::START);
        let mut rows = reached.rows;
        let finding = match self.walk(&mut reached, &mut rows, pages).await {
            Ok(true) => Finding::Intact,
            Ok(false) => Finding::Unfinished(reached),
            Err(Stop::Broken(found)) => Finding::Broken(found),
            Err(Stop::Failed(error)) => return Err(error),
        };
        Ok(Verified { pages: reached.pages, rows, finding })
    }

    /// Walks pages while there is patience, then the open rows; tells whether the end was reached.
    async fn walk(&self, reached: &mut Checkpoint, rows: &mut u64, mut patience: u32) -> Result<bool, Stop> {
        let mut blocks = Blocks::<R>::new();
        loop {
            let (books, _) = self.open_rows(reached.rows, 1).await?;
            if reached.pages > books.pages {
                return Err(RecordsError::Invalid("the checkpoint lies behind the end of the chain".into()).into());
            }
            if reached.pages < books.pages {
                if patience == 0 {
                    return Ok(false);
                }
                patience -= 1;
                self.check_page(reached, &mut blocks).await?;
                *rows = reached.rows;
                continue;
            }
            let head = bytes_of(&books.digest).filter(|_| books.sealed == reached.rows);
            if head != Some(reached.digest) {
                return Err(Break::PageAltered { page: reached.pages.saturating_sub(1) }.into());
            }
            match self.check_open(*reached, rows, &mut blocks).await? {
                Open::Checked => break,
                // Rows went into a page in the meantime: they are checked there.
                Open::Sealed => {}
                Open::TooMany => return Ok(false),
            }
        }
        if R::BALANCED {
            self.check_balances().await?;
        }
        Ok(true)
    }

    /// The next page of the chain.
    async fn check_page(&self, reached: &mut Checkpoint, blocks: &mut Blocks<R>) -> Result<(), Stop> {
        let number = reached.pages;
        let page = match self.chain_page(number).await {
            Ok(page) => page.ok_or(Break::PageMissing { page: number })?,
            Err(RecordsError::Corrupt { .. }) => return Err(Break::PageAltered { page: number }.into()),
            Err(error) => return Err(error.into()),
        };
        let digest = page.digest_after(number, reached.digest).ok_or(Break::PageAltered { page: number })?;
        let mut audit = R::Walk::after(reached.rows);
        for line in &page.rows {
            self.check_line(line, &mut audit, blocks).await?;
        }
        audit.end()?;
        *reached = Checkpoint { pages: number.saturating_add(1), rows: audit.rows(), digest };
        Ok(())
    }

    /// The rows that are in no page yet.
    async fn check_open(&self, from: Checkpoint, rows: &mut u64, blocks: &mut Blocks<R>) -> Result<Open, Stop> {
        let mut audit = R::Walk::after(from.rows);
        loop {
            let (books, lines) = self.open_rows(audit.rows(), MAX_PAGE).await?;
            if books.pages != from.pages {
                return Ok(Open::Sealed);
            }
            for line in &lines {
                self.check_line(line, &mut audit, blocks).await?;
                *rows = audit.rows();
            }
            if lines.len() < MAX_PAGE as usize {
                audit.end()?;
                if audit.rows() != books.rows {
                    return Err(Break::RowOutOfOrder { seq: audit.rows().saturating_add(1) }.into());
                }
                return Ok(Open::Checked);
            }
            if audit.rows().saturating_sub(from.rows) >= MOST_OPEN {
                return Ok(Open::TooMany);
            }
        }
    }

    /// One row: in its place, and the same as the account's own.
    async fn check_line(&self, line: &str, audit: &mut R::Walk, blocks: &mut Blocks<R>) -> Result<(), Stop> {
        let seq = audit.rows().saturating_add(1);
        let row = R::from_line(line).ok_or(Break::RowUnreadable { seq })?;
        audit.take(&row)?;
        let differs = || Break::AccountDiffers { account: row.account().clone(), number: row.number() };
        let own = self.own_row(row.account(), row.number(), blocks).await?.ok_or_else(differs)?;
        if !row.is_told_by(&own) {
            return Err(differs().into());
        }
        let before = match row.number() {
            0 | 1 => None,
            number => Some(self.own_row(row.account(), number - 1, blocks).await?.ok_or_else(differs)?),
        };
        Ok(R::follows(before.as_ref(), &row)?)
    }

    /// A row as the account has it; `None` where it has none that can be read.
    async fn own_row(
        &self,
        account: &AccountKey,
        number: u64,
        blocks: &mut Blocks<R>,
    ) -> Result<Option<R>, RecordsError> {
        let find = |block: &[R]| {
            let first = block.first()?.number();
            block.get(usize::try_from(number.checked_sub(first)?).ok()?).cloned()
        };
        if let Some(row) = blocks.get(account).and_then(|block| find(block)) {
            return Ok(Some(row));
        }
        // The row before is wanted too, and those that follow soon.
        let ahead = number.saturating_add(u64::from(MAX_PAGE) - 2);
        let block = match self.read_account_rows(account, Some(ahead), MAX_PAGE).await {
            // A row that is spoilt must not hide those before it.
            Err(RecordsError::Corrupt { .. }) => self.read_account_rows(account, Some(number), 1).await,
            read => read,
        };
        let mut block = match block {
            Ok(block) => block,
            Err(RecordsError::Corrupt { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        block.reverse();
        let found = find(&block);
        blocks.insert(account.clone(), block);
        Ok(found)
    }

    /// Each balance that is kept is the one after the account's last row.
    async fn check_balances(&self) -> Result<(), Stop> {
        let mut after: Option<AccountKey> = None;
        loop {
            let accounts = self.read_accounts(after.as_ref(), MAX_PAGE).await?;
            for account in &accounts {
                // Balance and newest open row at one instant; where there is no open row, the last page has it.
                let (state, open) = match self.open_account(account, None, 1).await {
                    Err(RecordsError::Corrupt { .. }) => {
                        return Err(Break::AccountDiffers { account: account.clone(), number: 0 }.into());
                    }
                    read => read?,
                };
                let last = match open.into_iter().next() {
                    Some(row) => Some(row),
                    None if state.paged == state.rows && state.rows > 0 => {
                        let (page, place) = place_of(state.rows);
                        self.account_page_rows(account, state.generation, page).await?.into_iter().nth(place)
                    }
                    None => None,
                };
                let balance = last.as_ref().map(|row| row.after()).unwrap_or_default();
                if last.as_ref().map_or(0, |row| row.number()) != state.rows || balance != state.balance {
                    let (account, kept) = (account.clone(), state.balance);
                    return Err(Break::BalanceDiffers { account, kept, rows: balance }.into());
                }
            }
            match accounts.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }
}

/// How the walk over open rows ended.
enum Open {
    Checked,
    Sealed,
    TooMany,
}
