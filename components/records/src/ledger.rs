//! Postings: the legs of a double entry, committed with the record that caused them, and the rows that they become.

use crate::change::{InvalidName, name};
use crate::{Audit, Break, ChainRow, RecordKey, Version, follows};
use ambient::Timestamp;
use core::fmt;

/// Same alphabet check as every other name.
fn checked(text: String) -> Result<String, InvalidName> {
    crate::RecordKey::new(text).map(String::from)
}

name!(
    /// The name of an account in one currency, such as `merchant:usr_00…:EUR`.
    AccountKey
);

/// The largest amount and balance, either way: scripts hold numbers as doubles, exact up to here (2^53 − 1).
pub const MAX_EXACT_MINOR: i64 = (1 << 53) - 1;

/// One leg.
///
/// **Units** minor units, each within ±(2^53 − 1). **Invariant** over one change, `posted_minor` sums to zero per
/// currency; `held_minor` need not. After the change `posted − held ≥ floor` where a floor is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Which account; it has one currency for its life.
    pub account: AccountKey,
    /// ISO 4217, three capital letters.
    pub currency: String,
    /// Added to the posted balance.
    pub posted_minor: i64,
    /// Added to the held amount.
    pub held_minor: i64,
    /// The least available balance that the change may leave.
    pub floor_minor: Option<i64>,
}

/// The state of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// What was posted, in minor units.
    pub posted_minor: i64,
    /// What is held of it, in minor units.
    pub held_minor: i64,
}

impl Balance {
    /// What may be spent: posted − held.
    pub const fn available_minor(&self) -> i64 {
        self.posted_minor.saturating_sub(self.held_minor)
    }
}

/// The running sum of all postings in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    /// ISO 4217.
    pub currency: String,
    /// The sum over all accounts in minor units: zero, or something is badly wrong.
    pub sum_minor: i64,
    /// How many legs were ever posted.
    pub legs: u64,
}

/// One leg as it lies in the journal, append-only.
///
/// **Shape** its line, which is what pages hold and digests cover, is fourteen words in the order of the members, each
/// after one space: `7 3 1 1767225600000 merchant:EUR 4 EUR 1000 0 5000 0 payment:pay_00… 1.3 0199…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// The place in the journal, from 1 without gaps.
    pub seq: u64,
    /// The context's commit number: the legs of one entry share it.
    pub commit: u64,
    /// The place among the legs of its entry, from 0.
    pub leg: u32,
    /// When it was posted, by the clock of the store; never earlier than the row before.
    pub at: Timestamp,
    /// Which account.
    pub account: AccountKey,
    /// The place among the rows of its account, from 1 without gaps.
    pub number: u64,
    /// ISO 4217.
    pub currency: String,
    /// What was added to the posted balance.
    pub posted_minor: i64,
    /// What was added to the held amount.
    pub held_minor: i64,
    /// The account after this leg.
    pub after: Balance,
    /// The record whose change it was.
    pub record: RecordKey,
    /// That change.
    pub version: Version,
    /// Its body.
    pub body: uuid::Uuid,
}

impl LedgerRow {
    /// The place in the journal of the first leg of the same entry.
    pub const fn entry(&self) -> u64 {
        self.seq.saturating_sub(self.leg as u64)
    }

    /// Reads a line; `None` where it is none.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut word = || words.next();
        let row = Self {
            seq: word()?.parse().ok()?,
            commit: word()?.parse().ok()?,
            leg: word()?.parse().ok()?,
            at: Timestamp::from_unix_ms(word()?.parse().ok()?),
            account: AccountKey::new(word()?).ok()?,
            number: word()?.parse().ok()?,
            currency: word()?.to_owned(),
            posted_minor: word()?.parse().ok()?,
            held_minor: word()?.parse().ok()?,
            after: Balance { posted_minor: word()?.parse().ok()?, held_minor: word()?.parse().ok()? },
            record: RecordKey::new(word()?).ok()?,
            version: word()?.parse().ok()?,
            body: word()?.parse().ok()?,
        };
        // One spelling a row: what reads back to another text was written by somebody else.
        (row.to_string() == line).then_some(row)
    }
}

