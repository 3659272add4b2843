//! The resource's side: is this token ours, whole, meant for us and in its time?

use crate::{ALGORITHM, Claims, Jwks, TYPE, decode};
use ambient::Timestamp;
use ed25519_dalek::Signature;
use serde::Deserialize;

/// The most bytes that a token may have.
pub const MAX_TOKEN_BYTES: usize = 4 * 1024;
/// How long after `exp` a token still holds, for clocks that differ.
pub const EXPIRY_LEEWAY_S: i64 = 30;
/// How long before `nbf` and `iat` a token already holds, for clocks that differ.
pub const START_LEEWAY_S: i64 = 60;

/// Why a token does not hold. The caller is told none of this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// More than [`MAX_TOKEN_BYTES`].
    #[error("the token is larger than {MAX_TOKEN_BYTES} bytes")]
    TooLarge,
    /// Not three base64url parts.
    #[error("the token is not a compact JWS")]
    Shape,
    /// The header is not exactly `alg`, `typ` and `kid`, each once.
    #[error("the token's header has another form")]
    Header,
    /// Another algorithm than EdDSA.
    #[error("the token's algorithm is not EdDSA")]
    Algorithm,
    /// Not an access token.
    #[error("the token's type is not at+jwt")]
    Type,
    /// The key set has no usable key of this name: it may have to be fetched again.
    #[error("no key is named {0}")]
    UnknownKey(String),
    /// The signature is not one of this key over these bytes.
    #[error("the token's signature does not hold")]
    Signature,
    /// The claims are not an object of the right shape.
    #[error("the token's claims have another form")]
    Claims,
    /// Somebody else issued it.
    #[error("the token has another issuer")]
    Issuer,
    /// It is meant for somebody else.
    #[error("the token has another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token does not hold yet")]
    NotYet,
}

/// Verifies tokens of one issuer for one audience.
#[derive(Debug, Clone)]
pub struct Verifier {
    issuer: String,
    audience: String,
}

/// The header: these three members, each once, and no other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

impl Verifier {
    /// A verifier that takes tokens of `issuer` for `audience`.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into() }
    }

    /// Verifies a token and gives its claims.
    ///
    /// # Errors
    /// [`TokenError`]; [`TokenError::UnknownKey`] is the only one that a newer key set may heal.
    pub fn verify(&self, token: &str, keys: &Jwks, now: Timestamp) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Shape)?;
        let header = decode(header).ok_or(TokenError::Shape)?;
        let claims = decode(claims).ok_or(TokenError::Shape)?;
        let signature = decode(signature).ok_or(TokenError::Shape)?;

        let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Header)?;
        if header.alg != ALGORITHM {
            return Err(TokenError::Algorithm);
        }
        if header.typ != TYPE {
            return Err(TokenError::Type);
        }
        let key = keys.find(&header.kid).and_then(|jwk| jwk.verifying_key());
        let key = key.ok_or(TokenError::UnknownKey(header.kid))?;
        let signature = Signature::from_slice(&signature).map_err(|_| TokenError::Signature)?;
        // Strict: refuses keys and signatures of small order, for which one signature fits several messages.
        key.verify_strict(signed.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;

        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| TokenError::Claims)?;
        self.check(claims, now.unix_s())
    }

    /// The claims against what this verifier takes.
    fn check(&self, claims: Claims, now_s: i64) -> Result<Claims, TokenError> {
        if claims.iss != self.issuer {
            return Err(TokenError::Issuer);
        }
        if claims.aud != self.audience {
            return Err(TokenError::Audience);
        }
        if claims.sub.is_empty() || claims.exp <= claims.nbf {
            return Err(TokenError::Claims);
        }
        if now_s >= claims.exp.saturating_add(EXPIRY_LEEWAY_S) {
            return Err(TokenError::Expired);
        }
        let soon = now_s.saturating_add(START_LEEWAY_S);
        if claims.nbf > soon || claims.iat > soon {
            return Err(TokenError::NotYet);
        }
        Ok(claims)
    }
}
