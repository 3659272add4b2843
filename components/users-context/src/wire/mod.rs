//! The serde twins of the domain: bodies of records, events, requests and answers.
//!
//! What does not live here: any decision. A stored body is trusted as it was written: rules that became stricter since
//! do not lock an account out.

pub mod admin;
pub mod api;
pub mod body;
pub mod codes;
pub mod credentials;
pub mod event;
pub mod factor;
pub mod keys;
pub mod session;
pub mod trail;
