//! Sealing: rows go into pages, and only what a page shows is dropped from Redis.
//!
//! In turn: take the lease and read what is next; write the page and read it back; one script that moves the head and
//! drops the rows. Killed after the first, the lease ends by itself. Killed after the second, the next sealer makes the
//! same page from the same rows and finds it there. The script is fenced by the number of pages that the sealer saw, so
//! a sealer that slept through its lease moves nothing; and which rows a page is made of is decided by the first script, so
//! that it writes nothing else either. Only rows that were shredded meanwhile are other rows: their pages have other names
//! ([`crate::pages`]), and the sealer deletes what it wrote under the old one.

use crate::journal::Chain;
use crate::pages;
use crate::pages::{AccountPage, ChainPage, MOST_ROWS, PAGE_ROWS, bytes_of};
use crate::scripts::{PAGED, SEAL, SEALED};
use core::time::Duration;
use records::{AccountKey, ChainRow, RecordsError, Sealed, Walk};

/// How long one sealer has for a step; harmless where it takes longer.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// What is next.
enum Next {
    Frozen,
    Busy,
    Work { pages: u64, sealed: u64, digest: String, rows: Vec<String>, account: Option<Full> },
}

/// An account whose next page is full.
struct Full {
    account: AccountKey,
    paged: u64,
    generation: u64,
    rows: Vec<String>,
}

/// What became of a page of an account.
enum Paged {
    Moved,
    Overtaken,
    /// Its rows were shredded meanwhile: how often by now, and how many are in pages.
    Shredded {
        generation: u64,
        paged: u64,
    },
}

