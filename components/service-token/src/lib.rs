//! Tokens between services: who holds the common key may call `/internal/<context>/…` for a minute.
//!
//! What lives here: issuing and verifying. What does not: HTTP (the `edge` checks the header) and any identity of a
//! person; a service that acts for a person says so in the request itself.
//!
//! **Shape** `<audience>.<expiry, unix seconds>.<nonce, 32 hexadecimal digits>.<HMAC-SHA256, base64url>`; the HMAC
//! (RFC 2104) is over everything before the last dot. The nonce makes each token differ; a token may be used more than
//! once while it holds.

use ambient::{Random, SystemRandom, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How long a token holds.
pub const LIFETIME_S: i64 = 60;
/// By how much the clocks of two services may differ.
pub const LEEWAY_S: i64 = 10;
/// The fewest bytes that a key must have.
pub const LEAST_KEY_BYTES: usize = 32;
/// The most bytes that a token may have.
const MAX_TOKEN_BYTES: usize = 256;

/// Why a token does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceTokenError {
    /// Our own key has fewer than [`LEAST_KEY_BYTES`]: nothing is believed, lest an empty variable opens every door.
    #[error("the service token key has fewer than {LEAST_KEY_BYTES} bytes")]
    WeakKey,
    /// Not four parts of the right form.
    #[error("the service token has another form")]
    Shape,
    /// The HMAC is not one of this key over these bytes.
    #[error("the service token's code does not hold")]
    Code,
    /// It is meant for another context.
    #[error("the service token has another audience")]
    Audience,
    /// Its time is over.
    #[error("the service token has expired")]
    Expired,
    /// It would hold for longer than any token does.
    #[error("the service token expires too late")]
    TooLong,
}

/// Issues and verifies with one key.
#[derive(Clone)]
pub struct ServiceTokens {
    mac: Hmac<Sha256>,
    is_weak: bool,
    random: Arc<dyn Random>,
}

impl ServiceTokens {
    /// With the key that all services share (at least [`LEAST_KEY_BYTES`], random) and the system's randomness.
    pub fn new(key: &[u8]) -> Self {
        Self::with_random(key, Arc::new(SystemRandom))
    }

    /// With a source of randomness of the caller's, for tests.
    pub fn with_random(key: &[u8], random: Arc<dyn Random>) -> Self {
        Self { mac: keyed(key), is_weak: key.len() < LEAST_KEY_BYTES, random }
    }

    /// A token for one context, good for [`LIFETIME_S`].
    pub fn issue(&self, audience: &str, now: Timestamp) -> String {
        let mut nonce = [0u8; 16];
        self.random.fill(&mut nonce);
        let expiry_s = now.unix_s().saturating_add(LIFETIME_S);
        let mut token = format!("{audience}.{expiry_s}.{:032x}", u128::from_be_bytes(nonce));
        let code = self.mac.clone().chain_update(token.as_bytes()).finalize().into_bytes();
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(code));
        token
    }

    /// Verifies a token for one context; the code is compared in constant time.
    ///
    /// # Errors
    /// [`ServiceTokenError`].
    pub fn verify(&self, token: &str, audience: &str, now: Timestamp) -> Result<(), ServiceTokenError> {
        if self.is_weak {
            return Err(ServiceTokenError::WeakKey);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(ServiceTokenError::Shape);
        }
        let (signed, code) = token.rsplit_once('.').ok_or(ServiceTokenError::Shape)?;
        let code = URL_SAFE_NO_PAD.decode(code).map_err(|_| ServiceTokenError::Shape)?;
        self.mac.clone().chain_update(signed.as_bytes()).verify_slice(&code).map_err(|_| ServiceTokenError::Code)?;

        let mut parts = signed.split('.');
        let (Some(meant_for), Some(expiry_s), Some(_nonce), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ServiceTokenError::Shape);
        };
        if meant_for != audience {
            return Err(ServiceTokenError::Audience);
        }
        let expiry_s: i64 = expiry_s.parse().map_err(|_| ServiceTokenError::Shape)?;
        let now_s = now.unix_s();
        if now_s >= expiry_s.saturating_add(LEEWAY_S) {
            return Err(ServiceTokenError::Expired);
        }
        if expiry_s > now_s.saturating_add(LIFETIME_S + LEEWAY_S) {
            return Err(ServiceTokenError::TooLong);
        }
        Ok(())
    }
}

/// HMAC under a key of any length (RFC 2104, section 2): a longer one than a block is hashed, a shorter one padded.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0u8; 64];
    let digest = Sha256::digest(key);
    let key = if key.len() > block.len() { digest.as_slice() } else { key };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&block.into())
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceTokens { key: … }")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::CountedRandom;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_767_225_600_000);

    fn tokens() -> ServiceTokens {
        ServiceTokens::with_random(&[7; 32], Arc::new(CountedRandom::default()))
    }

    #[test]
    fn a_token_holds_for_its_audience_and_its_minute() {
        let token = tokens().issue("users", NOW);
        assert!(token.starts_with("users.1767225660.00000000000000000000000000000001."));
        let after = |ms| Timestamp::from_unix_ms(NOW.unix_ms() + ms);
        assert_eq!(tokens().verify(&token, "users", NOW), Ok(()));
        assert_eq!(tokens().verify(&token, "users", after(69_999)), Ok(()));
        assert_eq!(tokens().verify(&token, "users", after(70_000)), Err(ServiceTokenError::Expired));
        assert_eq!(tokens().verify(&token, "users", after(-10_001)), Err(ServiceTokenError::TooLong));
        assert_eq!(tokens().verify(&token, "payments", NOW), Err(ServiceTokenError::Audience));
    }

    #[test]
    fn another_key_and_any_changed_character_are_refused() {
        let token = tokens().issue("users", NOW);
        assert_eq!(ServiceTokens::new(&[8; 32]).verify(&token, "users", NOW), Err(ServiceTokenError::Code));
        for place in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(tokens().verify(&forged, "users", NOW).is_err(), "{forged}");
        }
    }

    #[test]
    fn a_short_key_opens_nothing() {
        for key in [b"".as_slice(), &[7; 31]] {
            let weak = ServiceTokens::new(key);
            assert_eq!(weak.verify(&weak.issue("users", NOW), "users", NOW), Err(ServiceTokenError::WeakKey));
        }
    }

    #[test]
    fn what_is_not_a_token_is_refused_without_a_panic() {
        for text in ["", ".", "...", "users", "users.1.2.3", "users.9999999999.0.", &"x".repeat(300)] {
            assert!(tokens().verify(text, "users", NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn a_lifetime_of_ones_own_choice_is_refused_even_with_the_key() {
        let signed = "users.1767999999.00";
        let code = keyed(&[7; 32]).chain_update(signed.as_bytes()).finalize().into_bytes();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(code));
        assert_eq!(tokens().verify(&token, "users", NOW), Err(ServiceTokenError::TooLong));
    }

    #[test]
    fn keys_of_any_length_give_the_code_of_the_standard() {
        // RFC 4231, test cases 1 and 6.
        let code = |key: &[u8], text: &[u8]| {
            let code = keyed(key).chain_update(text).finalize().into_bytes();
            code.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(code(&[0x0b; 20], b"Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        assert_eq!(
            code(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn the_debug_form_shows_no_key() {
        assert_eq!(format!("{:?}", tokens()), "ServiceTokens { key: … }");
    }
}
