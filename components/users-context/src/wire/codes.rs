//! One-time codes as they lie in an account's body.

use crate::domain::{Codes, EmailAddress, EmailChange, MAC_BYTES, OneTimeCode};
use ambient::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The codes of one purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodesBody {
    /// The code that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeBody>,
    /// When the last one was sent.
    pub issued_at: Timestamp,
    /// Since when they are counted.
    pub counted_since: Timestamp,
    /// How many there were since.
    pub count: u8,
}

/// One code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeBody {
    /// **Shape** 43 characters of base64url.
    pub mac: Mac,
    /// How many tries are left.
    pub tries_left: u8,
}

/// An HMAC as base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mac(pub [u8; MAC_BYTES]);

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        let bytes = bytes.try_into().map_err(|_| serde::de::Error::custom("an HMAC has 32 bytes"))?;
        Ok(Self(bytes))
    }
}

/// A change of address under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChangeBody {
    /// The address that is to be.
    pub to: String,
    /// The codes of that address.
    pub codes: CodesBody,
}

impl From<&Codes> for CodesBody {
    fn from(codes: &Codes) -> Self {
        let code = codes.code.as_ref().map(|code| CodeBody { mac: Mac(code.mac), tries_left: code.tries_left });
        Self { code, issued_at: codes.issued_at, counted_since: codes.counted_since, count: codes.count }
    }
}

impl From<CodesBody> for Codes {
    fn from(body: CodesBody) -> Self {
        let code = body.code.map(|code| OneTimeCode { mac: code.mac.0, tries_left: code.tries_left });
        Self { code, issued_at: body.issued_at, counted_since: body.counted_since, count: body.count }
    }
}

impl From<&EmailChange> for EmailChangeBody {
    fn from(change: &EmailChange) -> Self {
        Self { to: change.to.as_str().to_owned(), codes: (&change.codes).into() }
    }
}

impl From<EmailChangeBody> for EmailChange {
    fn from(body: EmailChangeBody) -> Self {
        Self { to: EmailAddress::stored(body.to), codes: body.codes.into() }
    }
}
