//! Counts of what happened, by group and word, shared by all threads of a run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Words and how often each was counted.
pub type Counts = BTreeMap<String, u64>;

/// The counts of a run.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<&'static str, Counts>>);

impl Tally {
    /// Requests sent, by method.
    pub const SENT: &'static str = "requests sent";
    /// Answers that end nothing: the same request is sent again.
    pub const AGAIN: &'static str = "answered with come back";
    /// Requests without an answer.
    pub const UNANSWERED: &'static str = "not answered";
    /// Calls that were acknowledged, by what they asked for.
    pub const ACKNOWLEDGED: &'static str = "acknowledged";
    /// Calls that were refused, by kind of problem.
    pub const REFUSED: &'static str = "refused";
    /// Faults injected, by kind.
    pub const FAULTS: &'static str = "faults injected";
    /// Largest measurements. **Units** milliseconds.
    pub const MOST_MS: &'static str = "most milliseconds";

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one.
    pub fn add(&self, group: &'static str, word: impl Into<String>) {
        *self.counts().entry(group).or_default().entry(word.into()).or_default() += 1;
    }

    /// Keeps the longest of several times.
    pub fn longest(&self, word: &str, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut counts = self.counts();
        let most = counts.entry(Self::MOST_MS).or_default().entry(word.to_owned()).or_default();
        *most = (*most).max(ms);
    }

    /// All counts of a group.
    pub fn of(&self, group: &'static str) -> Counts {
        self.counts().get(group).cloned().unwrap_or_default()
    }

    /// The sum of a group.
    pub fn sum(&self, group: &'static str) -> u64 {
        self.of(group).values().sum()
    }
}
