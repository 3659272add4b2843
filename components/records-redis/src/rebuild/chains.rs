//! The rows of both chains: from pages, which prove themselves, then from what Redis still had behind them.

use super::{AT_ONCE, LATENESS, Mode, Phase, Rebuild};
use crate::closed;
use crate::keys::Keys;
use crate::pages::{ChainPage, bytes_of, hex};
use crate::scripts::ROWS_BACK;
use records::{AccountKey, Balance, ChainRow, LedgerRow, RecordsError, TrailRow};
use redis_client::{Argument, Reply};

/// How many open rows are read at once.
const OPEN_AT_ONCE: u64 = 100;

/// A row of either chain, as far as it matters where it is put.
struct Row {
    seq: u64,
    at_ms: i64,
    account: String,
    number: u64,
    /// By what the change that wrote it is recognised.
    evidence: String,
    /// Currency and amount, where it moved money.
    money: Option<(String, i64)>,
    after: Balance,
    /// Without what is personal.
    line: String,
}

impl Row {
    /// Reads a row of the journal.
    fn of_journal(line: &str) -> Option<Self> {
        let row = LedgerRow::from_line(line)?;
        let evidence = row.body.to_string();
        let money = Some((row.currency.clone(), row.posted_minor));
        Some(Self::of(&row, evidence, money, line))
    }

    /// Reads a row of the trail.
    fn of_trail(line: &str) -> Option<Self> {
        let row = TrailRow::from_line(line)?;
        let evidence = format!("{} {} {}", row.account, row.digest, row.text);
        Some(Self::of(&row, evidence, None, TrailRow::impersonal(line)))
    }

    fn of<R: ChainRow>(row: &R, evidence: String, money: Option<(String, i64)>, line: &str) -> Self {
        Self {
            seq: row.seq(),
            at_ms: row.at().unix_ms(),
            account: row.account().to_string(),
            number: row.number(),
            evidence,
            money,
            after: row.after(),
            line: line.to_owned(),
        }
    }
}

/// One of the two chains: how its rows are read, and where they lie. Not a type of its own for each, which would have all
/// of this compiled twice.
struct Side {
    which: usize,
    name: &'static str,
    read: fn(&str) -> Option<Row>,
    /// Names of its pages.
    pages: Keys,
    target: Keys,
    old: Keys,
}

