//! A secret HMAC key: long enough to be one, wiped when dropped, never printed.

use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The shortest key. **Units** bytes. **Source** RFC 2104, 3: not below the length of the hash.
const MIN_BYTES: usize = 32;

/// A key that somebody could guess: an empty or truncated variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret key needs at least {MIN_BYTES} bytes, {found} are configured")]
pub struct ShortKey {
    /// How many there are.
    pub found: usize,
}

/// The key of one kind of HMAC-SHA256.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    /// Takes the bytes of a variable as they are.
    ///
    /// # Errors
    /// [`ShortKey`]: with such a key, what it proves would be proven by everybody.
    pub fn new(bytes: &[u8]) -> Result<Self, ShortKey> {
        if bytes.len() < MIN_BYTES {
            return Err(ShortKey { found: bytes.len() });
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// A key for one use, so that what proves one thing proves no other.
    pub fn derive(&self, label: &str) -> Self {
        let bytes = self.mac(label).map(|mac| mac.finalize().into_bytes().to_vec());
        Self(Zeroizing::new(bytes.unwrap_or_default()))
    }

    /// The HMAC of a text, to be finished or compared in constant time. Always there: HMAC takes keys of every length
    /// (RFC 2104, 2).
    pub(super) fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        assert_eq!(SecretKey::new(b"").err(), Some(ShortKey { found: 0 }));
        assert_eq!(SecretKey::new(&[7; 31]).err(), Some(ShortKey { found: 31 }));
        assert_eq!(format!("{:?}", SecretKey::new(&[7; 32]).unwrap()), "[key]");
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let key = SecretKey::new(&[7; 32]).unwrap();
        assert_eq!(*key.derive("one").0, *key.derive("one").0);
        assert_ne!(*key.derive("one").0, *key.derive("two").0);
        assert_eq!(key.derive("one").0.len(), 32);
    }
}
