//! Queries: read models from events alone.
//!
//! What lives here: the views and how each takes in an event (`domain`), the projections and the overview (`app`),
//! stored and public shapes (`wire`), event dispatch (`consume`), the worker's rounds (`work`) and the routes (`http`).
//! What does not: calls to other services, the platform, the streams' mechanics and the edge.
//!
//! **One commit an event.** A view is a record; the version in it decides whether an event is new. Every number that
//! the event changes is changed by that same commit: counts are sizes of indexes, totals are balances. Nothing is added
//! up twice, nothing is lost between two commits, and any order of any repetitions ends in the same overview.

pub mod app;
mod consume;
#[cfg(test)]
mod determinism;
pub mod domain;
#[cfg(test)]
mod fixtures;
pub mod http;
mod keys;
mod policies;
pub mod wire;
mod work;

pub use app::Freshness;
pub use consume::{GROUP, HEARS, Projector};
pub use http::Queries;
pub use keys::GATHERED;
pub use policies::KEY_SCOPES;
pub use work::{Drained, Round, RoundError, Work};

/// The kinds of problem that are this context's own: none, the shared ones say everything.
pub const PROBLEMS: &[problem::Kind] = &[];
