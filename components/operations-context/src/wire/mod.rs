//! The shapes on the wire and in the store.

pub mod act;
pub mod audit;
pub mod event;
pub mod letter;
pub mod request;
pub mod stored;
pub mod stream;

use ambient::Timestamp;
use events::EntryId;

/// When an entry was appended.
pub(crate) fn born(entry: EntryId) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(entry.unix_ms).unwrap_or(i64::MAX))
}
