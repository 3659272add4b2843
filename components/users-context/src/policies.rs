//! How the edge treats the routes of this context.

use route_policy::{Class, RoutePolicy};

/// Routes that take a password, a code or a refresh token do not look at a bearer token: a client whose access token has
/// expired sends it along all the same.
pub const POLICIES: &[RoutePolicy] = &[
    RoutePolicy::new("POST", "/v1/users", Class::Credentials).ignoring_bearer(),
    RoutePolicy::new("POST", "/v1/sessions", Class::Credentials).ignoring_bearer(),
    RoutePolicy::new("POST", "/v1/sessions/refresh", Class::Credentials).ignoring_bearer(),
    RoutePolicy::new("POST", "/v1/sessions/step-up", Class::Credentials),
    RoutePolicy::new("POST", "/v1/users/password-reset", Class::Credentials).ignoring_bearer(),
    RoutePolicy::new("POST", "/v1/users/password-reset/confirm", Class::Credentials).ignoring_bearer(),
    // The receipt of an erasure is read by somebody who has no account any more.
    RoutePolicy::new("GET", "/v1/users/me/erasure/{id}", Class::Read).ignoring_bearer(),
    RoutePolicy::new("POST", "/v1/users/me/erasure", Class::Credentials),
    RoutePolicy::new("POST", "/v1/users/me/export", Class::Credentials),
    RoutePolicy::new("GET", "/.well-known/jwks.json", Class::Free),
];
