//! Which dead letters are meant, where they are not named one by one.

use ambient::Timestamp;
use events::{DeadLetter, EntryId};

/// A part of a context's dead letters; what is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Given up by this group.
    pub group: Option<String>,
    /// Given up at this moment or later.
    pub since: Option<Timestamp>,
    /// Given up at this moment or earlier.
    pub until: Option<Timestamp>,
}

impl Selection {
    /// Whether a letter is meant.
    pub fn takes(&self, letter: &DeadLetter) -> bool {
        self.group.as_ref().is_none_or(|group| *group == letter.group)
            && self.since.is_none_or(|since| since <= letter.at)
            && self.until.is_none_or(|until| letter.at <= until)
    }

    /// Whether no letter that is older than this one can be meant: they are listed newest first.
    pub fn ends_before(&self, letter: &DeadLetter) -> bool {
        self.since.is_some_and(|since| letter.at < since)
    }

    /// The place after which the list is worth reading: behind all letters that are too young.
    pub fn begins_after(&self) -> Option<EntryId> {
        let until_ms = u64::try_from(self.until?.unix_ms()).ok()?;
        // The list goes on with what is older than the place, and every letter of the moment itself is meant.
        Some(EntryId { unix_ms: until_ms.checked_add(1)?, place: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::StreamName;

    fn letter(unix_ms: u64, group: &str) -> DeadLetter {
        DeadLetter {
            id: EntryId { unix_ms, place: 0 },
            at: Timestamp::from_unix_ms(i64::try_from(unix_ms).unwrap()),
            group: group.to_owned(),
            cause: String::new(),
            stream: StreamName::new("payments", 0),
            entry: EntryId { unix_ms: 1, place: 0 },
            deliveries: 1,
            trace: String::new(),
            payload: Vec::new(),
        }
    }

    #[test]
    fn it_takes_what_was_given_up_between_two_moments_by_one_group() {
        let at = |ms| Some(Timestamp::from_unix_ms(ms));
        let selection = Selection { group: Some("queries-worker".into()), since: at(100), until: at(200) };
        for (unix_ms, group, taken) in [
            (99, "queries-worker", false),
            (100, "queries-worker", true),
            (200, "queries-worker", true),
            (201, "queries-worker", false),
            (150, "notifications-worker", false),
        ] {
            assert_eq!(selection.takes(&letter(unix_ms, group)), taken, "{unix_ms} {group}");
        }
        assert!(Selection::default().takes(&letter(0, "any")));
        assert!(selection.ends_before(&letter(99, "any")) && !selection.ends_before(&letter(100, "any")));
        assert_eq!(selection.begins_after(), Some(EntryId { unix_ms: 201, place: 0 }));
        assert_eq!(Selection::default().begins_after(), None);
    }
}
