//! The fields that tell a caller about its limits. **Source** draft-ietf-httpapi-ratelimit-headers-11.

use super::whole_seconds;
use core::fmt::Write;
use http::{HeaderMap, HeaderName, HeaderValue};
use limiter::{Demand, Verdict};

/// What the limits are. **Shape** `"read.user";q=6000;w=60`, an item a limit.
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Where the caller stands. **Shape** `"read.user";r=5999;t=1`: units left, seconds until all are there again.
pub(crate) const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// Both fields; empty where nothing was decided.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    policy: String,
    standing: String,
}

impl Fields {
    pub(crate) fn new(demands: &[Demand], verdict: &Verdict) -> Self {
        let (Verdict::Granted(standings) | Verdict::Refused { standings, .. }) = verdict;
        let mut fields = Self::default();
        for (place, (demand, standing)) in demands.iter().zip(standings).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let (name, units, window_s) = (&demand.policy, demand.quota.units(), demand.quota.window_s());
            let full_in_s = if standing.full_in.is_zero() { 0 } else { whole_seconds(standing.full_in) };
            // Writing into a String cannot fail.
            let _ = write!(fields.policy, "{comma}\"{name}\";q={units};w={window_s}");
            let _ = write!(fields.standing, "{comma}\"{name}\";r={};t={full_in_s}", standing.remaining);
        }
        fields
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [(POLICY, &self.policy), (STANDING, &self.standing)] {
            if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
                headers.insert(name, value);
            }
        }
    }
}
