//! How the edge treats the routes of this context: whatever moves money goes first.

use route_policy::{Class, RoutePolicy};

/// The moves of a payment.
pub const POLICIES: &[RoutePolicy] = &[
    RoutePolicy::new("POST", "/v1/payments", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/confirm", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/capture", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/cancel", Class::Money),
    RoutePolicy::new("POST", "/v1/payments/{id}/refunds", Class::Money),
];
