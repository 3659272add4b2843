//! How the edge treats the routes of this context.

use route_policy::{Class, KeyScopes, RoutePolicy};

/// What an API key needs here.
pub const KEY_SCOPES: KeyScopes = KeyScopes { read: &["notifications:read"], write: &["notifications:write"] };

/// The links of letters carry a proof of their own, notices of providers theirs; both may come as forms. A number that is
/// named rings somebody's telephone, and a code may be guessed.
pub const POLICIES: &[RoutePolicy] = &[
    RoutePolicy::new("GET", "/v1/notifications/unsubscribe/{token}", Class::Read).ignoring_bearer(),
    RoutePolicy::new("POST", "/v1/notifications/unsubscribe/{token}", Class::Notice).ignoring_bearer().taking_forms(),
    RoutePolicy::new("POST", "/v1/notifications/providers/{provider}/notices", Class::Notice)
        .ignoring_bearer()
        .taking_forms(),
    RoutePolicy::new("PUT", "/v1/notifications/phone", Class::Credentials),
    RoutePolicy::new("POST", "/v1/notifications/phone/confirm", Class::Credentials),
];