impl<R: ChainRow> Chain<'_, R> {
    /// One step of sealing.
    pub(crate) async fn seal_step(&self) -> Result<Sealed, RecordsError> {
        let token = self.records.sealer_token();
        let arguments = [
            self.keys.of("books").into(),
            self.keys.prefix().into(),
            token.into(),
            i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX).into(),
            i64::from(PAGE_ROWS).into(),
            // One more than a page holds, so that the end of its last entry is seen.
            i64::from(MOST_ROWS + 1).into(),
            self.records.keys.of("frozen").into(),
            i64::try_from(self.records.seal_after.as_millis()).unwrap_or(i64::MAX).into(),
        ];
        let (pages, sealed, digest, rows, account) = match self.records.script(&SEAL, 1, &arguments, next).await? {
            Next::Busy => return Ok(Sealed::default()),
            Next::Frozen => {
                self.records.watch_commits(self.records.clock.now()).await?;
                return Err(RecordsError::Unavailable("the data was frozen a moment ago".into()));
            }
            Next::Work { pages, sealed, digest, rows, account } => (pages, sealed, digest, rows, account),
        };
        let rows = self.seal_page(pages, sealed, &digest, rows).await?;
        let account_rows = match account {
            Some(full) => self.page_account(full).await?,
            None => 0,
        };
        Ok(Sealed { rows, account_rows, more: rows + account_rows > 0 })
    }

    /// Writes the next page of the chain where there are rows enough, or old ones, and moves the head; tells how many rows it took.
    async fn seal_page(
        &self,
        pages: u64,
        sealed: u64,
        digest: &str,
        mut lines: Vec<String>,
    ) -> Result<u32, RecordsError> {
        let corrupt = || RecordsError::Corrupt { key: self.keys.of("journal") };
        let rows: Vec<R> = lines.iter().map(|line| R::from_line(line).ok_or_else(corrupt)).collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Ok(0);
        }
        // A sealer that died may have written this page when there were fewer rows: it is the page then.
        let written = self.chain_page(pages).await?.map(|page| page.rows).filter(|written| lines.starts_with(written));
        let written = written.map(|written| written.len()).filter(|&cut| R::ends_entry(&rows, cut));
        // Fewer than fill a page are there because they are old, and all of them.
        let cut = written.or_else(|| R::page_end(&rows, PAGE_ROWS as usize)).unwrap_or(rows.len());
        // What does not hold is not sealed over: it stays where it can be seen.
        let mut audit = R::Walk::after(sealed);
        rows.iter().take(cut).try_for_each(|row| audit.take(row)).and_then(|()| audit.end()).map_err(|_| corrupt())?;
        lines.truncate(cut);
        let previous = bytes_of(digest).ok_or_else(|| RecordsError::Corrupt { key: self.keys.of("books") })?;
        let page = ChainPage::new(pages, previous, lines);
        self.write_journal_page(&self.keys.page(pages), &page).await?;
        let arguments = [
            self.keys.of("books").into(),
            self.keys.of("journal").into(),
            self.keys.prefix().into(),
            pages.to_string().into(),
            page.digest.as_str().into(),
            audit.rows().to_string().into(),
            self.records.keys.of("frozen").into(),
        ];
        // Run twice by a lost answer it says `overtaken`: then the work is done and nobody counts it.
        let moved = self.records.script(&SEALED, 2, &arguments, |fields| match *fields {
            ["moved"] => Some(true),
            ["overtaken" | "frozen"] => Some(false),
            _ => None,
        });
        Ok(if moved.await? { u32::try_from(cut).unwrap_or(u32::MAX) } else { 0 })
    }

    /// Writes an account's next page and drops its rows; tells how many.
    async fn page_account(&self, Full { account, paged, generation, rows }: Full) -> Result<u32, RecordsError> {
        let corrupt = || RecordsError::Corrupt { key: self.keys.account_rows(&account) };
        let (page, _) = pages::place_of(paged.saturating_add(1));
        let whole = rows.len() == PAGE_ROWS as usize
            && rows.iter().zip(paged.saturating_add(1)..).all(|(line, number)| {
                R::from_line(line).is_some_and(|row| *row.account() == account && row.number() == number)
            });
        if !whole {
            return Err(corrupt());
        }
        let content = AccountPage::new(account.clone(), page, rows);
        self.write_journal_page(&self.keys.account_page(&account, generation, page), &content).await?;
        let arguments = [
            self.keys.balance(&account).into(),
            self.keys.account_rows(&account).into(),
            self.keys.prefix().into(),
            account.as_str().into(),
            paged.to_string().into(),
            i64::from(PAGE_ROWS).into(),
            self.records.keys.of("frozen").into(),
            generation.to_string().into(),
        ];
        let became = self.records.script(&PAGED, 2, &arguments, |fields| match *fields {
            ["moved"] => Some(Paged::Moved),
            ["overtaken" | "frozen"] => Some(Paged::Overtaken),
            ["shredded", generation, paged] => {
                Some(Paged::Shredded { generation: generation.parse().ok()?, paged: paged.parse().ok()? })
            }
            _ => None,
        });
        match became.await? {
            Paged::Moved => Ok(PAGE_ROWS),
            Paged::Overtaken => Ok(0),
            Paged::Shredded { generation, paged } => {
                self.records.delete_older_pages(&self.keys, &account, generation, paged).await?;
                Ok(0)
            }
        }
    }
}

/// Reads the answer of `seal.lua`.
fn next(fields: &[&str]) -> Option<Next> {
    match *fields {
        ["frozen"] => Some(Next::Frozen),
        ["busy"] => Some(Next::Busy),
        ["go", pages, sealed, digest, account, paged, generation, lines, ref rest @ ..] => {
            let (rows, of_account) = rest.split_at_checked(lines.parse().ok()?)?;
            let texts = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
            let account = match account {
                "" => None,
                name => Some(Full {
                    account: AccountKey::new(name).ok()?,
                    paged: paged.parse().ok()?,
                    generation: generation.parse().ok()?,
                    rows: texts(of_account),
                }),
            };
            Some(Next::Work {
                pages: pages.parse().ok()?,
                sealed: sealed.parse().ok()?,
                digest: digest.to_owned(),
                rows: texts(rows),
                account,
            })
        }
        _ => None,
    }
}
