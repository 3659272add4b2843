//! The checks: pure functions over what was promised and what is found. Each names the invariant that it is about.
//!
//! What is not here: how the reading was made. A checker that was never seen failing proves nothing, so the tests plant
//! a bug of each kind and expect it to be found.

mod books;
mod events;
mod promises;
mod provider;
#[cfg(test)]
mod tests;

use crate::{Reading, Record};
use serde::Serialize;
use std::collections::BTreeMap;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What should.
    pub invariant: &'static str,
    /// What is found instead.
    pub what: String,
    /// Which payment, payout or account it is about.
    pub about: Option<String>,
}

/// What was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// How often each invariant was held against something.
    pub invariants: BTreeMap<&'static str, u64>,
    /// What does not hold, the first findings of each invariant.
    pub violations: Vec<Violation>,
}

/// The most findings of one invariant that are kept: the first one is what matters.
const MOST_OF_ONE: usize = 20;

impl Checked {
    /// Holds one invariant against one thing; `what` says what is wrong where it does not hold.
    pub(crate) fn that(&mut self, holds: bool, invariant: &'static str, about: &str, what: impl FnOnce() -> String) {
        *self.invariants.entry(invariant).or_default() += 1;
        let known = self.violations.iter().filter(|violation| violation.invariant == invariant).count();
        if !holds && known < MOST_OF_ONE {
            self.violations.push(Violation { invariant, what: what(), about: Some(about.to_owned()) });
        }
    }
}

/// Nothing was broken at once: one key never had two answers, every request was answered before its deadline.
pub const AT_ONCE: &str = "one key has one answer, every request has an answer";
/// I11: what waits drains once the faults have stopped.
pub const DRAINED: &str = "nothing waits after the faults (I11)";
/// I13: no secret in logs.
pub const SECRETS: &str = "no secret in the logs (I13)";

/// Holds everything against everything.
pub fn check(record: &Record, reading: &Reading) -> Checked {
    let mut checked = Checked::default();
    checked.that(record.broken.is_empty(), AT_ONCE, "", || "see the findings beside this one".to_owned());
    for (what, about) in &record.broken {
        checked.that(false, AT_ONCE, about.as_deref().unwrap_or_default(), || what.clone());
    }
    promises::check(&mut checked, record, reading);
    provider::check(&mut checked, record, reading);
    books::check(&mut checked, reading);
    events::check(&mut checked, reading);
    let Reading { waiting, leaked, .. } = reading;
    checked.that(waiting.0.is_empty(), DRAINED, "", || format!("{:?}", waiting.0));
    checked.that(leaked.is_empty(), SECRETS, "", || format!("{leaked:?}"));
    checked
}
