//! A chain as it is read: open rows from Redis, sealed ones from pages, without a seam.

use crate::RedisRecords;
use crate::keys::Keys;
use crate::pages::{MOST_ROWS, PAGE_ROWS, place_of};
use crate::scripts::{ACCOUNT, ACCOUNT_AT, ACCOUNTS, ROWS};
use ambient::Timestamp;
use core::marker::PhantomData;
use records::{AccountKey, Balance, ChainRow, LedgerRow, MAX_PAGE, RecordsError, TrailRow};

/// One chain of these records: the journal of their ledger, or their audit trail.
pub(crate) struct Chain<'a, R> {
    pub(crate) records: &'a RedisRecords,
    /// The chain's own keys.
    pub(crate) keys: Keys,
    rows: PhantomData<fn() -> R>,
}

impl RedisRecords {
    /// The journal of the ledger.
    pub(crate) fn journal(&self) -> Chain<'_, LedgerRow> {
        Chain { records: self, keys: self.keys.clone(), rows: PhantomData }
    }

    /// The audit trail.
    pub(crate) fn trail_chain(&self) -> Chain<'_, TrailRow> {
        Chain { records: self, keys: self.keys.of_trail(), rows: PhantomData }
    }
}

/// What is known of a chain as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Books {
    /// How many rows there are.
    pub(crate) rows: u64,
    /// How many pages.
    pub(crate) pages: u64,
    /// How many rows are in them.
    pub(crate) sealed: u64,
    /// The digest of the last page in hexadecimal, empty before the first.
    pub(crate) digest: String,
}

/// What is known of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// How many rows there are.
    pub(crate) rows: u64,
    /// How many of them are in pages.
    pub(crate) paged: u64,
    /// How often they were shredded.
    pub(crate) generation: u64,
    /// The balance that is kept.
    pub(crate) balance: Balance,
}

/// Refuses pages that no caller may ask for.
pub(crate) fn check_limit(limit: u32) -> Result<(), RecordsError> {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(());
    }
    Err(RecordsError::Invalid(format!("a page has 1 to {MAX_PAGE} entries")))
}

