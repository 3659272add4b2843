//! What a token says.

use serde::{Deserialize, Serialize};

/// The claims of an access token.
///
/// **Shape** `{"iss":"https://id.example","sub":"usr_00…","aud":"spindrift","exp":1767226200,"nbf":1767225600,
/// "iat":1767225600,"jti":"…","sid":"ses_00…","scope":"payments:read payments:write","roles":[],"acr":"1"}`.
/// A claim that appears twice is refused; one that is not known here is ignored. **Source** RFC 7519, RFC 9068.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whose it is: an account such as `usr_00…`.
    pub sub: String,
    /// For whom it is meant.
    pub aud: String,
    /// When it expires, in seconds since the epoch.
    pub exp: i64,
    /// From when it holds, in seconds since the epoch.
    pub nbf: i64,
    /// When it was issued, in seconds since the epoch.
    pub iat: i64,
    /// Its own name, unique.
    pub jti: String,
    /// The login it came from, such as `ses_00…`; none for other grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What it allows, separated by single spaces.
    #[serde(default)]
    pub scope: String,
    /// Roles such as `operator`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How strongly the person proved who they are: `1` a password, `2` a second factor.
    pub acr: String,
}
