//! The rows of both chains: from pages, which prove themselves, then from what Redis still had behind them.

use super::{AT_ONCE, LATENESS, Mode, Phase, Rebuild};
use crate::closed;
use crate::journal::Chain;
use crate::keys::Keys;
use crate::pages::{bytes_of, hex};
use crate::scripts::ROWS_BACK;
use records::{AccountKey, ChainRow, LedgerRow, RecordsError, TrailRow};
use redis_client::{Argument, Reply};

/// How many open rows are read at once.
const OPEN_AT_ONCE: u64 = 100;

/// What a row says beyond what all rows say.
trait Telling: ChainRow {
    /// By what the change that wrote it is recognised.
    fn evidence(&self) -> String;
    /// Currency and amount, where it moved money.
    fn money(&self) -> Option<(&str, i64)>;
}

impl Telling for LedgerRow {
    fn evidence(&self) -> String {
        self.body.to_string()
    }

    fn money(&self) -> Option<(&str, i64)> {
        Some((&self.currency, self.posted_minor))
    }
}

impl Telling for TrailRow {
    fn evidence(&self) -> String {
        format!("{} {} {}", self.account, self.digest, self.text)
    }

    fn money(&self) -> Option<(&str, i64)> {
        None
    }
}

impl Rebuild<'_> {
    /// One step of a chain: where it ends, one of its pages, or some of the rows behind them.
    pub(super) async fn rows_back(&mut self, which: usize) -> Result<(), RecordsError> {
        let is_done = if which == 0 {
            let chain = self.records.journal();
            self.chain_step(&chain, 0, "journal", self.target.clone(), self.old.clone()).await?
        } else {
            let chain = self.records.trail_chain();
            self.chain_step(&chain, 1, "trail", self.target.of_trail(), self.old.of_trail()).await?
        };
        if is_done {
            self.report.turn_to(if which == 0 { Phase::Trail } else { Phase::Told });
        }
        Ok(())
    }

    async fn chain_step<R: Telling>(
        &mut self,
        chain: &Chain<'_, R>,
        which: usize,
        name: &'static str,
        target: Keys,
        old: Keys,
    ) -> Result<bool, RecordsError> {
        let pages = self.report.chain_pages.get(which).copied().unwrap_or(0);
        if self.report.cursor.is_empty() {
            self.find_end(chain, which, name, &old, pages).await?;
            self.report.cursor = "pages".to_owned();
            return Ok(false);
        }
        let since_ms = self.noted_since(which);
        if self.report.next < pages {
            let number = self.report.next;
            let corrupt = || RecordsError::Corrupt { key: chain.keys.page(number) };
            let digest = self.command("HGET", vec![target.of("books").into(), "digest".into()]).await?;
            let previous = match digest.first() {
                Some(Reply::Bytes(bytes)) if number > 0 => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            };
            let page = chain.chain_page(number).await?.ok_or_else(corrupt)?;
            let previous = bytes_of(&previous).ok_or_else(corrupt)?;
            // The step before may have been taken without being remembered: then the head is this page already.
            let digest = match page.digest_after(number, previous) {
                Some(digest) => hex(&digest),
                None if page.digest == hex(&previous) => page.digest.clone(),
                None => return Err(corrupt()),
            };
            let rows: Vec<R> =
                page.rows.iter().map(|line| R::from_line(line).ok_or_else(corrupt)).collect::<Result<_, _>>()?;
            self.put_rows(&rows, name, &target, &old, false, since_ms).await?;
            let sealed = rows.last().map_or(0, |row| row.seq());
            let head = vec![
                target.of("books").into(),
                "pages".into(),
                number.saturating_add(1).to_string().into(),
                "sealed".into(),
                sealed.to_string().into(),
                "digest".into(),
                digest.into(),
            ];
            self.command("HSET", head).await?;
            self.count_rows(which, rows.len());
            self.report.next = number.saturating_add(1);
            return Ok(false);
        }
        let (end, _) = self.report.chain_ends.get(which).copied().unwrap_or_default();
        let done = self.count_of(&target).await?;
        if done >= end {
            return Ok(true);
        }
        let lines = self.old_rows(&old, done, OPEN_AT_ONCE).await?;
        let rows: Vec<R> = lines
            .iter()
            .filter_map(|line| R::from_line(line))
            .zip(done.saturating_add(1)..=end)
            .take_while(|(row, seq)| row.seq() == *seq)
            .map(|(row, _)| row)
            .collect();
        if rows.is_empty() {
            return Ok(true);
        }
        self.put_rows(&rows, name, &target, &old, true, since_ms).await?;
        self.count_rows(which, rows.len());
        Ok(false)
    }

    fn count_rows(&mut self, which: usize, rows: usize) {
        let counter = if which == 0 { &mut self.report.journal_rows } else { &mut self.report.trail_rows };
        *counter = counter.saturating_add(rows as u64);
    }

    /// From which moment on rows of the trail may be looked for by a change.
    fn noted_since(&self, which: usize) -> i64 {
        let (_, end_ms) = self.report.chain_ends.get(which).copied().unwrap_or_default();
        end_ms.saturating_sub(2 * i64::try_from(LATENESS.as_millis()).unwrap_or(0))
    }

    /// How many rows are put back.
    async fn count_of(&self, target: &Keys) -> Result<u64, RecordsError> {
        match self.command("HGET", vec![target.of("books").into(), "rows".into()]).await?.first() {
            Some(Reply::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes).parse().unwrap_or(0)),
            _ => Ok(0),
        }
    }

    /// Where the certain rows end: those in pages, and behind them what Redis had, as long as it has no gap. Then which
    /// pages of accounts hold nothing beyond that.
    async fn find_end<R: Telling>(
        &mut self,
        chain: &Chain<'_, R>,
        which: usize,
        name: &str,
        old: &Keys,
        pages: u64,
    ) -> Result<(), RecordsError> {
        let (mut end, mut end_ms) = (0, 0);
        if let Some(last) = pages.checked_sub(1)
            && let Some(row) = chain.chain_rows(last).await?.last()
        {
            (end, end_ms) = (row.seq(), row.at().unix_ms());
        }
        loop {
            let lines = self.old_rows(old, end, OPEN_AT_ONCE).await?;
            let before = end;
            for row in lines.iter().filter_map(|line| R::from_line(line)) {
                if row.seq() != end.saturating_add(1) {
                    break;
                }
                (end, end_ms) = (row.seq(), row.at().unix_ms());
            }
            if end == before {
                break;
            }
        }
        if let Some(place) = self.report.chain_ends.get_mut(which) {
            *place = (end, end_ms);
        }
        let found = self.command("HGETALL", vec![self.scratch.of(&format!("pages:{name}")).into()]).await?;
        let texts: Vec<String> = found
            .iter()
            .map(|reply| match reply {
                Reply::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Reply::Status(text) => text.clone(),
                Reply::Integer(number) => number.to_string(),
                Reply::Nil => String::new(),
            })
            .collect();
        let (pairs, _) = texts.as_chunks::<2>();
        for [account, counted] in pairs {
            let Ok(key) = AccountKey::new(account.as_str()) else { continue };
            let mut counted: u64 = counted.parse().unwrap_or(0);
            while let Some(page) = counted.checked_sub(1) {
                let rows = chain.account_page_rows(&key, page).await?;
                if rows.last().is_some_and(|row| row.seq() <= end) {
                    break;
                }
                // Its rows were open in the chain and are lost: they are posted again from bodies, and the page is written anew.
                self.report
                    .problem(format!("page {page} of {account} in the {name} runs ahead of the chain: written anew"));
                if self.report.mode == Mode::Real {
                    self.records.bodies.delete(&chain.keys.account_page(&key, page)).await.map_err(closed)?;
                }
                counted = page;
            }
            let rows = counted.saturating_mul(u64::from(crate::pages::PAGE_ROWS));
            let fields = vec![
                self.scratch.of(&format!("paged:{name}")).into(),
                account.as_str().into(),
                rows.to_string().into(),
            ];
            self.command("HSET", fields).await?;
        }
        Ok(())
    }

    /// Lines that Redis had behind a place.
    async fn old_rows(&self, old: &Keys, after: u64, limit: u64) -> Result<Vec<String>, RecordsError> {
        let arguments = vec![
            old.of("journal").into(),
            format!("({after}-0").into(),
            "+".into(),
            "COUNT".into(),
            limit.to_string().into(),
        ];
        // Each entry is its id, a field and the line; nested answers arrive flattened.
        let replies = self.command("XRANGE", arguments).await?;
        let (entries, _) = replies.as_chunks::<3>();
        let line = |[_, _, line]: &[Reply; 3]| match line {
            Reply::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        };
        Ok(entries.iter().map_while(line).collect())
    }

    async fn put_rows<R: Telling>(
        &self,
        rows: &[R],
        name: &str,
        target: &Keys,
        old: &Keys,
        is_open: bool,
        since_ms: i64,
    ) -> Result<(), RecordsError> {
        for part in rows.chunks(AT_ONCE) {
            let mut arguments: Vec<Argument> = vec![
                target.of("books").into(),
                target.prefix().into(),
                old.prefix().into(),
                self.scratch.prefix().into(),
                name.into(),
                if is_open { "1" } else { "" }.into(),
                since_ms.to_string().into(),
            ];
            for row in part {
                let (currency, amount) = row.money().unwrap_or(("", 0));
                let line = row.line();
                arguments.extend([
                    row.seq().to_string().into(),
                    row.at().unix_ms().to_string().into(),
                    row.account().as_str().into(),
                    row.number().to_string().into(),
                    row.evidence().into(),
                    currency.into(),
                    amount.to_string().into(),
                    row.after().posted_minor.to_string().into(),
                    row.after().held_minor.to_string().into(),
                    R::impersonal(&line).into(),
                ]);
            }
            self.records.script(&ROWS_BACK, 1, &arguments, |fields| (*fields == ["done"]).then_some(())).await?;
        }
        Ok(())
    }
}
