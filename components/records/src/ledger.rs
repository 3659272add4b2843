//! Postings: the legs of a double entry, committed with the record that caused them.

use crate::change::{InvalidName, name};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// The context's commit number: the legs of one change share it.
    pub commit: u64,
    /// The place among the legs of its change, from 0.
    pub leg: u32,
    /// Which account.
    pub account: String,
    /// ISO 4217.
    pub currency: String,
    /// What was added to the posted balance.
    pub posted_minor: i64,
    /// What was added to the held amount.
    pub held_minor: i64,
    /// The account after this leg.
    pub after: Balance,
    /// The body that caused it.
    pub body: uuid::Uuid,
}
