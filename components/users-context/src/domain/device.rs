//! The mark of a device from which somebody logged in before.
//!
//! It proves nothing but that: whoever shows it has attempts of their own, so that a stranger who fails at an account all
//! day keeps nobody out who was in before. It opens nothing, and there is nothing to revoke.

use super::SecretKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt;
use core::str::FromStr;
use hmac::{Hmac, Mac};
use ids::UserId;
use sha2::Sha256;
use uuid::Uuid;

/// The first part of each mark: kind and version of the format.
const FORMAT: &str = "dt1";
/// Length of the proof. **Units** bytes.
const PROOF_BYTES: usize = 32;

/// A text that is no mark of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the device token is not one of ours")]
pub struct InvalidDeviceToken;

/// A mark as shown: readable by everybody, genuine only once [`DeviceKey::proves`] says so.
///
/// **Shape** `dt1.<account>.<uuid>.<43 base64url characters>`.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceToken {
    /// The account that was logged in to.
    pub user: UserId,
    /// Which device.
    pub device: Uuid,
    proof: [u8; PROOF_BYTES],
}

impl fmt::Display for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, device, proof } = self;
        write!(f, "{FORMAT}.{user}.{}.{}", device.simple(), URL_SAFE_NO_PAD.encode(proof))
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT}.{}.{}.[proof]", self.user, self.device.simple())
    }
}

impl FromStr for DeviceToken {
    type Err = InvalidDeviceToken;

    fn from_str(text: &str) -> Result<Self, InvalidDeviceToken> {
        let mut parts = text.split('.');
        let (Some(FORMAT), Some(user), Some(device), Some(proof), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidDeviceToken);
        };
        let bytes = URL_SAFE_NO_PAD.decode(proof).map_err(|_| InvalidDeviceToken)?;
        Ok(Self {
            user: user.parse().map_err(|_| InvalidDeviceToken)?,
            device: Uuid::try_parse(device).map_err(|_| InvalidDeviceToken)?,
            proof: bytes.try_into().map_err(|_| InvalidDeviceToken)?,
        })
    }
}

/// The key that makes marks genuine.
#[derive(Debug, Clone)]
pub struct DeviceKey(SecretKey);

impl DeviceKey {
    /// The key of marks among those made from a secret.
    pub fn new(secret: &SecretKey) -> Self {
        Self(secret.derive("device"))
    }

    /// The mark of a device.
    pub fn issue(&self, user: UserId, device: Uuid) -> DeviceToken {
        let proof = self.mac(user, device).map_or([0; PROOF_BYTES], |mac| mac.finalize().into_bytes().into());
        DeviceToken { user, device, proof }
    }

    /// Whether we issued it, compared in constant time.
    pub fn proves(&self, token: &DeviceToken) -> bool {
        self.mac(token.user, token.device).is_some_and(|mac| mac.verify_slice(&token.proof).is_ok())
    }

    fn mac(&self, user: UserId, device: Uuid) -> Option<Hmac<Sha256>> {
        self.0.mac(&format!("{user}.{}", device.simple()))
    }
}

/// The key under which addresses and accounts name their attempts: whoever reads key names learns neither.
#[derive(Debug, Clone)]
pub struct ThrottleKey(SecretKey);

impl ThrottleKey {
    /// The key of these names among those made from a secret.
    pub fn new(secret: &SecretKey) -> Self {
        Self(secret.derive("throttle"))
    }

    /// The name of attempts of one kind. **Shape** 64 hexadecimal digits.
    pub fn name(&self, kind: &str, of: &str) -> String {
        let digest = self.0.mac(&format!("{kind}\0{of}")).map(|mac| mac.finalize().into_bytes());
        digest.iter().flatten().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> DeviceKey {
        DeviceKey::new(&SecretKey::new(&[byte; 32]).unwrap())
    }

    #[test]
    fn a_mark_reads_back_and_only_our_own_is_genuine() {
        let token = key(1).issue(UserId::new(0, Uuid::from_u128(1)), Uuid::from_u128(2));
        let read: DeviceToken = token.to_string().parse().unwrap();
        assert_eq!(read, token);
        assert!(key(1).proves(&read) && !key(2).proves(&read));
        assert!(!key(1).proves(&DeviceToken { device: Uuid::from_u128(3), ..read.clone() }));
        assert!(!key(1).proves(&DeviceToken { user: UserId::new(0, Uuid::from_u128(3)), ..read }));
        assert!(!format!("{token:?}").contains(&URL_SAFE_NO_PAD.encode(token.proof)));
    }

    #[test]
    fn what_is_no_mark_is_refused() {
        let good = key(1).issue(UserId::new(0, Uuid::from_u128(1)), Uuid::from_u128(2)).to_string();
        for bad in ["", "dt1", "dt1...", &good.replace("dt1", "dt2"), &format!("{good}."), &format!("{good}A")] {
            assert_eq!(bad.parse::<DeviceToken>(), Err(InvalidDeviceToken), "{bad}");
        }
    }

    #[test]
    fn names_of_attempts_tell_nothing_and_kinds_do_not_meet() {
        let key = ThrottleKey::new(&SecretKey::new(&[1; 32]).unwrap());
        assert_ne!(key.name("account", "anna"), key.name("address", "anna"));
        assert_eq!(key.name("account", "anna").len(), 64);
    }
}
