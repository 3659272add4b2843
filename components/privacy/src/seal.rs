//! Personal data under a key of the person's own: who has no key reads nothing, and deleting the key deletes it all.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): its nonce of 24 bytes may be drawn at random for the life of a key,
//! and it needs no table look-ups, which a component could not keep constant in time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use core::fmt;
use ids::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

/// The length of a key. **Units** bytes.
pub const KEY_BYTES: usize = 32;
/// The length of a nonce. **Units** bytes.
pub const NONCE_BYTES: usize = 24;
/// What stands before the bytes; another algorithm would be another word.
const FORM: &str = "x1.";

/// The key of one person's data; wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectKey(Zeroizing<[u8; KEY_BYTES]>);

impl SubjectKey {
    /// A key of these bytes, drawn at random by the caller.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads what [`Self::expose`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Self::new(bytes.as_slice().try_into().ok()?))
    }

    /// The key as a text, for the one body and the one answer that it may be in. **Shape** 43 characters of base64url.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_slice())
    }

    /// Seals personal data of this subject for one kind of event. The nonce is drawn anew for each.
    ///
    /// # Errors
    /// [`OpenError`] where the data are longer than the algorithm takes; does not happen.
    pub fn seal(
        &self,
        subject: UserId,
        kind: &str,
        plain: &Value,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Sealed, OpenError> {
        let plain = Zeroizing::new(plain.to_string().into_bytes());
        let bound = bound(subject, kind);
        let payload = Payload { msg: &plain, aad: bound.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| OpenError)?;
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        Ok(Sealed { subject, sealed: format!("{FORM}{}", URL_SAFE_NO_PAD.encode(bytes)) })
    }

    /// Opens what was sealed for the same subject and kind.
    ///
    /// # Errors
    /// [`OpenError`]: another key, another subject, another kind of event, or other bytes than were sealed.
    pub fn open(&self, sealed: &Sealed, kind: &str) -> Result<Value, OpenError> {
        let text = sealed.sealed.strip_prefix(FORM).ok_or(OpenError)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| OpenError)?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError)?;
        let bound = bound(sealed.subject, kind);
        let payload = Payload { msg: rest, aad: bound.as_bytes() };
        let plain = Zeroizing::new(self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| OpenError)?);
        serde_json::from_slice(&plain).map_err(|_| OpenError)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0))
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[subject key]")
    }
}

/// What is authenticated beside the data, so that nobody can move them to another person or another kind of event.
fn bound(subject: UserId, kind: &str) -> String {
    format!("{subject} {kind}")
}

/// Personal data as they lie in a stream.
///
/// **Shape** `{"subject":"usr_00…","sealed":"x1.<nonce and ciphertext, base64url>"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Whose they are: whose key opens them.
    pub subject: UserId,
    /// Nonce and ciphertext.
    pub sealed: String,
}

impl Sealed {
    /// Reads a personal member; `None` where it is not sealed, as events of before the seal are not.
    pub fn read(personal: &Value) -> Option<Self> {
        Self::deserialize(personal).ok()
    }
}

/// What was sealed cannot be opened; no more is said, because no more is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the personal data cannot be opened with this key")]
pub struct OpenError;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KIND: &str = "users.user.registered.v1";

    fn ada() -> UserId {
        UserId::derived(0, &[b"ada"])
    }

    fn sealed() -> (SubjectKey, Value, Sealed) {
        let key = SubjectKey::new([7; KEY_BYTES]);
        let plain = json!({ "email": "ada@example.com", "display_name": "Ada" });
        let sealed = key.seal(ada(), KIND, &plain, [9; NONCE_BYTES]).unwrap();
        (key, plain, sealed)
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_shows_nothing_without() {
        let (key, plain, sealed) = sealed();
        let text = serde_json::to_string(&sealed).unwrap();
        assert!(!text.contains("ada@") && !text.contains("Ada"), "{text}");
        let read = Sealed::read(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(key.open(&read, KIND), Ok(plain));
        assert_eq!(SubjectKey::new([8; KEY_BYTES]).open(&read, KIND), Err(OpenError));
    }

    #[test]
    fn nobody_moves_it_to_another_person_or_event_or_changes_a_byte() {
        let (key, _, sealed) = sealed();
        assert_eq!(key.open(&sealed, "users.user.updated.v1"), Err(OpenError));
        let moved = Sealed { subject: UserId::derived(0, &[b"bob"]), ..sealed.clone() };
        assert_eq!(key.open(&moved, KIND), Err(OpenError));
        for place in FORM.len()..sealed.sealed.len() {
            let mut bytes = sealed.sealed.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = Sealed { sealed: String::from_utf8(bytes).unwrap(), ..sealed.clone() };
            assert_eq!(key.open(&changed, KIND), Err(OpenError), "{place}");
        }
        for cut in 0..sealed.sealed.len() {
            let short = Sealed { sealed: sealed.sealed[..cut].to_owned(), ..sealed.clone() };
            assert_eq!(key.open(&short, KIND), Err(OpenError), "{cut}");
        }
    }

    #[test]
    fn a_key_is_written_and_read_and_never_printed() {
        let (key, _, _) = sealed();
        assert_eq!(SubjectKey::parse(&key.expose()), Some(key.clone()));
        assert_eq!(key.expose().len(), 43);
        for bad in ["", "AAAA", &"A".repeat(44), &format!("{}!", &key.expose()[..42])] {
            assert_eq!(SubjectKey::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{key:?}"), "[subject key]");
    }

    #[test]
    fn a_member_of_before_the_seal_is_told_apart() {
        assert_eq!(Sealed::read(&json!({ "email": "ada@example.com", "display_name": "Ada" })), None);
        assert_eq!(Sealed::read(&json!({ "subject": "nobody", "sealed": "x1." })), None);
    }
}