impl Rebuild<'_> {
    /// One step of a chain: where it ends, one of its pages, or some of the rows behind them.
    pub(super) async fn rows_back(&mut self, which: usize) -> Result<(), RecordsError> {
        let (keys, target, old) = (&self.records.keys, &self.target, &self.old);
        let side = if which == 0 {
            let (pages, target, old) = (keys.clone(), target.clone(), old.clone());
            Side { which, name: "journal", read: Row::of_journal, pages, target, old }
        } else {
            let (pages, target, old) = (keys.of_trail(), target.of_trail(), old.of_trail());
            Side { which, name: "trail", read: Row::of_trail, pages, target, old }
        };
        if self.chain_step(&side).await? {
            self.report.turn_to(if which == 0 { Phase::Trail } else { Phase::Told });
        }
        Ok(())
    }

    async fn chain_step(&mut self, side: &Side) -> Result<bool, RecordsError> {
        let pages = self.report.chain_pages.get(side.which).copied().unwrap_or(0);
        if self.report.cursor.is_empty() {
            self.find_end(side, pages).await?;
            self.report.cursor = "pages".to_owned();
            return Ok(false);
        }
        if self.report.next < pages {
            let number = self.report.next;
            let corrupt = || RecordsError::Corrupt { key: side.pages.page(number) };
            let digest = self.command("HGET", vec![side.target.of("books").into(), "digest".into()]).await?;
            let previous = match digest.first() {
                Some(Reply::Bytes(bytes)) if number > 0 => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            };
            let page = self.chain_page(side, number).await?;
            let previous = bytes_of(&previous).ok_or_else(corrupt)?;
            // The step before may have been taken without being remembered: then the head is this page already.
            let digest = match page.digest_after(number, previous) {
                Some(digest) => hex(&digest),
                None if page.digest == hex(&previous) => page.digest.clone(),
                None => return Err(corrupt()),
            };
            let rows: Vec<Row> =
                page.rows.iter().map(|line| (side.read)(line).ok_or_else(corrupt)).collect::<Result<_, _>>()?;
            self.put_rows(side, &rows, false).await?;
            let sealed = rows.last().map_or(0, |row| row.seq);
            let head = vec![
                side.target.of("books").into(),
                "pages".into(),
                number.saturating_add(1).to_string().into(),
                "sealed".into(),
                sealed.to_string().into(),
                "digest".into(),
                digest.into(),
            ];
            self.command("HSET", head).await?;
            self.count_rows(side.which, rows.len());
            self.report.next = number.saturating_add(1);
            return Ok(false);
        }
        let (end, _) = self.report.chain_ends.get(side.which).copied().unwrap_or_default();
        let done = self.count_of(&side.target).await?;
        if done >= end {
            return Ok(true);
        }
        let lines = self.old_rows(&side.old, done, OPEN_AT_ONCE).await?;
        let rows: Vec<Row> = lines
            .iter()
            .filter_map(|line| (side.read)(line))
            .zip(done.saturating_add(1)..=end)
            .take_while(|(row, seq)| row.seq == *seq)
            .map(|(row, _)| row)
            .collect();
        if rows.is_empty() {
            return Ok(true);
        }
        self.put_rows(side, &rows, true).await?;
        self.count_rows(side.which, rows.len());
        Ok(false)
    }

    /// A page of the chain that must be there.
    async fn chain_page(&self, side: &Side, number: u64) -> Result<ChainPage, RecordsError> {
        let key = side.pages.page(number);
        self.records.read_page_at(&key).await?.ok_or(RecordsError::Corrupt { key })
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
    async fn find_end(&mut self, side: &Side, pages: u64) -> Result<(), RecordsError> {
        let (mut end, mut end_ms) = (0, 0);
        if let Some(last) = pages.checked_sub(1) {
            let page = self.chain_page(side, last).await?;
            if let Some(row) = page.rows.last().and_then(|line| (side.read)(line)) {
                (end, end_ms) = (row.seq, row.at_ms);
            }
        }
        loop {
            let lines = self.old_rows(&side.old, end, OPEN_AT_ONCE).await?;
            let before = end;
            for row in lines.iter().filter_map(|line| (side.read)(line)) {
                if row.seq != end.saturating_add(1) {
                    break;
                }
                (end, end_ms) = (row.seq, row.at_ms);
            }
            if end == before {
                break;
            }
        }
        if let Some(place) = self.report.chain_ends.get_mut(side.which) {
            *place = (end, end_ms);
        }
        let found = self.command("HGETALL", vec![self.scratch.of(&format!("pages:{}", side.name)).into()]).await?;
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
            let (counted, generation) = counted.split_once(' ').unwrap_or((counted, "0"));
            let (mut counted, generation) = (counted.parse::<u64>().unwrap_or(0), generation.parse().unwrap_or(0));
            while let Some(page) = counted.checked_sub(1) {
                let name = side.pages.account_page(&key, generation, page);
                let (_, lines) = self
                    .records
                    .newest_account_page(&side.pages, &key, generation, page)
                    .await?
                    .ok_or_else(|| RecordsError::Corrupt { key: name.clone() })?;
                if lines.last().and_then(|line| (side.read)(line)).is_some_and(|row| row.seq <= end) {
                    break;
                }
                // Its rows were open in the chain and are lost: they are posted again from bodies, and the page is written anew.
                self.report.problem(format!(
                    "page {page} of {account} in the {} runs ahead of the chain: written anew",
                    side.name
                ));
                if self.report.mode == Mode::Real {
                    self.records.bodies.delete(&name).await.map_err(closed)?;
                }
                counted = page;
            }
            let rows = counted.saturating_mul(u64::from(crate::pages::PAGE_ROWS));
            let fields = vec![
                self.scratch.of(&format!("paged:{}", side.name)).into(),
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

    async fn put_rows(&self, side: &Side, rows: &[Row], is_open: bool) -> Result<(), RecordsError> {
        let since_ms = self.noted_since(side.which);
        for part in rows.chunks(AT_ONCE) {
            let mut arguments: Vec<Argument> = vec![
                side.target.of("books").into(),
                side.target.prefix().into(),
                side.old.prefix().into(),
                self.scratch.prefix().into(),
                side.name.into(),
                if is_open { "1" } else { "" }.into(),
                since_ms.to_string().into(),
            ];
            for row in part {
                let (currency, amount) = row.money.as_ref().map_or(("", 0), |(currency, amount)| (currency, *amount));
                arguments.extend([
                    row.seq.to_string().into(),
                    row.at_ms.to_string().into(),
                    row.account.as_str().into(),
                    row.number.to_string().into(),
                    row.evidence.as_str().into(),
                    currency.into(),
                    amount.to_string().into(),
                    row.after.posted_minor.to_string().into(),
                    row.after.held_minor.to_string().into(),
                    row.line.as_str().into(),
                ]);
            }
            self.records.script(&ROWS_BACK, 1, &arguments, |fields| (*fields == ["done"]).then_some(())).await?;
        }
        Ok(())
    }
}
