//! How the edge treats the routes of the front desk: most of them answer from memory.

use route_policy::{Class, RoutePolicy};

/// Readiness asks every service and the metrics read much: they are counted as reads.
pub const POLICIES: &[RoutePolicy] = &[
    RoutePolicy::new("GET", "/", Class::Free),
    RoutePolicy::new("GET", "/livez", Class::Free),
    RoutePolicy::new("GET", "/docs", Class::Free),
    RoutePolicy::new("GET", "/openapi.json", Class::Free),
    RoutePolicy::new("GET", "/asyncapi.json", Class::Free),
    RoutePolicy::new("GET", "/problems", Class::Free),
    RoutePolicy::new("GET", "/problems/{slug}", Class::Free),
];
