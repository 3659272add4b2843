//! The use cases, a file each.

mod acts;
mod audit;
mod carry_out;
mod error;
mod events;
mod letters;
mod many;
mod one;
mod streams;

pub use acts::{act, acts};
pub use audit::{audit, verify};
pub use carry_out::Asked;
pub use error::OperationsError;
pub use events::entries;
pub use letters::{depths, letter, letters};
pub use many::{purge_many, replay_many};
pub use one::{edit, purge, replay};
pub use streams::{groups, stream, streams};

/// An answer on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status and body.
    pub answer: records::Answer,
    /// Whether it was given before.
    pub replayed: bool,
}

use crate::{Operations, Service};
use ::events::{EntryId, StreamName};

/// A service's stream in a partition, 0 where nothing is said.
fn stream_of(service: &Service, partition: Option<u8>) -> Result<&StreamName, OperationsError> {
    service.stream(partition.unwrap_or(0)).ok_or(OperationsError::NotFound)
}

/// The context of this name.
fn service<'a>(house: &'a Operations, name: &str) -> Result<&'a Service, OperationsError> {
    house.service(name).ok_or(OperationsError::NotFound)
}

/// Entries of a page, unless the caller says otherwise.
const PAGE: u32 = 20;

/// How many entries a page has.
fn page(limit: Option<u32>, unsaid: u32) -> Result<u32, OperationsError> {
    let limit = limit.unwrap_or(unsaid);
    if (1..=records::MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(OperationsError::invalid("limit", &format!("a page has 1 to {} entries", records::MAX_PAGE)))
}

/// An entry that the caller names.
fn entry(field: &'static str, text: &str) -> Result<EntryId, OperationsError> {
    text.parse().map_err(|_| OperationsError::invalid(field, "it is an entry such as 1767225600000-0"))
}
