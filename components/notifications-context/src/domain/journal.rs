//! What befell a message, row by row: the answer to "why did I not get it?".

use ambient::Timestamp;

/// The most rows that one message keeps: where there would be more, those between the first and the newest go.
const MOST_ROWS: usize = 60;
/// How many of the first rows always stay.
const FIRST_ROWS: usize = 10;

/// What befell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Befell {
    /// It was made of an event.
    Created,
    /// Its person's preferences turned it off.
    TurnedOff,
    /// Its address takes no messages.
    Suppressed,
    /// It waits for the end of quiet hours.
    Quiet,
    /// It waits for the next summary.
    Held,
    /// It went into a summary.
    Summarised,
    /// A provider is about to be asked.
    Asked,
    /// The provider took it.
    Taken,
    /// The provider did not take it this time.
    NotTaken,
    /// The provider's answer was lost: it may have been taken.
    AnswerLost,
    /// Whoever was at it died.
    Interrupted,
    /// The provider will never take it.
    Refused,
    /// No try is left.
    GivenUp,
    /// The provider told that it arrived.
    Delivered,
    /// The provider told that it came back.
    Bounced,
    /// Its person told their provider that they do not want it.
    Complained,
}

impl Befell {
    /// Everything that can.
    pub const ALL: &[Self] = &[
        Self::Created,
        Self::TurnedOff,
        Self::Suppressed,
        Self::Quiet,
        Self::Held,
        Self::Summarised,
        Self::Asked,
        Self::Taken,
        Self::NotTaken,
        Self::AnswerLost,
        Self::Interrupted,
        Self::Refused,
        Self::GivenUp,
        Self::Delivered,
        Self::Bounced,
        Self::Complained,
    ];

    /// The word on the wire and in stored shapes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::TurnedOff => "turned_off",
            Self::Suppressed => "suppressed",
            Self::Quiet => "quiet_hours",
            Self::Held => "held_for_digest",
            Self::Summarised => "in_digest",
            Self::Asked => "provider_asked",
            Self::Taken => "provider_took_it",
            Self::NotTaken => "provider_did_not_take_it",
            Self::AnswerLost => "answer_lost",
            Self::Interrupted => "interrupted",
            Self::Refused => "provider_refused",
            Self::GivenUp => "given_up",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }

    /// What a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|befell| befell.word() == word)
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: Timestamp,
    /// What.
    pub befell: Befell,
    /// Which provider had to do with it.
    pub provider: Option<String>,
    /// More of it, in words; no personal data.
    pub why: Option<String>,
}

/// All rows of one message, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal(Vec<Row>);

impl Journal {
    /// What was stored.
    pub const fn of(rows: Vec<Row>) -> Self {
        Self(rows)
    }

    /// The rows, oldest first.
    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// Adds a row.
    #[must_use]
    pub fn with(mut self, at: Timestamp, befell: Befell, provider: Option<&str>, why: Option<String>) -> Self {
        if self.0.len() >= MOST_ROWS {
            self.0.remove(FIRST_ROWS);
        }
        self.0.push(Row { at, befell, provider: provider.map(str::to_owned), why });
        self
    }

    /// Whether a row says this already, whenever that was.
    pub fn says(&self, befell: Befell, provider: &str, why: Option<&str>) -> bool {
        self.0
            .iter()
            .any(|row| row.befell == befell && row.provider.as_deref() == Some(provider) && row.why.as_deref() == why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_story_keeps_its_beginning_and_its_end() {
        let mut journal = Journal::default();
        for second in 0..200 {
            let why = Some(second.to_string());
            journal = journal.with(Timestamp::from_unix_ms(second), Befell::NotTaken, Some("generic"), why);
        }
        assert_eq!(journal.rows().len(), MOST_ROWS);
        assert_eq!(journal.rows()[FIRST_ROWS - 1].why.as_deref(), Some("9"));
        assert_eq!(journal.rows().last().unwrap().why.as_deref(), Some("199"));
        assert!(journal.says(Befell::NotTaken, "generic", Some("199")));
        assert!(!journal.says(Befell::NotTaken, "postmark", Some("199")));
    }

    #[test]
    fn everything_that_can_befall_reads_back_from_its_word() {
        for befell in Befell::ALL {
            assert_eq!(Befell::from_word(befell.word()), Some(*befell));
        }
    }
}
