//! What travels with one request through all layers and services: its trace and its deadline.

use ambient::Timestamp;
use axum_core::extract::FromRequestParts;
use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use http::request::Parts;

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
    fn a_trace_id_is_32_lower_case_digits_and_not_zero() {
        assert!("0af7651916cd43dd8448eb211c80319c".parse::<TraceId>().is_ok());
        for bad in ["", "0AF7651916CD43DD8448EB211C80319C", "00000000000000000000000000000000", "+af7651916cd43dd8448eb211c80319c"] {
            assert!(bad.parse::<TraceId>().is_err(), "{bad}");
        }
    }
}
