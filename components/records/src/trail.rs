//! The audit trail: what was done to whom, appended by the step that made it true, and what was refused.
//!
//! A row has two parts. What proves (who, what, when, result) lies in the chain for ever. What is personal (the address,
//! the device) lies among the account's own rows only; the chain has its digest. So an erasure takes the personal part
//! away and the chain still holds.

use crate::change::InvalidName;
use crate::{AccountKey, Balance, Break, ChainRow, Journal, RecordsError, Walk};
use ambient::Timestamp;
use async_trait::async_trait;
use core::fmt;
use core::time::Duration;
use sha2::{Digest, Sha256};

/// The most bytes of each of the two parts of an entry.
pub const MAX_TRAIL_BYTES: usize = 1024;

/// What is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailEntry {
    /// To whom it was done: the account among whose rows it stands.
    pub account: AccountKey,
    /// What proves. **Shape** JSON on one line, at most [`MAX_TRAIL_BYTES`]; nothing personal.
    pub text: String,
    /// What is personal. **Shape** as `text`, with a random member of 128 bits, so that its digest tells nothing to
    /// whoever guesses addresses.
    pub personal: Option<String>,
}

impl TrailEntry {
    /// What the chain says of the personal part: SHA-256 in hexadecimal, or `-`.
    pub fn digest(&self) -> String {
        self.personal.as_deref().map_or_else(|| "-".to_owned(), digest)
    }

    /// Checks the limits that the port states.
    ///
    /// # Errors
    /// [`RecordsError::Invalid`]: a mistake of the caller's code, never of a user.
    pub fn check_limits(&self) -> Result<(), RecordsError> {
        let fits = |part: &str| part.len() <= MAX_TRAIL_BYTES && !part.bytes().any(|byte| byte.is_ascii_control());
        if fits(&self.text) && self.personal.as_deref().is_none_or(fits) {
            return Ok(());
        }
        Err(RecordsError::Invalid(format!("a part of the trail is one line of at most {MAX_TRAIL_BYTES} bytes")))
    }
}

fn digest(personal: &str) -> String {
    Sha256::digest(personal).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was refused, and so has no change that it could be part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is written down.
    pub entry: TrailEntry,
    /// What counts as the same thing again: of those, one is written down in `window`. So a stranger cannot fill the
    /// store by being refused.
    pub same: String,
    /// How long more of the same are passed over.
    pub window: Duration,
}

/// Writes down what was refused.
#[async_trait]
pub trait Notes: Send + Sync {
    /// Appends the entry, unless the same was noted within its window; tells whether it did. One round trip either way;
    /// asked for again after a lost answer it appends nothing twice.
    async fn note(&self, note: Note) -> Result<bool, RecordsError>;
}

/// The trail of one context in one partition.
pub trait Trail: Journal<TrailRow> + OwnTrail {}

/// An account's own rows of the trail. Apart from [`Trail`], so that a component which needs no more links no more: the
/// reading and checking of the chain weighs a hundred kilobytes.
#[async_trait]
pub trait OwnTrail: Send + Sync {
    /// Rows of one account, newest first: from its row `from` down (`None`: from the last), at most `limit` (1 to 100).
    async fn own_rows(
        &self,
        account: &AccountKey,
        from: Option<u64>,
        limit: u32,
    ) -> Result<Vec<TrailRow>, RecordsError>;

    /// Takes the personal parts away from all rows of an account. Safe to run twice and to kill anywhere; the chain
    /// holds before, after and in between.
    async fn shred(&self, account: &AccountKey) -> Result<(), RecordsError>;
}

/// One row of the trail, append-only.
///
/// **Shape** its line is seven words and the text, each after one space: `7 3 0 1767225600000 usr_00… 4 9f… {"act":…}`.
/// The account's own line has a tab and the personal part behind it, until that is shredded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRow {
    /// The place in the trail, from 1 without gaps.
    pub seq: u64,
    /// The context's commit number: that of the change, or of the last one before a refusal.
    pub commit: u64,
    /// The place among the rows of its change, from 0.
    pub place: u32,
    /// When, by the clock of the store; never earlier than the row before.
    pub at: Timestamp,
    /// To whom.
    pub account: AccountKey,
    /// The place among the rows of its account, from 1 without gaps.
    pub number: u64,
    /// SHA-256 of the personal part in hexadecimal, or `-`.
    pub digest: String,
    /// What proves.
    pub text: String,
    /// What is personal: in the account's own rows only, and not after an erasure.
    pub personal: Option<String>,
}

impl fmt::Display for TrailRow {
    /// Its line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, commit, place, at, account, number, digest, text, personal } = self;
        write!(f, "{seq} {commit} {place} {} {account} {number} {digest} {text}", at.unix_ms())?;
        personal.iter().try_for_each(|personal| write!(f, "\t{personal}"))
    }
}

impl ChainRow for TrailRow {
    type Walk = TrailWalk;
    const BALANCED: bool = false;

    fn from_line(line: &str) -> Option<Self> {
        let (proof, personal) = match line.split_once('\t') {
            Some((proof, personal)) => (proof, Some(personal.to_owned())),
            None => (line, None),
        };
        let mut words = proof.splitn(8, ' ');
        let mut word = || words.next();
        let row = Self {
            seq: word()?.parse().ok()?,
            commit: word()?.parse().ok()?,
            place: word()?.parse().ok()?,
            at: Timestamp::from_unix_ms(word()?.parse().ok()?),
            account: word().map(AccountKey::new).and_then(Result::<_, InvalidName>::ok)?,
            number: word()?.parse().ok()?,
            digest: word()?.to_owned(),
            text: word()?.to_owned(),
            personal,
        };
        let proven = row.personal.as_deref().is_none_or(|personal| digest(personal) == row.digest);
        // One spelling a row: what reads back to another text was written by somebody else.
        (proven && row.to_string() == line).then_some(row)
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
        Balance::default()
    }

