//! The bearer keys of the provider's API.

use http::{HeaderMap, header};
use problem::{Problem, UNAUTHENTICATED};
use subtle::ConstantTimeEq;

/// Requires the key.
///
/// # Errors
/// 401 without it, with another, or with two.
pub fn require(headers: &HeaderMap, key: &str) -> Result<(), Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let given = values.next().and_then(|value| value.as_bytes().strip_prefix(b"Bearer ")).unwrap_or_default();
    let fits = bool::from(given.ct_eq(key.as_bytes())) && values.next().is_none() && !key.is_empty();
    if fits { Ok(()) } else { Err(Problem::new(UNAUTHENTICATED).challenge("Bearer")) }
}
