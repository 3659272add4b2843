//! How the edge treats the routes of this context.

use route_policy::KeyScopes;

/// What an API key needs here.
pub const KEY_SCOPES: KeyScopes = KeyScopes { read: &["notifications:read"], write: &["notifications:write"] };
