//! What operators see of events, and what they do about those that no consumer could handle.
//!
//! What lives here: looking into streams, groups and dead letters of all contexts; replaying, editing and purging letters,
//! each act once and in the audit trail before it takes effect. What does not: handling events (the groups do) and
//! appending them (only the commit of a record does). Nothing here reads a record of another context, or can.

pub mod app;
pub mod domain;
pub mod http;
mod policies;
mod state;
pub mod wire;

pub use http::{PROBLEMS, READ, WRITE, api};
pub use policies::POLICIES;
pub use state::{Operations, Service};

#[cfg(test)]
mod testing;
