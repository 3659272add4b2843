//! The front desk: what there is, whether it is well, how much it does, and what its problems mean.
//!
//! What lives here: `/`, `/livez`, `/readyz`, `/metrics`, `/problems/{slug}`, `/openapi.json`,
//! `/asyncapi.json` and `/docs`. What does not: requests of the services
//! (Spin's router sends them straight there) and anything that changes data: the front desk only reads.

mod app;
mod http;
mod policies;
mod wire;

pub use app::catalogue::{ProblemRow, catalogue};
pub use http::{PROBLEMS, api, routes};
pub use policies::POLICIES;

use ambient::Clock;
use events::{EventInspection, EventStatistics, StreamName};
use http_client::HttpClient;
use redis_client::Redis;
use service_token::ServiceTokens;
use std::sync::Arc;

/// A service behind the front desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its context, such as `users`: the name in keys, tokens and paths.
    pub name: &'static str,
    /// Where it answers, without a path, such as `http://users.spin.internal`.
    pub url: String,
}

/// What the front desk needs; the state of its routes.
#[derive(Clone)]
pub struct Gateway {
    /// The services, in the order in which they are listed.
    pub peers: Arc<[Peer]>,
    /// Their streams of events, one a partition.
    pub streams: Arc<[StreamName]>,
    /// Asks the services whether they are ready.
    pub http: Arc<dyn HttpClient>,
    /// Shows them that it is the front desk that asks.
    pub service_tokens: ServiceTokens,
    /// The time, for tokens and deadlines.
    pub clock: Arc<dyn Clock>,
    /// Reads the counts and the trial balance, with a user that may do no more.
    pub redis: Arc<dyn Redis>,
    /// Reads how far the groups are.
    pub statistics: Arc<dyn EventStatistics>,
    /// Reads what lies in streams and what waits behind them.
    pub inspection: Arc<dyn EventInspection>,
    /// The token that opens `/metrics`; empty closes it.
    pub metrics_token: Arc<str>,
}

#[cfg(test)]
mod tests;
