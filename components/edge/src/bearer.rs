//! Bearer tokens: from the `Authorization` header to a principal.

use crate::TokenKeys;
use access_token::{Claims, EXPIRY_LEEWAY_S, TokenError, Verifier};
use ambient::Timestamp;
use http::{HeaderMap, header};
use principal::Principal;
use problem::{Problem, UNAUTHENTICATED, UNAVAILABLE};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How many verified tokens an instance remembers; it serves few requests in its life.
const MOST_REMEMBERED: usize = 256;

/// Verifies tokens and remembers the verified ones until they expire.
pub(crate) struct Bearer {
    verifier: Verifier,
    keys: TokenKeys,
    /// By the SHA-256 of the token, so that no token lies in memory.
    verified: Mutex<HashMap<[u8; 32], Principal>>,
}

impl Bearer {
    pub(crate) fn new(verifier: Verifier, keys: TokenKeys) -> Self {
        Self { verifier, keys, verified: Mutex::default() }
    }

    /// The caller; `None` without an `Authorization` header.
    ///
    /// # Errors
    /// 401 when the header is anything but one valid bearer token, 503 when the keys cannot be had.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<Principal>, Problem> {
        let Some(token) = shown(headers) else { return Ok(None) };
        let token = token.ok_or_else(|| refused(&TokenError::Shape))?;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(principal) = self.remembered(&digest, now) {
            return Ok(Some(principal));
        }
        let claims = self.verify(token, now).await?;
        let principal = principal_of(claims);
        self.remember(digest, principal.clone(), now);
        Ok(Some(principal))
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, Problem> {
        let keys =
            self.keys.current().await.map_err(|error| Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error))?;
        match self.verifier.verify(token, &keys, now) {
            Err(TokenError::UnknownKey(kid)) => {
                let Some(keys) = self.keys.renewed().await else {
                    return Err(refused(&TokenError::UnknownKey(kid)));
                };
                // Keys changed: what the old ones verified is verified again.
                self.verified.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.verifier.verify(token, &keys, now).map_err(|error| refused(&error))
            }
            other => other.map_err(|error| refused(&error)),
        }
    }

    fn remembered(&self, digest: &[u8; 32], now: Timestamp) -> Option<Principal> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(digest).filter(|principal| holds(principal, now)).cloned()
    }

    fn remember(&self, digest: [u8; 32], principal: Principal, now: Timestamp) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MOST_REMEMBERED {
            verified.retain(|_, principal| holds(principal, now));
        }
        if verified.len() >= MOST_REMEMBERED {
            verified.clear();
        }
        verified.insert(digest, principal);
    }
}

/// The same rule as the verifier's.
fn holds(principal: &Principal, now: Timestamp) -> bool {
    now.unix_s() < principal.expires_at.unix_s().saturating_add(EXPIRY_LEEWAY_S)
}

/// What the caller shows; the inner `None` where the header is anything but one bearer token.
pub(crate) fn shown(headers: &HeaderMap) -> Option<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    Some(value.to_str().ok().and_then(token_of).filter(|_| values.next().is_none()))
}

/// The token of `Bearer <token>` (RFC 6750, 2.1); the scheme's case does not matter.
pub(crate) fn token_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// One answer for every reason: the caller learns nothing about keys and checks.
pub(crate) fn refused(error: &dyn core::error::Error) -> Problem {
    Problem::new(UNAUTHENTICATED).challenge("Bearer error=\"invalid_token\"").caused_by(error)
}

fn principal_of(claims: Claims) -> Principal {
    Principal {
        subject: claims.sub,
        session: claims.sid,
        scopes: claims.scope.split_ascii_whitespace().map(str::to_owned).collect(),
        roles: claims.roles,
        // An assurance that is not a number proves nothing.
        assurance: claims.acr.parse().unwrap_or(0),
        expires_at: Timestamp::from_unix_ms(claims.exp.saturating_mul(1000)),
    }
}
