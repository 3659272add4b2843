//! What a context told, across the pages of its archive and its stream, for the other services of the house: the route
//! `GET /internal/<context>/events` of the owner, its answer, and the client.
//!
//! What lives here: the wire, once for every context that tells events. What does not: reading pages and stream (the port
//! [`EventHistory`], which `records-redis` serves), the token that opens the route (`edge` checks it), and what becomes of
//! an event. Pages lie in the owner's own key-value store, which nobody else may open (docs/decisions/0014): so the owner
//! serves them.
//!
//! docs/events.md describes the route for those who read history from a function of their own.

mod client;
mod route;
mod wire;

pub use client::HttpHistory;
pub use route::routes;
pub use wire::{ToldAnswer, ToldItem};

use events::EventHistory;
use std::sync::Arc;

/// What each partition of a context told; the first one is partition 0.
pub type Histories = Vec<Arc<dyn EventHistory>>;