impl<R: ChainRow> Chain<'_, R> {
    /// The chain as a whole, and open rows after a place.
    pub(crate) async fn open_rows(&self, after: u64, limit: u32) -> Result<(Books, Vec<String>), RecordsError> {
        let arguments = [
            self.keys.of("books").into(),
            self.keys.of("journal").into(),
            after.to_string().into(),
            i64::from(limit).into(),
        ];
        self.records
            .script(&ROWS, 2, &arguments, |fields| {
                let ([rows, pages, sealed, digest], lines) = fields.split_first_chunk()?;
                let books = Books {
                    rows: rows.parse().ok()?,
                    pages: pages.parse().ok()?,
                    sealed: sealed.parse().ok()?,
                    digest: (*digest).to_owned(),
                };
                Some((books, lines.iter().map(|&line| line.to_owned()).collect()))
            })
            .await
    }

    /// An account, and its open rows from a number downwards.
    pub(crate) async fn open_account(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<(Account, Vec<R>), RecordsError> {
        let from = from.map_or_else(|| "+".to_owned(), |number| number.to_string());
        let key = self.keys.account_rows(account);
        let arguments = [self.keys.balance(account).into(), key.as_str().into(), from.into(), i64::from(limit).into()];
        let (account, lines) = self
            .records
            .script(&ACCOUNT, 2, &arguments, |fields| {
                let ([rows, paged, generation, posted, held], lines) = fields.split_first_chunk()?;
                let balance = Balance { posted_minor: posted.parse().ok()?, held_minor: held.parse().ok()? };
                let (rows, paged) = (rows.parse().ok()?, paged.parse().ok()?);
                let account = Account { rows, paged, generation: generation.parse().ok()?, balance };
                Some((account, lines.iter().map(|line| R::from_line(line)).collect::<Option<Vec<_>>>()))
            })
            .await?;
        Ok((account, lines.ok_or(RecordsError::Corrupt { key })?))
    }

    /// How many rows there are.
    pub(crate) async fn count_rows(&self) -> Result<u64, RecordsError> {
        Ok(self.open_rows(0, 1).await?.0.rows)
    }

    /// Rows in the order of posting.
    pub(crate) async fn read_rows(&self, after: u64, limit: u32) -> Result<Vec<R>, RecordsError> {
        check_limit(limit)?;
        let (books, open) = self.open_rows(after, limit).await?;
        let (mut rows, mut last, most) = (Vec::new(), after, limit as usize);
        let mut take = |row: R, key: String| -> Result<bool, RecordsError> {
            if row.seq() <= last || rows.len() == most {
                return Ok(rows.len() < most);
            }
            if row.seq() != last.saturating_add(1) {
                return Err(RecordsError::Corrupt { key });
            }
            last = row.seq();
            rows.push(row);
            Ok(true)
        };
        if after < books.sealed {
            let first = self.page_of(after.saturating_add(1), books.pages).await?;
            'pages: for page in first..books.pages {
                for row in self.chain_rows(page).await? {
                    if !take(row, self.keys.page(page))? {
                        break 'pages;
                    }
                }
            }
        }
        for line in open {
            let key = self.keys.of("journal");
            let row = R::from_line(&line).ok_or_else(|| RecordsError::Corrupt { key: key.clone() })?;
            take(row, key)?;
        }
        Ok(rows)
    }

    /// The page of the chain on which a sealed row lies. Full pages differ in length by half at most, pages that were sealed
    /// for their age are shorter: the logarithm of the pages is looked at.
    async fn page_of(&self, seq: u64, pages: u64) -> Result<u64, RecordsError> {
        let before = seq.saturating_sub(1);
        let mut low = before / u64::from(MOST_ROWS);
        // A page has a row at least.
        let mut high = before.min(pages.saturating_sub(1));
        while low < high {
            let middle = low.midpoint(high).saturating_add(1).min(high);
            let first = self.chain_rows(middle).await?.first().map(|row| row.seq());
            if first.is_some_and(|first| first <= seq) { low = middle } else { high = middle.saturating_sub(1) }
        }
        Ok(low)
    }

    /// Rows of an account, newest first.
    pub(crate) async fn read_account_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<R>, RecordsError> {
        check_limit(limit)?;
        let (Account { rows: newest, paged, generation, .. }, mut rows) =
            self.open_account(account, from, limit).await?;
        let mut next = from.map_or(newest, |from| from.min(newest));
        let missing = || RecordsError::Corrupt { key: self.keys.account_rows(account) };
        for row in &rows {
            if row.number() != next || *row.account() != *account {
                return Err(missing());
            }
            next = next.saturating_sub(1);
        }
        while rows.len() < limit as usize && next > 0 {
            if next > paged {
                return Err(missing());
            }
            let (page, place) = place_of(next);
            let older = self.account_page_rows(account, generation, page).await?;
            let wanted = limit as usize - rows.len();
            rows.extend(older.into_iter().take(place + 1).rev().take(wanted));
            next = rows.last().map_or(0, |row| row.number().saturating_sub(1));
        }
        Ok(rows)
    }

    /// The last row of an account at a moment.
    pub(crate) async fn read_account_row_at(
        &self,
        account: &AccountKey,
        at: Timestamp,
    ) -> Result<Option<R>, RecordsError> {
        let key = self.keys.account_rows(account);
        let arguments = [self.keys.balance(account).into(), key.as_str().into(), at.unix_ms().into()];
        let (paged, generation, line) = self
            .records
            .script(&ACCOUNT_AT, 2, &arguments, |fields| {
                let ([paged, generation], line) = fields.split_first_chunk()?;
                let line = line.first().map(|&line| line.to_owned());
                Some((paged.parse::<u64>().ok()?, generation.parse::<u64>().ok()?, line))
            })
            .await?;
        if let Some(line) = line {
            return R::from_line(&line).map(Some).ok_or(RecordsError::Corrupt { key });
        }
        // The last page that begins in time; everything above `high` begins too late.
        let (mut low, mut high) = (0, paged / u64::from(PAGE_ROWS));
        let mut found = None;
        while low < high {
            let middle = low.midpoint(high);
            let rows = self.account_page_rows(account, generation, middle).await?;
            if rows.first().is_some_and(|row| row.at() <= at) {
                found = rows.into_iter().rev().find(|row| row.at() <= at);
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok(found)
    }

    /// Names of accounts.
    pub(crate) async fn read_accounts(
        &self,
        after: Option<&AccountKey>,
        limit: u32,
    ) -> Result<Vec<AccountKey>, RecordsError> {
        check_limit(limit)?;
        let after = after.map(AccountKey::as_str).unwrap_or_default();
        let arguments = [self.keys.of("accounts").into(), after.into(), i64::from(limit).into()];
        self.records
            .script(&ACCOUNTS, 1, &arguments, |names| names.iter().map(|&name| AccountKey::new(name).ok()).collect())
            .await
    }
}
