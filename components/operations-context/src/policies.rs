//! How the edge treats the routes of this context: as reads and writes, by their method. API keys open none of them.

use route_policy::RoutePolicy;

/// No route is other than its method says.
pub const POLICIES: &[RoutePolicy] = &[];
