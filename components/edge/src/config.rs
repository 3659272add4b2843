//! What a function tells the edge about itself.

use crate::TokenKeys;
use crate::bearer::Bearer;
use crate::cors::Cors;
use crate::limits::{LimitTable, Limits};
use access_token::Verifier;
use ambient::{Clock, Random, Sleep};
use api_key::Keys;
use core::time::Duration;
use limiter::Limiter;
use redis_latency::RedisLatency;
use request_metrics::MetricsSink;
use route_policy::{KeyScopes, RoutePolicy};
use std::sync::Arc;

/// The longest that a request may take, unless configured otherwise.
const DEADLINE: Duration = Duration::from_secs(10);
/// The most bytes that a body may have, unless configured otherwise.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// The configuration of one function's edge.
pub struct EdgeConfig {
    pub(crate) service: &'static str,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) sleep: Arc<dyn Sleep>,
    pub(crate) bearer: Option<Bearer>,
    pub(crate) keys: Option<(Arc<dyn Keys>, KeyScopes)>,
    pub(crate) cors: Cors,
    pub(crate) trusted_hops: u8,
    pub(crate) deadline: Duration,
    pub(crate) body_limit_bytes: usize,
    pub(crate) metrics: Option<Arc<dyn MetricsSink>>,
    pub(crate) policies: &'static [RoutePolicy],
    pub(crate) limits: Option<Limits>,
    pub(crate) latency: Option<RedisLatency>,
}

impl EdgeConfig {
    /// The edge of `service`: no tokens, no other origins, 10 s, 1 MiB, no limits, no metrics.
    pub fn new(service: &'static str, clock: Arc<dyn Clock>, random: Arc<dyn Random>, sleep: Arc<dyn Sleep>) -> Self {
        Self {
            service,
            clock,
            random,
            sleep,
            bearer: None,
            keys: None,
            cors: Cors::default(),
            trusted_hops: 0,
            deadline: DEADLINE,
            body_limit_bytes: BODY_LIMIT_BYTES,
            metrics: None,
            policies: &[],
            limits: None,
            latency: None,
        }
    }

    /// Verifies access tokens. Without this, `Authorization` is left to the routes.
    #[must_use]
    pub fn bearer(mut self, verifier: Verifier, keys: TokenKeys) -> Self {
        self.bearer = Some(Bearer::new(verifier, keys));
        self
    }

    /// Believes API keys, too, as far as the context's scopes go. Without this a key is refused wherever a token is read.
    #[must_use]
    pub fn api_keys(mut self, keys: Arc<dyn Keys>, scopes: KeyScopes) -> Self {
        self.keys = Some((keys, scopes));
        self
    }

    /// Lets browsers call from these origins, separated by whitespace, such as `https://app.example`.
    #[must_use]
    pub fn cors_origins(mut self, origins: &str) -> Self {
        self.cors = Cors::new(origins);
        self
    }

    /// How the routes of the context are treated; those that are not named as their method says.
    #[must_use]
    pub fn policies(mut self, policies: &'static [RoutePolicy]) -> Self {
        self.policies = policies;
        self
    }

    /// Limits how much a caller may do.
    #[must_use]
    pub fn limits(mut self, limiter: Arc<dyn Limiter>, table: LimitTable) -> Self {
        self.limits = Some(Limits::new(limiter, table, Arc::clone(&self.clock)));
        self
    }

    /// Turns requests away while Redis is slow, payments last.
    #[must_use]
    pub fn sheds_by(mut self, latency: RedisLatency) -> Self {
        self.latency = Some(latency);
        self
    }

    /// How many proxies in front are believed when they say where the caller is and that it came over https.
    #[must_use]
    pub fn trusted_hops(mut self, hops: u8) -> Self {
        self.trusted_hops = hops;
        self
    }

    /// The longest that a request may take; a caller may ask for less.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The most bytes that a body may have.
    #[must_use]
    pub fn body_limit_bytes(mut self, bytes: usize) -> Self {
        self.body_limit_bytes = bytes;
        self
    }

    /// Where each request is counted.
    #[must_use]
    pub fn metrics(mut self, sink: Arc<dyn MetricsSink>) -> Self {
        self.metrics = Some(sink);
        self
    }
}
