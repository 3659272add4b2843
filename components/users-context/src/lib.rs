//! Identity: accounts, logins, sessions and the tokens that the other services believe.
//!
//! What lives here: `domain` (nouns and decisions), `app` (one use case a file), `wire` (bodies of records, events,
//! requests and answers), `http` (the routes), and the client of the hasher. What does not: hashing itself (the
//! `hasher` component), verifying tokens (`access-token`, by the edge of each service), and any message to a person
//! (the notifications context, from our events).

pub mod app;
mod asked;
pub mod domain;
mod hasher_client;
mod hashing;
pub mod http;
mod issuer;
mod policies;
mod state;
#[cfg(test)]
mod testing;
mod trail;
pub mod wire;

pub use asked::Asked;
pub use hasher_client::HasherClient;
pub use hashing::{HashingError, PasswordHashing};
pub use http::PROBLEMS;
pub use issuer::{Issuer, UnusableKeys};
pub use policies::POLICIES;
pub use state::{Access, Privacy, Users};
