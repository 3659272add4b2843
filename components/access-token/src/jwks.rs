//! The key set document (RFC 7517) with the public keys that tokens may be signed with.

use crate::{ALGORITHM, decode, encode};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// One public key.
///
/// **Shape** `{"kty":"OKP","crv":"Ed25519","x":"<32 bytes, base64url>","kid":"<thumbprint>","use":"sig","alg":"EdDSA"}`.
/// **Source** RFC 8037.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// The key type; only `OKP` is used.
    pub kty: String,
    /// The curve; only `Ed25519` is used.
    #[serde(default)]
    pub crv: String,
    /// The public key, 32 bytes in base64url.
    #[serde(default)]
    pub x: String,
    /// The key's name: its thumbprint (RFC 7638).
    #[serde(default)]
    pub kid: String,
    /// What it is for; only `sig` is used.
    #[serde(rename = "use", default)]
    pub purpose: String,
    /// The algorithm; only `EdDSA` is used.
    #[serde(default)]
    pub alg: String,
}

impl Jwk {
    /// The document's entry for a public key, named by its thumbprint.
    pub(crate) fn of(key: &VerifyingKey) -> Self {
        let x = encode(key.as_bytes());
        // RFC 7638: the required members in lexicographic order, without whitespace.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            kid: encode(&Sha256::digest(canonical.as_bytes())),
            purpose: "sig".to_owned(),
            alg: ALGORITHM.to_owned(),
        }
    }

    /// The key itself, when it is one that may verify tokens.
    pub(crate) fn verifying_key(&self) -> Option<VerifyingKey> {
        if self.kty != "OKP" || self.crv != "Ed25519" || self.purpose != "sig" || self.alg != ALGORITHM {
            return None;
        }
        let bytes: [u8; 32] = decode(&self.x)?.try_into().ok()?;
        let key = VerifyingKey::from_bytes(&bytes).ok()?;
        (!key.is_weak()).then_some(key)
    }
}

/// The key set. **Shape** `{"keys":[…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// The keys; those of other types are kept and never used.
    pub keys: Vec<Jwk>,
}

impl Jwks {
    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}
