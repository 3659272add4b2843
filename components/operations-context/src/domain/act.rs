//! The three things that are done about dead letters.

use core::fmt;
use core::str::FromStr;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// The letter's group is handed it once more, as it is.
    Replay,
    /// The letter's group is handed it once more, with other data under the same event id.
    Edit,
    /// The letter is forgotten.
    Purge,
}

/// A text that is no act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an act is replay, edit or purge")]
pub struct InvalidAct;

impl Act {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Replay, Self::Edit, Self::Purge];

    /// The word on the wire and in the audit trail.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Edit => "edit",
            Self::Purge => "purge",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Act {
    type Err = InvalidAct;
    fn from_str(text: &str) -> Result<Self, InvalidAct> {
        Self::ALL.into_iter().find(|act| act.word() == text).ok_or(InvalidAct)
    }
}
