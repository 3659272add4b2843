//! Secrets of endpoints at rest: sealed under a key of the deployment, bound to owner and endpoint, so that who reads a
//! backup of the store signs nothing.

use crate::domain::Secret;
use ambient::Random;
use core::fmt;
use ids::UserId;
use privacy::{NONCE_BYTES, Sealed, SubjectKey};
use serde_json::Value;
use std::sync::Arc;
use webhooks_wire::EndpointId;

/// A variable that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("webhook_secret_key is 32 random bytes as base64url without padding")]
pub struct InvalidVaultKey;

/// A sealed secret that does not open: another key, or other bytes than were sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of an endpoint does not open")]
pub struct DoesNotOpen;

/// Seals and opens.
#[derive(Clone)]
pub struct Vault {
    key: SubjectKey,
    random: Arc<dyn Random>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[vault]")
    }
}

impl Vault {
    /// A vault under this key.
    ///
    /// # Errors
    /// [`InvalidVaultKey`].
    pub fn new(key: &str, random: Arc<dyn Random>) -> Result<Self, InvalidVaultKey> {
        Ok(Self { key: SubjectKey::parse(key.trim()).ok_or(InvalidVaultKey)?, random })
    }

    /// Seals a secret of an endpoint.
    ///
    /// # Errors
    /// [`DoesNotOpen`] where the algorithm takes it not; does not happen.
    pub fn seal(&self, owner: UserId, endpoint: EndpointId, secret: &Secret) -> Result<Sealed, DoesNotOpen> {
        let mut nonce = [0; NONCE_BYTES];
        self.random.fill(&mut nonce);
        let plain = Value::String(secret.expose().to_string());
        self.key.seal(owner, &bound(endpoint), &plain, nonce).map_err(|_| DoesNotOpen)
    }

    /// Opens a secret of an endpoint.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn open(&self, endpoint: EndpointId, sealed: &Sealed) -> Result<Secret, DoesNotOpen> {
        let plain = self.key.open(sealed, &bound(endpoint)).map_err(|_| DoesNotOpen)?;
        plain.as_str().and_then(|text| Secret::parse(text).ok()).ok_or(DoesNotOpen)
    }
}

fn bound(endpoint: EndpointId) -> String {
    format!("webhooks.secret {endpoint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::CountedRandom;

    #[test]
    fn a_secret_opens_for_its_endpoint_under_its_key_alone() {
        let vault =
            |key: u8| Vault::new(&SubjectKey::new([key; 32]).expose(), Arc::new(CountedRandom::default())).unwrap();
        let (owner, endpoint) = (UserId::derived(0, &[b"u"]), EndpointId::derived(0, &[b"e"]));
        let secret = Secret::make(&CountedRandom::default());
        let sealed = vault(1).seal(owner, endpoint, &secret).unwrap();
        assert_eq!(vault(1).open(endpoint, &sealed), Ok(secret));
        assert_eq!(vault(2).open(endpoint, &sealed), Err(DoesNotOpen));
        assert_eq!(vault(1).open(EndpointId::derived(0, &[b"f"]), &sealed), Err(DoesNotOpen));
        assert_eq!(Vault::new("short", Arc::new(CountedRandom::default())).err(), Some(InvalidVaultKey));
    }
}
