//! One request from the host to the router and back, in one TCP segment where it is small.

use crate::StartError;
use axum::Router;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use core::time::Duration;
use http_body::Body as _;
use problem::{MALFORMED, Problem, UNAVAILABLE};
use request_metrics::RedisMetrics;
use spin_sdk::http::FromRequest;
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};
use spin_sdk::wasip3::http_compat::http_into_wasi_response;
use spin_sdk::wit_bindgen;
use std::sync::{Arc, OnceLock};
use telemetry::Level;
use tower::ServiceExt;

/// How often the handler lets others run before it gives the response away. Four sufficed on stock Spin.
const YIELDS: u32 = 4;
/// How long counts are gathered before they go to Redis.
const GATHER: Duration = Duration::from_millis(250);

/// What an instance keeps between requests: the router in its layers, and where requests are counted.
pub struct Front {
    service: &'static str,
    router: Router,
    metrics: Option<Arc<RedisMetrics>>,
}

impl Front {
    /// A function's front; `router` wears its layers already.
    pub fn new(service: &'static str, router: Router) -> Self {
        Self { service, router, metrics: None }
    }

    /// Sends these counts to Redis soon after a request was answered.
    #[must_use]
    pub fn metrics(mut self, metrics: Arc<RedisMetrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }
}

/// Answers one request; [`crate::http!`] calls it.
///
/// # Errors
/// None that a caller can cause: an error would become an empty 500, so every failure is a problem document. The error
/// is left for a host that refuses even that.
pub async fn handle<F>(
    front: &'static OnceLock<Front>,
    start: impl FnOnce() -> F,
    request: Request,
) -> Result<Response, ErrorCode>
where
    F: Future<Output = Result<Front, StartError>>,
{
    let front = match front.get() {
        Some(front) => front,
        // Two first requests may both start; the second result is dropped.
        None => match start().await {
            Ok(started) => front.get_or_init(|| started),
            Err(error) => {
                telemetry::log(
                    Level::Error,
                    "start",
                    "the function cannot start",
                    &"",
                    &[("cause", error.to_string().as_str().into())],
                );
                return give(Problem::new(UNAVAILABLE).retry_after_s(5).into_response()).await;
            }
        },
    };
    let answer = match spin_sdk::http::Request::from_request(request) {
        Ok(request) => match front.router.clone().oneshot(request.map(Body::new)).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        },
        Err(_) => Problem::new(MALFORMED).into_response(),
    };
    if let Some(metrics) = front.metrics.as_ref().filter(|metrics| metrics.wants_flush()) {
        flush_later(front.service, Arc::clone(metrics));
    }
    give(answer).await
}

/// Gives the answer to the host.
///
/// Spin sets no TCP_NODELAY. If the head left before the body was pending, a client on a keep-alive connection would
/// wait about 40 ms for the body (Nagle's algorithm against the delayed acknowledgement). A stream is not held back.
async fn give(mut answer: axum::response::Response) -> Result<Response, ErrorCode> {
    if matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        // The router adds a length of zero, which has no place here or is a lie (RFC 9110, 8.6).
        answer.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let whole = answer.body().size_hint().exact().is_some();
    let response = http_into_wasi_response(answer)?;
    if whole {
        for _ in 0..YIELDS {
            wit_bindgen::yield_async().await;
        }
    }
    Ok(response)
}

/// Adds the counts to Redis a little later, in the task of this request: that keeps the instance alive for as long.
fn flush_later(service: &'static str, metrics: Arc<RedisMetrics>) {
    wit_bindgen::spawn(async move {
        spin_sdk::time::sleep(GATHER).await;
        if let Err(error) = metrics.flush().await {
            telemetry::log(
                Level::Warn,
                service,
                "counts were lost",
                &"",
                &[("cause", error.to_string().as_str().into())],
            );
        }
    });
}
