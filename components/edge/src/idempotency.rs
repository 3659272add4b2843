//! The Idempotency-Key of a request, and the fingerprint of what it promises to repeat.

use bytes::Bytes;
use http::request::Parts;
use principal::{Idempotency, IdempotencyKey};
use problem::{MALFORMED, Problem};
use sha2::{Digest, Sha256};

/// The key and the fingerprint, where the caller sent a key.
///
/// The fingerprint is SHA-256 over method, path with query, and body, each preceded by its length.
///
/// # Errors
/// 400 when the header is there twice or is not a key.
pub(crate) fn find(parts: &Parts, body: &Bytes) -> Result<Option<Idempotency>, Problem> {
    let mut values = parts.headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::new(MALFORMED).detail("there is more than one Idempotency-Key"));
    }
    let key = IdempotencyKey::new(value.to_str().unwrap_or_default())
        .map_err(|error| Problem::new(MALFORMED).detail(error.to_string()))?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), path.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Ok(Some(Idempotency { key, fingerprint: hash.finalize().into() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn fingerprint(method: &str, uri: &str, body: &'static str) -> [u8; 32] {
        let request = Request::builder().method(method).uri(uri).header("idempotency-key", "k");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        find(&parts, &Bytes::from_static(body.as_bytes())).unwrap().unwrap().fingerprint
    }

    #[test]
    fn the_same_request_has_the_same_fingerprint_and_any_other_another() {
        let first = fingerprint("POST", "/v1/payments?a=1", "{}");
        assert_eq!(first, fingerprint("POST", "/v1/payments?a=1", "{}"));
        assert_ne!(first, fingerprint("PUT", "/v1/payments?a=1", "{}"));
        assert_ne!(first, fingerprint("POST", "/v1/payments?a=2", "{}"));
        assert_ne!(first, fingerprint("POST", "/v1/payments?a=1", "{ }"));
        assert_ne!(fingerprint("POST", "/a", "b{}"), fingerprint("POST", "/ab", "{}"));
    }

    #[test]
    fn a_key_that_is_none_and_two_keys_are_refused() {
        let with = |keys: &[&str]| {
            let request = keys.iter().fold(Request::post("/"), |request, key| request.header("idempotency-key", *key));
            let (parts, ()) = request.body(()).unwrap().into_parts();
            find(&parts, &Bytes::new())
        };
        assert_eq!(with(&[]), Ok(None));
        assert!(with(&["a b"]).is_err());
        assert!(with(&[""]).is_err());
        assert!(with(&["a", "a"]).is_err());
    }
}
