//! Counts of requests: a sample a request, gathered in the instance, added to Redis in one script now and then.
//!
//! What lives here: the sample, the sink, the layout in Redis, and reading it back. What does not: when to flush
//! (`edge-spin`), what a request is (`edge`), Prometheus text (`gateway-context`).
//!
//! **Layout** a hash `{<context>/metrics}:http`: a field `r|<method>|<route>|<status>` for each kind of request, fields
//! `h|<upper bound in ms>` and `h|inf` for each bucket of the histogram (not cumulative), and `sum_ms`. Routes are
//! templates, so the number of fields is bounded by the route table.

mod counts;
mod gather;

pub use counts::{Counts, RequestCount, read};
pub use gather::RedisMetrics;

use core::time::Duration;

/// Upper bounds of the histogram. **Units** milliseconds, inclusive; beyond them is one bucket more.
pub const BUCKETS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/// One request, as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The method; anything unusual is `OTHER`.
    pub method: &'static str,
    /// The route's template, such as `/v1/payments/{id}`, or `none`.
    pub route: String,
    /// The status of the answer.
    pub status: u16,
    /// From the first byte seen to the answer, by a clock of milliseconds: one request may be a millisecond off, sums
    /// over many are not.
    pub duration: Duration,
}

/// Where samples go; must not wait.
pub trait MetricsSink: Send + Sync {
    /// Takes one sample.
    fn record(&self, sample: Sample);
}

/// The Redis key of a context's counts.
fn key(context: &str) -> String {
    format!("{{{context}/metrics}}:http")
}
