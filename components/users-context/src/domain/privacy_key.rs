//! The key that names erasures.

use super::SecretKey;
use hmac::Mac;
use ids::{ErasureId, UserId};

/// Names the one erasure that an account can have: the same for ever, and foreseen by nobody without the key.
#[derive(Debug, Clone)]
pub struct PrivacyKey(SecretKey);

impl PrivacyKey {
    /// The key of erasures among those made from a secret.
    pub fn new(secret: &SecretKey) -> Self {
        Self(secret.derive("privacy"))
    }

    /// The erasure of an account.
    pub fn erasure_of(&self, user: UserId) -> ErasureId {
        let mac = self.0.mac(&format!("erasure {user}")).map(|mac| mac.finalize().into_bytes());
        ErasureId::derived(user.partition(), &[mac.as_ref().map_or(&[][..], |mac| mac.as_slice())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_foresees_an_erasure_without_the_key() {
        let key = |byte| PrivacyKey::new(&SecretKey::new(&[byte; 32]).unwrap());
        let (ada, bob) = (UserId::derived(0, &[b"ada"]), UserId::derived(0, &[b"bob"]));
        assert_eq!(key(1).erasure_of(ada), key(1).erasure_of(ada));
        assert_ne!(key(1).erasure_of(ada), key(2).erasure_of(ada));
        assert_ne!(key(1).erasure_of(ada), key(1).erasure_of(bob));
    }
}
