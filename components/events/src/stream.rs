//! Names of streams, groups and entries.

use core::fmt;
use core::str::FromStr;

/// One stream: a context's events in one partition.
///
/// **Shape** as text `payments/0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName {
    context: String,
    partition: u8,
}

/// A text that does not name what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {wanted}")]
pub struct InvalidStreamPart {
    /// The text.
    pub found: String,
    /// What it should be.
    pub wanted: &'static str,
}

impl StreamName {
    /// The stream of a context in a partition; 0 is the only one until data is sharded.
    pub fn new(context: impl Into<String>, partition: u8) -> Self {
        Self { context: context.into(), partition }
    }

    /// Whose events these are.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Which partition.
    pub fn partition(&self) -> u8 {
        self.partition
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.context, self.partition)
    }
}

impl FromStr for StreamName {
    type Err = InvalidStreamPart;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidStreamPart { found: text.to_owned(), wanted: "a stream such as payments/0" };
        let (context, partition) = text.split_once('/').ok_or_else(invalid)?;
        if context.is_empty() || !context.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            return Err(invalid());
        }
        Ok(Self { context: context.to_owned(), partition: partition.parse().map_err(|_| invalid())? })
    }
}

/// Where an entry lies in its stream: the milliseconds of its birth and a counter, ordered.
///
/// **Shape** `1767225600000-0`, as Redis writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    /// When it was appended: milliseconds since the epoch by the clock of the log.
    pub unix_ms: u64,
    /// Which of that millisecond.
    pub place: u64,
}

impl EntryId {
    /// Before every entry.
    pub const START: Self = Self { unix_ms: 0, place: 0 };

    /// The last entry that may lie before a moment: what is told after it was told at that moment or later.
    pub fn before_ms(unix_ms: u64) -> Self {
        unix_ms.checked_sub(1).map_or(Self::START, |unix_ms| Self { unix_ms, place: u64::MAX })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.unix_ms, self.place)
    }
}

impl FromStr for EntryId {
    type Err = InvalidStreamPart;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidStreamPart { found: text.to_owned(), wanted: "an entry such as 1767225600000-0" };
        let (unix_ms, place) = text.split_once('-').ok_or_else(invalid)?;
        let number = |digits: &str| {
            // `parse` would accept a sign.
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) { None } else { digits.parse().ok() }
        };
        Ok(Self { unix_ms: number(unix_ms).ok_or_else(invalid)?, place: number(place).ok_or_else(invalid)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_hostile_ones_do_not() {
        let stream = StreamName::new("payments", 0);
        assert_eq!(stream.to_string().parse(), Ok(stream));
        let entry = EntryId { unix_ms: 1_767_225_600_000, place: 7 };
        assert_eq!(entry.to_string().parse(), Ok(entry));
        for bad in ["", "payments", "/0", "pay}ments/0", "payments/x", "payments/256"] {
            assert!(bad.parse::<StreamName>().is_err(), "{bad}");
        }
        for bad in ["", "1", "1-", "-1", "+1-0", "1-0 ", "1-2-3", "$", "99999999999999999999-0"] {
            assert!(bad.parse::<EntryId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn entries_order_as_they_were_appended() {
        let entry = |text: &str| text.parse::<EntryId>().unwrap();
        assert!(entry("9-10") < entry("10-9"));
        assert!(entry("9-9") < entry("9-10"));
        let before = EntryId::before_ms(10);
        assert!(entry("9-9") < before && before < entry("10-0"), "{before}");
        assert_eq!(EntryId::before_ms(0), EntryId::START);
    }
}
