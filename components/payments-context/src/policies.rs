//! How the edge treats the routes of this context: whatever moves money goes first.

use route_policy::{Class, KeyScopes, RoutePolicy};

/// What an API key needs here.
pub const KEY_SCOPES: KeyScopes = KeyScopes { read: &["payments:read"], write: &["payments:write"] };

/// The moves of a payment and of the ledger, and what providers tell of them.
pub const POLICIES: &[RoutePolicy] = &[
    RoutePolicy::new("POST", "/v1/payments", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/confirm", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/capture", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/cancel", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/refunds", Class::Money),
    RoutePolicy::new("POST", "/v1/ledger/payouts", Class::Money),
    RoutePolicy::new("POST", "/v1/ledger/payouts/{id}/{step}", Class::Money),
    RoutePolicy::new("POST", "/v1/ledger/entries/{entry}/reversal", Class::Money),
    RoutePolicy::new("POST", "/v1/providers/{provider}/events", Class::Notice).ignoring_bearer(),
];
