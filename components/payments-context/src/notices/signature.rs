//! The signature of a notice: HMAC-SHA256 over its moment and its bytes, so that nobody can make one up, change one or
//! send an old one again.
//!
//! **Source** Stripe's scheme (`Stripe-Signature`), which the sandbox speaks too. **Shape** `t=1767225600,v1=<64
//! hexadecimal digits>`; several `v1` while a secret is being exchanged, other schemes are passed over.

use ambient::Timestamp;
use core::time::Duration;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the moment of a notice may lie from ours, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);
/// The most signatures of one header that are looked at.
const MAX_SIGNATURES: usize = 8;

/// Why a notice is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no header of that shape.
    #[error("the signature is missing or has another shape")]
    Malformed,
    /// No secret of ours made it.
    #[error("the signature is not of this body and moment")]
    Wrong,
    /// Older, or further ahead, than [`TOLERANCE`].
    #[error("the notice was signed too long ago, or too far ahead")]
    OutOfTime,
}

/// Checks a header against the body, with each of the secrets that are valid now. Bytes are compared in constant time,
/// and the moment is judged last, so that the answer tells a forger nothing.
///
/// # Errors
/// [`SignatureError`].
pub fn verify(header: &str, body: &[u8], secrets: &[String], now: Timestamp) -> Result<(), SignatureError> {
    let mut moment = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) if moment.is_none() => moment = Some(text),
            Some(("t", _)) => return Err(SignatureError::Malformed),
            Some(("v1", text)) if signatures.len() < MAX_SIGNATURES => {
                signatures.push(bytes_of(text).ok_or(SignatureError::Malformed)?);
            }
            _ => {}
        }
    }
    let moment = moment.filter(|text| text.bytes().all(|b| b.is_ascii_digit())).ok_or(SignatureError::Malformed)?;
    let second: i64 = moment.parse().map_err(|_| SignatureError::Malformed)?;
    if signatures.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let fits = |secret: &String| {
        let Some(mac) = mac_of(secret, moment, body) else { return false };
        // All of them are looked at: how long it takes says nothing of which fitted.
        signatures.iter().fold(false, |found, given| found | mac.clone().verify_slice(given).is_ok())
    };
    if !secrets.iter().filter(|secret| !secret.is_empty()).fold(false, |found, secret| found | fits(secret)) {
        return Err(SignatureError::Wrong);
    }
    let signed = Timestamp::from_unix_ms(second.saturating_mul(1000));
    if now.since(signed) > TOLERANCE || signed.since(now) > TOLERANCE {
        return Err(SignatureError::OutOfTime);
    }
    Ok(())
}

/// HMAC takes keys of any length: there always is one.
fn mac_of(secret: &str, moment: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(moment.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// 32 bytes out of 64 hexadecimal digits.
fn bytes_of(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The header that a provider would send: for doubles and tests.
#[cfg(test)]
pub fn sign(secret: &str, body: &[u8], at: Timestamp) -> String {
    let moment = (at.unix_ms() / 1000).to_string();
    let digest = mac_of(secret, &moment, body).unwrap().finalize().into_bytes();
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={moment},v1={digits}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::at;

    fn secrets(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn the_documented_scheme_is_taken() {
        // Computed with `printf '1767225600.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`.
        let header = "t=1767225600,v1=45b40331de0325606dc5400202ade162460fbe48daf9401adfdcd0d7b4f35470,v0=abc";
        assert_eq!(verify(header, br#"{"id":"evt_1"}"#, &secrets(&["whsec_test"]), at(0)), Ok(()));
    }

    #[test]
    fn a_changed_body_moment_or_secret_is_found_out() {
        let header = sign("secret", b"body", at(0));
        assert_eq!(verify(&header, b"body", &secrets(&["secret"]), at(0)), Ok(()));
        assert_eq!(verify(&header, b"bodY", &secrets(&["secret"]), at(0)), Err(SignatureError::Wrong));
        assert_eq!(verify(&header, b"body", &secrets(&["other"]), at(0)), Err(SignatureError::Wrong));
        let later = header.replace("t=1767225600", "t=1767225601");
        assert_eq!(verify(&later, b"body", &secrets(&["secret"]), at(0)), Err(SignatureError::Wrong));
    }

    #[test]
    fn five_minutes_either_way_are_tolerated_and_no_second_more() {
        let header = sign("secret", b"body", at(0));
        for (now, expected) in [
            (at(300), Ok(())),
            (at(-300), Ok(())),
            (at(301), Err(SignatureError::OutOfTime)),
            (at(-301), Err(SignatureError::OutOfTime)),
        ] {
            assert_eq!(verify(&header, b"body", &secrets(&["secret"]), now), expected, "{now:?}");
        }
    }

    #[test]
    fn old_and_new_secrets_hold_beside_each_other_and_none_opens_nothing() {
        let (old, new) = (sign("old", b"body", at(0)), sign("new", b"body", at(0)));
        for header in [&old, &new, &format!("{old},v1={}", new.split_once("v1=").unwrap().1)] {
            assert_eq!(verify(header, b"body", &secrets(&["new", "old"]), at(0)), Ok(()));
        }
        let empty = sign("", b"body", at(0));
        assert_eq!(verify(&empty, b"body", &secrets(&["", "new"]), at(0)), Err(SignatureError::Wrong));
        assert_eq!(verify(&empty, b"body", &[], at(0)), Err(SignatureError::Wrong));
    }

    #[test]
    fn anything_else_is_no_signature() {
        let digits = "a".repeat(64);
        for header in [
            String::new(),
            format!("v1={digits}"),
            "t=1767225600".to_owned(),
            format!("t=,v1={digits}"),
            format!("t=-1,v1={digits}"),
            format!("t=1e9,v1={digits}"),
            format!("t=1,t=2,v1={digits}"),
            format!("t=99999999999999999999,v1={digits}"),
            "t=1767225600,v1=abcd".to_owned(),
            format!("t=1767225600,v1={}", "ü".repeat(32)),
        ] {
            assert_eq!(verify(&header, b"", &secrets(&["s"]), at(0)), Err(SignatureError::Malformed), "{header}");
        }
    }
}
