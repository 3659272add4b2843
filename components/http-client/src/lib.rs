//! Port: outbound HTTP, always with a deadline.
//!
//! What lives here: the call, its errors sorted by what the caller may conclude, and a scripted double. What does not:
//! retries (the caller knows what is safe to repeat) and the platform's client.

mod scripted;

pub use scripted::ScriptedHttp;

use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;

/// Why there is no response, sorted by what it says of the request's effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request never left: host not allowed, no address, connection refused. It had no effect.
    #[error("the request was not sent: {0}")]
    NotSent(String),
    /// The connection broke or the deadline passed: the effect is unknown.
    #[error("the answer was lost: {0}")]
    Lost(String),
    /// The answer is larger than the client takes. The effect is unknown.
    #[error("the answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The most that the client reads.
        limit_bytes: usize,
    },
}

/// Sends requests to the hosts that the component was granted.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends one request and reads the whole response, within `timeout` altogether.
    ///
    /// Any status is a response, not an error; redirects are not followed.
    async fn send(&self, request: http::Request<Bytes>, timeout: Duration) -> Result<http::Response<Bytes>, HttpError>;
}

/// Sends requests to somebody who is not trusted. Apart from [`HttpClient`], so that only whoever calls strangers carries it.
#[async_trait]
pub trait PeekingClient: Send + Sync {
    /// Sends one request within `timeout`: of the body at most the first bytes are read, for a moment more, and whatever
    /// becomes of the rest (too long, too slow, cut off) changes nothing about the response.
    ///
    /// Any status is a response, not an error; redirects are not followed.
    async fn send_peeking(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
        most_bytes: usize,
    ) -> Result<http::Response<Bytes>, HttpError>;
}
