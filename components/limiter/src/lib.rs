//! Port: how much somebody may do in a while.
//!
//! What lives here: quotas and the arithmetic behind them (`bucket`), the call that decides all limits of one request
//! at once, and short leases that spare most of those calls (`leasing`). What does not: which route has which limit
//! (`edge`), where the state lies (`limiter-redis`, `limiter-memory`).
//!
//! A quota is a bucket: it holds at most `units`, flows full again within `window_s` seconds, and whoever finds no unit
//! in it waits for the next. So a caller may spend all of it at once and then goes on at its pace; there is no boundary
//! between two windows at which twice as much would be allowed.

mod bucket;
mod leasing;

pub use bucket::{Bucket, Taken};
pub use leasing::Leasing;

use async_trait::async_trait;
use core::time::Duration;
use std::sync::Arc;

/// So many units in so many seconds; neither is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    units: u32,
    window_s: u32,
}

impl Quota {
    /// A quota; `None` where a number is zero or larger than a million, or there are more units than microseconds.
    pub const fn new(units: u32, window_s: u32) -> Option<Self> {
        if units == 0 || window_s == 0 || units > 1_000_000 || window_s > 1_000_000 {
            return None;
        }
        Some(Self { units, window_s })
    }

    /// How many units the bucket holds.
    pub const fn units(self) -> u32 {
        self.units
    }

    /// In how long it fills. **Units** seconds.
    pub const fn window_s(self) -> u32 {
        self.window_s
    }

    /// How long one unit takes to flow in. **Units** microseconds, at least one.
    pub const fn interval_us(self) -> i64 {
        // Both are at most a million, so that nothing overflows and the quotient is at least one.
        self.window_s as i64 * 1_000_000 / self.units as i64
    }
}

/// One limit that a request must be within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Which policy, such as `read.user`; a part of the bucket's name.
    pub policy: Arc<str>,
    /// Whose bucket: an account, an API key, a network. It may be personal data: adapters keep no more than a digest.
    pub subject: Arc<str>,
    /// How large the bucket is.
    pub quota: Quota,
    /// How many units to take; fewer are taken where there are fewer, and one is the least.
    pub wanted: u32,
    /// Units of an earlier call that were not used.
    pub returned: u32,
}

impl Demand {
    /// One unit of somebody's bucket.
    pub fn one(policy: impl Into<Arc<str>>, subject: impl Into<Arc<str>>, quota: Quota) -> Self {
        Self { policy: policy.into(), subject: subject.into(), quota, wanted: 1, returned: 0 }
    }
}

/// One bucket after the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many units were taken; none where the request is refused.
    pub taken: u32,
    /// How many are left.
    pub remaining: u32,
    /// When it is full again.
    pub full_in: Duration,
}

/// What was decided; a standing for each demand, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Each bucket had a unit, and gave it.
    Granted(Vec<Standing>),
    /// At least one bucket was empty; no bucket gave anything.
    Refused {
        /// Each bucket, unchanged but for what was returned.
        standings: Vec<Standing>,
        /// The place of the demand that has to wait longest.
        by: usize,
        /// How long until it has a unit again.
        retry_after: Duration,
    },
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the limiter does not answer: {0}")]
pub struct LimiterError(pub String);

/// Decides whether a request is within its limits, and counts it if it is.
#[async_trait]
pub trait Limiter: Send + Sync {
    /// Takes from every bucket or from none. Without a demand the answer is [`Verdict::Granted`].
    ///
    /// # Errors
    /// [`LimiterError`] when nothing can be said; whether something was counted is unknown then.
    async fn decide(&self, demands: &[Demand]) -> Result<Verdict, LimiterError>;
}
