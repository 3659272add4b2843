//! The document of all events (AsyncAPI 3.0): put together from what each context's wire crate says, held against what is
//! committed.
//!
//! What lives here: the document, what of it may not change without a new version of an event, and whether the examples fit
//! their schemas. What does not: descriptions of events; they stand beside the wire types, and `cargo xtask asyncapi` writes
//! docs/asyncapi.json from them.

mod compatibility;
mod document;
mod examples;

pub use compatibility::incompatible;
pub use document::{Hears, document};
pub use examples::misfits;

use event_catalogue::EventType;

/// Every type of event of every context.
pub fn catalogue() -> Vec<EventType> {
    [users_wire::catalogue(), payments_wire::catalogue(), notifications_wire::catalogue(), webhooks_wire::catalogue()]
        .concat()
}

/// The document's text on disk.
pub fn text(document: &serde_json::Value) -> String {
    api_document::text(document)
}
