//! The way of one request through the edge, outermost first. Each step lives in a file of its own.

use crate::{EdgeConfig, body, errors, frame, idempotency, internal, security};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use core::pin::pin;
use futures::future::{Either, select};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use principal::RequestScope;
use problem::{DEADLINE_EXCEEDED, HEADERS_TOO_LARGE, Problem};
use request_metrics::Sample;
use std::sync::Arc;
use telemetry::{Level, Value};

/// The most bytes that names and values of all headers may have together: a token has at most 4 KiB.
const MOST_HEADER_BYTES: usize = 16 * 1024;

/// Frames the request, runs it against its deadline, completes the answer, counts it and logs it.
pub(crate) async fn run(State(edge): State<Arc<EdgeConfig>>, request: Request, next: Next) -> Response {
    let started = edge.clock.now();
    let is_internal = request.uri().path().starts_with(internal::PREFIX);
    let (scope, malformed) = frame::scope(request.headers(), is_internal, edge.random.as_ref(), started, edge.deadline);
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let secure = security::is_secure(request.headers(), edge.trusted_hops);
    let authenticated = request.headers().contains_key(header::AUTHORIZATION);
    let origin = edge.cors.allows(request.headers());

    let answer = match malformed {
        Some(problem) => problem.into_response(),
        None => against_deadline(&edge, scope, request, next, is_internal).await,
    };

    let (mut answer, problem) = errors::finish(answer, scope.trace);
    security::finish(answer.headers_mut(), secure, authenticated);
    edge.cors.finish(origin, answer.headers_mut());
    if let Ok(trace) = HeaderValue::from_str(&scope.trace.to_string()) {
        answer.headers_mut().insert("x-request-id", trace);
    }
    give_length(&mut answer);

    let duration = edge.clock.now().since(started);
    let sample = Sample { method, route, status: answer.status().as_u16(), duration };
    log(&edge, scope, &sample, problem.as_ref());
    if let Some(metrics) = &edge.metrics {
        metrics.record(sample);
    }
    answer
}

/// The inner steps, given up when the deadline passes. The timer is made only once the request waits for something.
async fn against_deadline(
    edge: &EdgeConfig,
    scope: RequestScope,
    request: Request,
    next: Next,
    is_internal: bool,
) -> Response {
    let remaining = scope.remaining(edge.clock.now(), edge.deadline);
    let inner = pin!(enter(edge, scope, request, next, is_internal));
    let timer = pin!(async { edge.sleep.sleep(remaining).await });
    match select(inner, timer).await {
        Either::Left((answer, _)) => answer.unwrap_or_else(IntoResponse::into_response),
        Either::Right(((), _)) => Problem::new(DEADLINE_EXCEEDED).into_response(),
    }
}

/// From the caller's request to the one that the routes see.
async fn enter(
    edge: &EdgeConfig,
    scope: RequestScope,
    request: Request,
    next: Next,
    is_internal: bool,
) -> Result<Response, Problem> {
    if header_bytes(request.headers()) > MOST_HEADER_BYTES {
        return Err(Problem::new(HEADERS_TOO_LARGE).member("limit_bytes", MOST_HEADER_BYTES));
    }
    if let Some(answer) = edge.cors.preflight(request.method(), request.headers()) {
        return Ok(answer);
    }
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(scope);
    if let Some(bearer) = edge.bearer.as_ref().filter(|_| !is_internal)
        && let Some(principal) = bearer.authenticate(&parts.headers, edge.clock.now()).await?
    {
        parts.extensions.insert(principal);
    }
    let bytes = body::read(&parts, body, edge.body_limit_bytes).await?;
    if let Some(idempotency) = idempotency::find(&parts, &bytes)? {
        parts.extensions.insert(idempotency);
    }
    Ok(next.run(Request::from_parts(parts, Body::from(bytes))).await)
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Every answer that is not a stream says how long it is: chunks would cost a second TCP segment.
fn give_length(answer: &mut Response) {
    if answer.status() == StatusCode::NO_CONTENT || answer.headers().contains_key(header::CONTENT_LENGTH) {
        return;
    }
    if let Some(bytes) = answer.body().size_hint().exact() {
        answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
}

/// One line a request; a failure of ours carries the chain of errors behind it, and nothing else logs it again.
fn log(edge: &EdgeConfig, scope: RequestScope, seen: &Sample, problem: Option<&Problem>) {
    let level = if seen.status >= 500 { Level::Error } else { Level::Info };
    let duration_ms = i64::try_from(seen.duration.as_millis()).unwrap_or(i64::MAX);
    let mut fields: Vec<(&str, Value<'_>)> = vec![
        ("method", seen.method.into()),
        ("route", seen.route.as_str().into()),
        ("status", i64::from(seen.status).into()),
        ("duration_ms", duration_ms.into()),
    ];
    if let Some(problem) = problem {
        fields.push(("problem", problem.kind().slug.into()));
        if let Some(cause) = problem.cause() {
            fields.push(("cause", cause.into()));
        }
    }
    telemetry::log(level, edge.service, "request", &scope.trace, &fields);
}

/// The methods that are counted apart: a caller may invent any other.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