    fn is_told_by(&self, own: &Self) -> bool {
        let Self { seq, commit, place, at, account, number, digest, text, personal: _ } = self;
        (seq, commit, place, at) == (&own.seq, &own.commit, &own.place, &own.at)
            && (account, number, digest, text) == (&own.account, &own.number, &own.digest, &own.text)
    }

    fn page_end(rows: &[Self], least: usize) -> Option<usize> {
        (rows.len() >= least).then_some(least)
    }

    /// Every row is an entry of its own.
    fn ends_entry(rows: &[Self], cut: usize) -> bool {
        (1..=rows.len()).contains(&cut)
    }

    fn follows(before: Option<&Self>, row: &Self) -> Result<(), Break> {
        let (number, seq) = before.map_or((0, 0), |before| (before.number, before.seq));
        if number.checked_add(1) == Some(row.number) && seq < row.seq {
            return Ok(());
        }
        Err(Break::AccountDiffers { account: row.account.clone(), number: row.number })
    }

    fn impersonal(line: &str) -> &str {
        line.split_once('\t').map_or(line, |(proof, _)| proof)
    }
}

/// Walks the trail: places without a gap, commits and moments that never go back.
#[derive(Debug, Clone, Default)]
pub struct TrailWalk {
    rows: u64,
    last: Option<(u64, Timestamp)>,
}

impl Walk<TrailRow> for TrailWalk {
    fn after(rows: u64) -> Self {
        Self { rows, last: None }
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn take(&mut self, row: &TrailRow) -> Result<(), Break> {
        let seq = self.rows.saturating_add(1);
        if row.seq != seq || self.last.is_some_and(|(commit, at)| row.commit < commit || row.at < at) {
            return Err(Break::RowOutOfOrder { seq });
        }
        (self.rows, self.last) = (seq, Some((row.commit, row.at)));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Break> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(personal: Option<&str>) -> TrailRow {
        let entry = TrailEntry {
            account: AccountKey::new("usr_1").unwrap(),
            text: r#"{"act":"log in", "result":"done"}"#.to_owned(),
            personal: personal.map(str::to_owned),
        };
        TrailRow {
            seq: 7,
            commit: 3,
            place: 0,
            at: Timestamp::from_unix_ms(1_767_225_600_000),
            account: entry.account.clone(),
            number: 4,
            digest: entry.digest(),
            text: entry.text,
            personal: entry.personal,
        }
    }

    #[test]
    fn both_lines_read_back_and_tell_the_same() {
        let own = row(Some(r#"{"address":"192.0.2.1"}"#));
        let own_line = own.to_string();
        let line = TrailRow::impersonal(&own_line);
        let chained = TrailRow::from_line(line).unwrap();
        assert_eq!(TrailRow::from_line(&own_line), Some(own.clone()));
        assert_eq!((chained.to_string().as_str(), &chained.personal), (line, &None));
        assert!(chained.is_told_by(&own) && chained.is_told_by(&chained), "shredded or not");
        assert!(!chained.is_told_by(&TrailRow { text: "{}".into(), ..own.clone() }));
        assert!(!chained.is_told_by(&TrailRow { digest: "-".into(), ..own }));
        assert!(row(None).to_string().contains(" - {"), "nothing personal");
    }

    #[test]
    fn a_personal_part_that_the_chain_does_not_vouch_for_is_no_row() {
        let line = row(Some(r#"{"address":"192.0.2.1"}"#)).to_string();
        assert_eq!(TrailRow::from_line(&line.replace("192.0.2.1", "192.0.2.2")), None);
        assert_eq!(TrailRow::from_line(&line.replace(" 7 ", "  7 ").replacen("7 ", "07 ", 1)), None);
    }

    #[test]
    fn rows_go_on_one_by_one_and_never_back_in_time() {
        let mut walk = TrailWalk::after(6);
        assert_eq!(walk.take(&row(None)), Ok(()));
        let next = TrailRow { seq: 8, ..row(None) };
        let early = TrailRow { at: Timestamp::from_unix_ms(0), ..next.clone() };
        for wrong in [row(None), TrailRow { seq: 9, ..next.clone() }, TrailRow { commit: 2, ..next.clone() }, early] {
            assert_eq!(walk.clone().take(&wrong), Err(Break::RowOutOfOrder { seq: 8 }), "{wrong:?}");
        }
        assert_eq!((walk.take(&next), walk.rows()), (Ok(()), 8));
        let fifth = TrailRow { number: 5, ..next };
        assert_eq!(TrailRow::follows(Some(&row(None)), &fifth), Ok(()));
        assert!(TrailRow::follows(None, &fifth).is_err(), "its account has rows before");
        assert!(TrailRow::follows(Some(&fifth), &row(None)).is_err());
    }

    #[test]
    fn an_entry_is_one_line_of_bounded_length() {
        let entry = |text: &str| TrailEntry {
            account: AccountKey::new("usr_1").unwrap(),
            text: text.to_owned(),
            personal: None,
        };
        assert_eq!(entry("{}").check_limits(), Ok(()));
        for wrong in ["a\tb", "a\nb", &"x".repeat(MAX_TRAIL_BYTES + 1)] {
            assert!(entry(wrong).check_limits().is_err());
            assert!(TrailEntry { personal: Some(wrong.to_owned()), ..entry("{}") }.check_limits().is_err());
        }
    }
}
