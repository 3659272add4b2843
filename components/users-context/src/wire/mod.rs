//! The serde twins of the domain: bodies of records, events, requests and answers.
//!
//! What does not live here: any decision. A stored body is trusted as it was written: rules that became stricter since
//! do not lock an account out.

pub mod api;
pub mod body;
pub mod event;
