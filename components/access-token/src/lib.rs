//! Access tokens: JWTs (RFC 9068) signed with Ed25519, and the key set that verifies them.
//!
//! What lives here: the claims, signing, the JWKS document and a verifier that knows one algorithm. What does not:
//! fetching keys, caching verified tokens (both `edge`), who may log in (`users`), refresh tokens.
//!
//! The verifier reads nothing from a token's header but the name of a key that it already has: keys inside tokens
//! (`jwk`), links to keys (`jku`, `x5u`), other algorithms and critical extensions are refused before any signature is
//! looked at.

mod claims;
mod jwks;
mod signing;
mod verifier;

pub use claims::Claims;
pub use jwks::{Jwk, Jwks};
pub use signing::SigningKey;
pub use verifier::{EXPIRY_LEEWAY_S, MAX_TOKEN_BYTES, START_LEEWAY_S, TokenError, Verifier};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The `alg` of every token (RFC 8037).
const ALGORITHM: &str = "EdDSA";
/// The `typ` of every token (RFC 9068, 2.1).
const TYPE: &str = "at+jwt";

/// base64url without padding (RFC 7515, section 2).
fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads what [`encode`] wrote; padding, whitespace and stray bits are refused, so that each value has one spelling.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod hostile;
