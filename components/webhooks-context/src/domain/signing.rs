//! Secrets and signatures. **Source** Standard Webhooks 1.0, "Symmetric signatures".

use ambient::{Random, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What stands before a secret's bytes.
const PREFIX: &str = "whsec_";
/// The fewest bytes of a secret.
const MIN_BYTES: usize = 24;
/// The most bytes of a secret.
const MAX_BYTES: usize = 64;
/// The bytes of a secret that we make.
const OWN_BYTES: usize = 32;

/// A text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ and the base64 of {MIN_BYTES} to {MAX_BYTES} bytes")]
pub struct InvalidSecret;

/// What one endpoint and we share: wiped when dropped, never printed.
///
/// **Shape** as a text `whsec_` and base64 (RFC 4648, 4) with padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A new one of 32 random bytes.
    pub fn make(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; OWN_BYTES]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads a secret.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = text.strip_prefix(PREFIX).and_then(|rest| STANDARD.decode(rest).ok()).ok_or(InvalidSecret)?;
        let bytes = Zeroizing::new(bytes);
        if (MIN_BYTES..=MAX_BYTES).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(InvalidSecret) }
    }

    /// The text, for its owner and for the sealed body.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(self.0.as_slice())))
    }

    /// One signature. **Shape** `v1,` and the base64 of HMAC-SHA256 over `<id>.<unix seconds>.<body>`.
    fn sign(&self, id: &str, at: Timestamp, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{}.", at.unix_s()).as_bytes());
        mac.update(body.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[webhook secret]")
    }
}

/// The value of `webhook-signature`: one signature a secret, separated by spaces.
pub fn signatures<'a>(secrets: impl IntoIterator<Item = &'a Secret>, id: &str, at: Timestamp, body: &str) -> String {
    let signed: Vec<_> = secrets.into_iter().filter_map(|secret| secret.sign(id, at, body)).collect();
    signed.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::CountedRandom;
    use proptest::prelude::*;

    #[test]
    fn signs_as_the_standards_own_example() {
        // The test vector of the standard's libraries.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_unix_ms(1_614_265_330_000);
        let signed = signatures([&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_reads_back_and_what_is_none_is_refused() {
        let secret = Secret::make(&CountedRandom::default());
        assert_eq!(Secret::parse(&secret.expose()), Ok(secret.clone()));
        assert!(!format!("{secret:?}").contains("AAAA"));
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        assert!(Secret::parse(&of(24)).is_ok() && Secret::parse(&of(64)).is_ok());
        for bad in [of(23), of(65), of(0), of(32).replace("whsec_", ""), of(32).replace("whsec_", "whpk_")] {
            assert_eq!(Secret::parse(&bad), Err(InvalidSecret), "{bad}");
        }
        assert_eq!(Secret::parse("whsec_not base64!"), Err(InvalidSecret));
    }

    proptest! {
        #[test]
        fn the_standards_library_verifies_what_either_secret_signed(
            first in prop::collection::vec(any::<u8>(), 24..=64),
            second in prop::collection::vec(any::<u8>(), 24..=64),
            id in "[A-Za-z0-9_]{1,40}",
            body in "\\PC{0,200}",
        ) {
            let [first, second] = [first, second].map(|bytes| format!("whsec_{}", STANDARD.encode(bytes)));
            let secrets = [&first, &second].map(|text| Secret::parse(text).unwrap());
            // The library compares with the clock of the machine, without a way to give it another.
            let at = ambient::Clock::now(&ambient::SystemClock);
            let mut headers = ::http::HeaderMap::new();
            headers.insert("webhook-id", id.parse().unwrap());
            headers.insert("webhook-timestamp", at.unix_s().to_string().parse().unwrap());
            headers.insert("webhook-signature", signatures(&secrets, &id, at, &body).parse().unwrap());
            for text in [&first, &second] {
                let verifier = standardwebhooks::Webhook::new(text).unwrap();
                prop_assert!(verifier.verify(body.as_bytes(), &headers).is_ok());
                let mut tampered = body.clone();
                tampered.push(' ');
                prop_assert!(verifier.verify(tampered.as_bytes(), &headers).is_err());
            }
            let stranger = standardwebhooks::Webhook::from_bytes(vec![9; 65]).unwrap();
            prop_assert!(stranger.verify(body.as_bytes(), &headers).is_err());
        }
    }
}
