//! What can be judged of the journal row by row, without any store: order, completeness, and that each entry balances.
//! Every implementation checks with this, so that they find alike.

use crate::{Break, LedgerRow, Walk};
use ambient::Timestamp;
use std::collections::BTreeMap;

/// Walks the journal in the order of posting.
#[derive(Debug, Clone)]
pub struct Audit {
    /// The place of the last row.
    rows: u64,
    /// Commit and moment of the last row.
    last: Option<(u64, Timestamp)>,
    /// The entry under way.
    open: Option<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    first: u64,
    commit: u64,
    legs: u32,
    body: uuid::Uuid,
    /// By currency. At most 64 amounts below 2^53: no overflow.
    sums: BTreeMap<String, i64>,
}

impl Audit {
    /// A walk that goes on after the row at this place, which ended an entry.
    pub const fn after(rows: u64) -> Self {
        Self { rows, last: None, open: None }
    }

    /// The place of the last row.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// [`Break::RowOutOfOrder`] where it is not the next one, [`Break::EntryUnbalanced`] for the entry that it ends.
    pub fn take(&mut self, row: &LedgerRow) -> Result<(), Break> {
        let seq = self.rows.saturating_add(1);
        let out_of_order = Err(Break::RowOutOfOrder { seq });
        if row.seq != seq || self.last.is_some_and(|(commit, at)| row.commit < commit || row.at < at) {
            return out_of_order;
        }
        match &mut self.open {
            Some(open) if open.commit == row.commit => {
                if row.leg != open.legs || row.body != open.body {
                    return out_of_order;
                }
            }
            _ => {
                self.end()?;
                if row.leg != 0 {
                    return out_of_order;
                }
                let (first, commit, body) = (row.seq, row.commit, row.body);
                self.open = Some(Entry { first, commit, legs: 0, body, sums: BTreeMap::new() });
            }
        }
        if let Some(open) = &mut self.open {
            open.legs = open.legs.saturating_add(1);
            let sum = open.sums.entry(row.currency.clone()).or_default();
            *sum = sum.saturating_add(row.posted_minor);
        }
        (self.rows, self.last) = (row.seq, Some((row.commit, row.at)));
        Ok(())
    }

    /// Ends the entry under way: at the end of a page and of the journal.
    ///
    /// # Errors
    /// [`Break::EntryUnbalanced`].
    pub fn end(&mut self) -> Result<(), Break> {
        match self.open.take() {
            Some(open) if open.sums.values().any(|&sum| sum != 0) => Err(Break::EntryUnbalanced { entry: open.first }),
            _ => Ok(()),
        }
    }
}

impl Walk<LedgerRow> for Audit {
    fn after(rows: u64) -> Self {
        Self::after(rows)
    }

    fn rows(&self) -> u64 {
        self.rows()
    }

    fn take(&mut self, row: &LedgerRow) -> Result<(), Break> {
        self.take(row)
    }

    fn end(&mut self) -> Result<(), Break> {
        self.end()
    }
}

/// Checks that a row of an account follows from the one before it (`None` for the first).
///
/// # Errors
/// [`Break::AccountDiffers`] where the one before is not the one before, [`Break::BalanceDoesNotFollow`].
pub fn follows(before: Option<&LedgerRow>, row: &LedgerRow) -> Result<(), Break> {
    let (account, number) = (row.account.clone(), row.number);
    let (last, balance) = before.map_or((0, crate::Balance::default()), |before| (before.number, before.after));
    let elsewhere = before.is_some_and(|before| {
        before.account != row.account || before.currency != row.currency || before.seq >= row.seq
    });
    if last.checked_add(1) != Some(number) || elsewhere {
        return Err(Break::AccountDiffers { account, number });
    }
    let posted = balance.posted_minor.checked_add(row.posted_minor);
    let held = balance.held_minor.checked_add(row.held_minor);
    if posted != Some(row.after.posted_minor) || held != Some(row.after.held_minor) {
        return Err(Break::BalanceDoesNotFollow { account, number });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Place, commit, leg, account, number, posted, posted after.
    fn row(seq: u64, commit: u64, leg: u32, account: &str, number: u64, posted: i64, after: i64) -> LedgerRow {
        let body = format!("01990000-0000-7000-8000-{commit:012}");
        LedgerRow::from_line(&format!(
            "{seq} {commit} {leg} 0 {account} {number} EUR {posted} 0 {after} 0 r 1.1 {body}"
        ))
        .unwrap()
    }

    fn walk(rows: &[LedgerRow]) -> Result<(), Break> {
        let mut audit = Audit::after(0);
        rows.iter().try_for_each(|row| audit.take(row))?;
        audit.end()
    }

    fn journal() -> Vec<LedgerRow> {
        vec![
            row(1, 2, 0, "a", 1, 10, 10),
            row(2, 2, 1, "b", 1, -10, -10),
            row(3, 5, 0, "a", 2, -3, 7),
            row(4, 5, 1, "b", 2, 3, -7),
        ]
    }

    #[test]
    fn a_journal_that_is_whole_holds() {
        assert_eq!(walk(&journal()), Ok(()));
        assert_eq!(walk(&[]), Ok(()));
    }

    #[test]
    fn a_row_that_is_missing_doubled_or_moved_is_found_at_its_place() {
        for place in 0..3 {
            let mut rows = journal();
            rows.remove(place);
            assert_eq!(walk(&rows), Err(Break::RowOutOfOrder { seq: place as u64 + 1 }), "without row {place}");
            let mut rows = journal();
            rows.swap(place, place + 1);
            assert_eq!(walk(&rows), Err(Break::RowOutOfOrder { seq: place as u64 + 1 }), "with row {place} moved");
            let mut rows = journal();
            rows.insert(place, rows[place].clone());
            assert_eq!(walk(&rows), Err(Break::RowOutOfOrder { seq: place as u64 + 2 }), "with row {place} twice");
        }
    }

    #[test]
    fn an_entry_that_lost_its_other_side_or_does_not_sum_to_zero_is_found() {
        let mut rows = journal();
        rows.pop();
        assert_eq!(walk(&rows), Err(Break::EntryUnbalanced { entry: 3 }));
        let mut rows = journal();
        rows[0].posted_minor = 11;
        assert_eq!(walk(&rows), Err(Break::EntryUnbalanced { entry: 1 }));
    }

    #[test]
    fn a_row_follows_from_the_one_before_or_not() {
        let rows = journal();
        assert_eq!(follows(None, &rows[0]), Ok(()));
        assert_eq!(follows(Some(&rows[0]), &rows[2]), Ok(()));
        let account = rows[0].account.clone();
        let differs = |number| Err(Break::AccountDiffers { account: account.clone(), number });
        assert_eq!(follows(None, &rows[2]), differs(2));
        assert_eq!(follows(Some(&rows[2]), &rows[0]), differs(1));
        let wrong = row(3, 5, 0, "a", 2, -3, 6);
        let found = Err(Break::BalanceDoesNotFollow { account: account.clone(), number: 2 });
        assert_eq!(follows(Some(&rows[0]), &wrong), found);
    }
}