impl ChainRow for LedgerRow {
    type Walk = Audit;
    const BALANCED: bool = true;

    fn from_line(line: &str) -> Option<Self> {
        Self::from_line(line)
    }

    fn seq(&self) -> u64 {
        self.seq
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn number(&self) -> u64 {
        self.number
    }

    fn after(&self) -> Balance {
        self.after
    }

    fn is_told_by(&self, own: &Self) -> bool {
        self == own
    }

    /// Entries stay whole: a page goes on to the end of its last one.
    fn page_end(rows: &[Self], least: usize) -> Option<usize> {
        let last = rows.get(least.checked_sub(1)?)?.commit;
        let after = rows.iter().skip(least).take_while(|row| row.commit == last).count();
        Some(least + after)
    }

    fn ends_entry(rows: &[Self], cut: usize) -> bool {
        let commit = |place: usize| rows.get(place).map(|row| row.commit);
        cut > 0 && cut <= rows.len() && commit(cut - 1) != commit(cut)
    }

    fn follows(before: Option<&Self>, row: &Self) -> Result<(), Break> {
        follows(before, row)
    }
}

impl fmt::Display for LedgerRow {
    /// Its line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, commit, leg, account, number, currency, posted_minor, held_minor, .. } = self;
        let (at_ms, after, record, version, body) =
            (self.at.unix_ms(), &self.after, &self.record, self.version, self.body);
        write!(f, "{seq} {commit} {leg} {at_ms} {account} {number} {currency} {posted_minor} {held_minor} ")?;
        write!(f, "{} {} {record} {version} {body}", after.posted_minor, after.held_minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "7 3 1 1767225600000 merchant:EUR 4 EUR -1000 0 5000 0 payment:pay_1 1.3 01990000-0000-7000-8000-000000000001";

    #[test]
    fn a_line_reads_back() {
        let row = LedgerRow::from_line(LINE).unwrap();
        assert_eq!(row.to_string(), LINE);
        assert_eq!((row.seq, row.entry(), row.number, row.posted_minor), (7, 6, 4, -1000));
    }

    #[test]
    fn what_has_another_spelling_is_no_line() {
        for other in [
            LINE.replace(" 5000 ", " 05000 "),
            LINE.replace(" EUR ", "  EUR "),
            format!("{LINE} x"),
            format!("{LINE} "),
        ] {
            assert_eq!(LedgerRow::from_line(&other), None, "{other}");
        }
        for cut in 0..LINE.len() {
            assert_eq!(LedgerRow::from_line(&LINE[..cut]), None);
        }
    }

    fn rows(commits: &[u64]) -> Vec<LedgerRow> {
        let body = "01990000-0000-7000-8000-000000000001";
        let row = |(place, commit): (u64, &u64)| {
            LedgerRow::from_line(&format!("{place} {commit} 0 0 a {place} EUR 0 0 0 0 r 1.1 {body}")).unwrap()
        };
        (1..).zip(commits).map(row).collect()
    }

    #[test]
    fn rows_end_an_entry_where_the_next_commit_begins() {
        let rows = rows(&[1, 1, 2]);
        assert_eq!([0, 1, 2, 3, 4].map(|cut| LedgerRow::ends_entry(&rows, cut)), [false, false, true, true, false]);
    }

    #[test]
    fn a_page_ends_where_an_entry_ends() {
        let end = |commits: Vec<u64>| LedgerRow::page_end(&rows(&commits), 128);
        assert_eq!(end((0..127).collect()), None);
        assert_eq!(end((0..128).collect()), Some(128));
        assert_eq!(end((0..200).collect()), Some(128));
        assert_eq!(end((0..127).chain([500; 64]).chain([501]).collect()), Some(191));
        assert_eq!(end((0..127).chain([500]).chain([501; 64]).collect()), Some(128));
    }
}
