//! What the rows of a chain have in common, whatever they tell: a place, a moment, and an account that has them too.
//!
//! A context may have two chains: the journal of its ledger ([`crate::LedgerRow`]) and the trail of what was done
//! ([`crate::TrailRow`]). Both are appended by the committing step, sealed into pages, read and checked by the same code.

use crate::{AccountKey, Balance, Break};
use ambient::Timestamp;

/// A row of a chain.
pub trait ChainRow: Clone + PartialEq + core::fmt::Debug + Send + Sync + Sized + 'static {
    /// Walks the rows in their order and judges each.
    type Walk: Walk<Self>;
    /// Whether each account keeps a balance, which the check compares with its last row.
    const BALANCED: bool;

    /// Reads the line of the chain, or an account's own one; `None` where it is neither.
    fn from_line(line: &str) -> Option<Self>;
    /// The place in the chain, from 1 without gaps.
    fn seq(&self) -> u64;
    /// When it was appended, by the clock of the store; never earlier than the row before.
    fn at(&self) -> Timestamp;
    /// Whose it is.
    fn account(&self) -> &AccountKey;
    /// The place among the rows of its account, from 1 without gaps.
    fn number(&self) -> u64;
    /// The account's balance after the row; zero where accounts have none.
    fn after(&self) -> Balance;
    /// Whether the account's own row tells what this row of the chain tells.
    fn is_told_by(&self, own: &Self) -> bool;
    /// How many of these rows the next page has, at least `least`; `None` where there are too few.
    fn page_end(rows: &[Self], least: usize) -> Option<usize>;
    /// Whether the first `cut` of these rows, at least one, end where an entry ends.
    fn ends_entry(rows: &[Self], cut: usize) -> bool;
    /// Checks that a row of an account follows from the one before it (`None` for the first).
    ///
    /// # Errors
    /// What does not hold.
    fn follows(before: Option<&Self>, row: &Self) -> Result<(), Break>;
    /// The account's own line without what is personal, which an erasure takes away; the line itself where there is
    /// nothing personal in it.
    fn impersonal(line: &str) -> &str {
        line
    }
}

/// A walk over rows in their order.
pub trait Walk<R>: Send {
    /// A walk that goes on after the row at this place, which ended an entry.
    fn after(rows: u64) -> Self;
    /// The place of the last row.
    fn rows(&self) -> u64;
    /// Takes the next row.
    ///
    /// # Errors
    /// What does not hold.
    fn take(&mut self, row: &R) -> Result<(), Break>;
    /// Ends the entry under way: at the end of a page and of the chain.
    ///
    /// # Errors
    /// What does not hold.
    fn end(&mut self) -> Result<(), Break>;
}
