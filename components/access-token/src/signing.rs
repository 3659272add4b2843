//! The issuer's side: a key made from a seed, and signing.

use crate::{ALGORITHM, Claims, Jwk, TYPE, encode};
use core::fmt;
use ed25519_dalek::Signer;
use serde::Serialize;

/// A private key. Its memory is wiped when it is dropped; its debug form shows the name only.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    jwk: Jwk,
    header: String,
}

/// The protected header (RFC 7515).
#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032: the private key itself).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let jwk = Jwk::of(&key.verifying_key());
        let header = json(&Header { alg: ALGORITHM, typ: TYPE, kid: &jwk.kid });
        Self { key, header, jwk }
    }

    /// The key's name: its thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.jwk.kid
    }

    /// The public half, for the key set.
    pub fn jwk(&self) -> Jwk {
        self.jwk.clone()
    }

    /// Signs: a JWS in compact form (RFC 7515, 7.1).
    pub fn sign(&self, claims: &Claims) -> String {
        let mut token = format!("{}.{}", self.header, json(claims));
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        token.push_str(&encode(&signature.to_bytes()));
        token
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.jwk.kid).finish_non_exhaustive()
    }
}

/// One base64url part; our own structs always have a JSON form.
fn json(part: &impl Serialize) -> String {
    encode(&serde_json::to_vec(part).unwrap_or_default())
}
