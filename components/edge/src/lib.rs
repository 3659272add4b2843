//! The edge: what every public function wears, as a layer around its router.
//!
//! What lives here: trace, deadline and client address of a request, body limit and content type, the Idempotency-Key with its
//! fingerprint, bearer tokens, API keys, service tokens of `/internal`, CORS, security headers, problem documents for everything
//! that fails, conditional requests, rate limits, shedding, metrics and one log line a request. What does not: routes and decisions (the
//! contexts), the platform (`edge-spin`), counting (`limiter`).
//!
//! A function wires it up in one expression:
//!
//! ```text
//! edge::public(
//!     users_context::routes(state.clone())
//!         .merge(edge::internal(users_context::internal_routes(state), "users", service_tokens, clock)),
//!     edge::EdgeConfig::new("users", clock, random, sleep).bearer(verifier, keys).cors_origins(&origins).metrics(sink),
//! )
//! ```
//!
//! **Invariant** no header of the caller's becomes an identity: contexts find a [`principal::Principal`] in the request's
//! extensions if and only if a token was verified here.

mod address;
mod bearer;
mod body;
mod conditional;
mod config;
mod cors;
mod errors;
mod flow;
mod frame;
mod idempotency;
mod internal;
mod keys;
mod limits;
mod security;
mod shedding;

pub use config::EdgeConfig;
pub use internal::internal;
pub use keys::TokenKeys;
pub use limits::{InvalidLimits, LimitTable};

use axum::Router;
use axum::middleware::from_fn_with_state;
use problem::{METHOD_NOT_ALLOWED, NOT_FOUND, Problem};
use std::sync::Arc;

/// Wraps a router in all layers; what it does not route is a 404 or 405 problem.
pub fn public(router: Router, config: EdgeConfig) -> Router {
    router
        .fallback(async || Problem::new(NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::new(METHOD_NOT_ALLOWED))
        .layer(from_fn_with_state(Arc::new(config), flow::run))
}

#[cfg(test)]
mod tests;
