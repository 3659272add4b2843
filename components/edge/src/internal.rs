//! Routes for other services: whoever calls them shows a service token made for this context.

use crate::bearer::token_of;
use ambient::Clock;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{Method, header};
use problem::{Problem, UNAUTHENTICATED};
use service_token::{ServiceTokenError, ServiceTokens};
use std::sync::Arc;

/// The path below which routes are for services only. Bearer tokens of persons are not looked at there.
pub(crate) const PREFIX: &str = "/internal/";

#[derive(Clone)]
struct Guard {
    context: &'static str,
    tokens: ServiceTokens,
    clock: Arc<dyn Clock>,
}

/// Guards the routes of `/internal/<context>/…`: without a service token for `context` the answer is 401.
///
/// `GET /internal/<context>/readyz` alone wants none: probes of Kubernetes carry no token, and it tells no more than the
/// gateway's public `/readyz`.
///
/// Guard first, then merge with the public routes and wrap both in [`crate::public`].
pub fn internal(router: Router, context: &'static str, tokens: ServiceTokens, clock: Arc<dyn Clock>) -> Router {
    router.layer(from_fn_with_state(Guard { context, tokens, clock }, check))
}

async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if is_probe(&request, guard.context) {
        return next.run(request).await;
    }
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let token =
        values.next().and_then(|value| value.to_str().ok()).and_then(token_of).filter(|_| values.next().is_none());
    let verdict = match token {
        Some(token) => guard.tokens.verify(token, guard.context, guard.clock.now()),
        None => Err(ServiceTokenError::Shape),
    };
    match verdict {
        Ok(()) => next.run(request).await,
        Err(error) => Problem::new(UNAUTHENTICATED).challenge("Bearer").caused_by(&error).into_response(),
    }
}

/// Whether this asks for nothing but readiness.
fn is_probe(request: &Request, context: &str) -> bool {
    let path = request.uri().path().strip_prefix(PREFIX).and_then(|path| path.strip_prefix(context));
    matches!(*request.method(), Method::GET | Method::HEAD) && path == Some("/readyz")
}
