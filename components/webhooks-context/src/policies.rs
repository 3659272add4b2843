//! How the edge treats the routes of this context.

use route_policy::{Class, KeyScopes, RoutePolicy};

/// What an API key needs here.
pub const KEY_SCOPES: KeyScopes = KeyScopes { read: &["webhooks:read"], write: &["webhooks:write"] };

/// The catalogue answers from memory.
pub const POLICIES: &[RoutePolicy] = &[RoutePolicy::new("GET", "/v1/webhooks/event-types", Class::Free)];
