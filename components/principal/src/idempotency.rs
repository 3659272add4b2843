//! The caller's promise that two requests with one key are one request.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use core::fmt;
use http::request::Parts;
use problem::{KEY_REQUIRED, Problem};

/// The value of the `Idempotency-Key` header: 1 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// A header value that cannot be an Idempotency-Key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an Idempotency-Key has 1 to 255 visible ASCII characters")]
pub struct InvalidKey;

impl IdempotencyKey {
    /// Takes a header value.
    ///
    /// # Errors
    /// [`InvalidKey`] when it is empty, too long or holds other than visible ASCII.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        if text.is_empty() || text.len() > 255 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidKey);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the edge found about the idempotency of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// SHA-256 over method, path with query, and body: the same key with another of these is 422.
    pub fingerprint: [u8; 32],
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    /// Takes the key that the edge found; without one the answer is 428.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::new(KEY_REQUIRED)
                .detail("send an Idempotency-Key header: the same key with the same request is carried out once")
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_visible_ascii_of_bounded_length() {
        assert!(IdempotencyKey::new("8e03978e-40d5-43e8-bc93-6894a57f9324").is_ok());
        for bad in ["", "with space", "tab\t", "ümlaut", &"x".repeat(256)] {
            assert_eq!(IdempotencyKey::new(bad), Err(InvalidKey), "{bad}");
        }
    }
}
