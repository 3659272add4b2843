//! What travels with one request through all layers and services: its trace and its deadline.

use ambient::Timestamp;
use axum_core::extract::FromRequestParts;
use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

/// A W3C trace id: 16 bytes, written as 32 hexadecimal digits; never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// From 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes).max(1))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(());
        }
        match u128::from_str_radix(text, 16) {
            Ok(value) if value != 0 => Ok(Self(value)),
            _ => Err(()),
        }
    }
}

/// The frame of one request: which trace it belongs to and when its answer must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestScope {
    /// The trace, from `traceparent` or new.
    pub trace: TraceId,
    /// When the caller stops waiting.
    pub deadline: Timestamp,
}

impl RequestScope {
    /// The time that is left at `now`, capped: what an outbound call may take.
    pub fn remaining(&self, now: Timestamp, cap: Duration) -> Duration {
        self.deadline.since(now).min(cap)
    }
}

/// The header that carries the trace on internal calls; stock Spin overwrites `traceparent` when it exports spans.
pub const TRACE_HEADER: HeaderName = HeaderName::from_static("x-spindrift-trace");
/// The header that carries the time left. **Units** whole milliseconds.
pub const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-request-timeout");

impl RequestScope {
    /// Writes trace and time left into the headers of a call to another service, so that it belongs to the same trace
    /// and gives up when the caller does.
    pub fn forward(&self, headers: &mut HeaderMap, now: Timestamp, cap: Duration) {
        if let Ok(trace) = HeaderValue::from_str(&self.trace.to_string()) {
            headers.insert(TRACE_HEADER, trace);
        }
        let left_ms = u64::try_from(self.remaining(now, cap).as_millis()).unwrap_or(u64::MAX);
        headers.insert(TIMEOUT_HEADER, HeaderValue::from(left_ms.max(1)));
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestScope {
    type Rejection = Infallible;

    /// Takes the frame that the edge made; in a test without an edge, a trace of one and a deadline far away.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(parts
            .extensions
            .get::<Self>()
            .copied()
            .unwrap_or(Self { trace: TraceId(1), deadline: Timestamp::from_unix_ms(i64::MAX) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_to_another_service_carries_the_trace_and_the_time_left() {
        let scope = RequestScope { trace: TraceId(7), deadline: Timestamp::from_unix_ms(2_500) };
        let mut headers = HeaderMap::new();
        scope.forward(&mut headers, Timestamp::from_unix_ms(1_000), Duration::from_secs(10));
        assert_eq!(headers["x-spindrift-trace"], "00000000000000000000000000000007");
        assert_eq!(headers["x-request-timeout"], "1500");
        scope.forward(&mut headers, Timestamp::from_unix_ms(9_000), Duration::from_secs(10));
        assert_eq!(headers["x-request-timeout"], "1", "never zero: the callee refuses a header of zero");
    }

    #[test]
    fn a_trace_id_is_32_lower_case_digits_and_not_zero() {
        assert!("0af7651916cd43dd8448eb211c80319c".parse::<TraceId>().is_ok());
        for bad in [
            "",
            "0AF7651916CD43DD8448EB211C80319C",
            "00000000000000000000000000000000",
            "+af7651916cd43dd8448eb211c80319c",
        ] {
            assert!(bad.parse::<TraceId>().is_err(), "{bad}");
        }
    }
}
