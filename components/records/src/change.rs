//! One record's step, with all that becomes true at the same instant.

use crate::{Once, Posting, TrailEntry, Version};
use ambient::Timestamp;
use bytes::Bytes;
use core::fmt;
use events::{EventId, NewEvent};

/// A name that cannot be part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name of 1 to 200 characters out of A-Z a-z 0-9 _ . : -")]
pub struct InvalidName(pub String);

/// Checks the alphabet of names: `A-Za-z0-9_.:-`, 1 to 200 of them.
fn checked(text: String) -> Result<String, InvalidName> {
    let fits = (1..=200).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-'));
    if fits { Ok(text) } else { Err(InvalidName(text)) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a name. **Shape** 1 to 200 characters out of `A-Za-z0-9_.:-`; no personal data.
            ///
            /// # Errors
            /// [`InvalidName`] otherwise.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                checked(text.into()).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use name;

name!(
    /// The name of a record within its context, such as `payment:pay_00…`.
    RecordKey
);
name!(
    /// The name of an index within its context, such as `payments-of:usr_00…`.
    IndexName
);

/// What a record holds after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The new body: the context's own bytes (JSON), at most [`crate::MAX_BODY_BYTES`].
    Body(Bytes),
    /// Erased: the version stays, the content is gone.
    Tombstone,
}

/// Who and what caused a change; becomes part of the body and of each event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// When, by the clock of the use case.
    pub at: Timestamp,
    /// The trace: 32 hexadecimal digits.
    pub trace: String,
    /// The event that caused it, when it was one.
    pub cause: Option<EventId>,
    /// An account, or a worker's name.
    pub actor: Option<String>,
}

/// A step of one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexStep {
    /// Adds the record, or replaces its summary.
    Put {
        /// Which index.
        index: IndexName,
        /// Where in the order: compared as bytes, the same through the record's life (a fixed-width time or an id).
        sort: String,
        /// What lists show: at most [`crate::MAX_SUMMARY_BYTES`], JSON by custom.
        summary: String,
    },
    /// Takes the record out.
    Remove {
        /// Which index.
        index: IndexName,
        /// The sort key with which it was put in.
        sort: String,
    },
}

/// A step of one timer; a record has at most one timer of each name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimerStep {
    /// Sets or moves it.
    Set {
        /// What is due, such as `settle`; no `@`.
        name: &'static str,
        /// When.
        due: Timestamp,
    },
    /// Clears it; not an error where there is none.
    Clear {
        /// What would have been due.
        name: &'static str,
    },
}

/// One record's step.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which record.
    pub key: RecordKey,
    /// The version on which the decision was made; `None` creates, and conflicts where the record exists.
    pub expected: Option<Version>,
    /// What it holds afterwards.
    pub content: Content,
    /// Who and why.
    pub meta: Meta,
    /// The once-row of the request or event, if it has one.
    pub once: Option<Once>,
    /// Ledger legs; those of each currency sum to zero (posted).
    pub postings: Vec<Posting>,
    /// What happened, in order.
    pub events: Vec<NewEvent>,
    /// Index steps.
    pub index: Vec<IndexStep>,
    /// Timer steps.
    pub timers: Vec<TimerStep>,
    /// What the audit trail says of it, in order.
    pub trail: Vec<TrailEntry>,
    /// Keep the replaced body for ever (history), instead of dropping it after 24 h.
    pub keep_previous: bool,
}

impl Change {
    /// A change of the content alone; the rest is filled in with the `with_…` methods.
    pub fn new(key: RecordKey, expected: Option<Version>, content: Content, meta: Meta) -> Self {
        Self {
            key,
            expected,
            content,
            meta,
            once: None,
            postings: Vec::new(),
            events: Vec::new(),
            index: Vec::new(),
            timers: Vec::new(),
            trail: Vec::new(),
            keep_previous: false,
        }
    }

    /// Ties the change to a once-row.
    #[must_use]
    pub fn with_once(mut self, once: Once) -> Self {
        self.once = Some(once);
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn with_event(mut self, event: NewEvent) -> Self {
        self.events.push(event);
        self
    }

    /// Adds ledger legs.
    #[must_use]
    pub fn with_postings(mut self, postings: impl IntoIterator<Item = Posting>) -> Self {
        self.postings.extend(postings);
        self
    }

    /// Adds an index step.
    #[must_use]
    pub fn with_index(mut self, step: IndexStep) -> Self {
        self.index.push(step);
        self
    }

    /// Adds a timer step.
    #[must_use]
    pub fn with_timer(mut self, step: TimerStep) -> Self {
        self.timers.push(step);
        self
    }

    /// Adds an entry to the audit trail.
    #[must_use]
    pub fn with_trail(mut self, entry: TrailEntry) -> Self {
        self.trail.push(entry);
        self
    }

    /// Keeps the body that this change replaces.
    #[must_use]
    pub fn keeping_previous(mut self) -> Self {
        self.keep_previous = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_that_a_key_cannot() {
        assert!(RecordKey::new("payment:pay_00a").is_ok());
        for bad in ["", "a b", "a{b}", "a@b", &"x".repeat(201)] {
            assert!(RecordKey::new(bad).is_err(), "{bad}");
        }
    }
}
