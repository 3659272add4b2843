//! API keys: the text that a program shows, and what a service asks users about it.
//!
//! What lives here: form, checksum and digest, the two shapes that travel between a service and users, and the asking with
//! its memory. What does not: who has which key (users), and when a key is looked at (the edge).
//!
//! A key is a name and 256 random bits. Nobody can guess those, however fast they hash, so one SHA-256 is kept of them:
//! Argon2id slows down guessing at what people choose, and would here only slow down every call.

mod asking;

pub use asking::{ApiKeys, Caller, Keys, Look, Unknown};

use ambient::Timestamp;
use ids::UserId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What every key begins with, so that whoever finds one knows whose it is.
pub const PREFIX: &str = "sdft_";
/// The bytes of a key's secret.
pub const SECRET_BYTES: usize = 32;
/// The characters of a key's name without what names begin with.
const NAME_CHARS: usize = 28;
/// Hexadecimal digits of the secret.
const SECRET_CHARS: usize = 2 * SECRET_BYTES;
/// Hexadecimal digits of the checksum: the first four bytes of SHA-256 of everything before it.
const CHECKSUM_CHARS: usize = 8;
/// The characters of a key.
pub const KEY_CHARS: usize = PREFIX.len() + NAME_CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS;

ids::id!(
    /// An API key of an account.
    KeyId, "key"
);

/// A text that is no key: its form or its checksum is wrong, so nobody has to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is no API key")]
pub struct NotAKey;

/// A key as it is kept and asked about: without its secret.
///
/// **Shape** of the text: `sdft_` + 28 characters of the name + `_` + 64 hexadecimal digits of the secret + 8 of the
/// checksum, as in `sdft_0001hf9a7zj0e8vr5c2b4k6m8n9p_7d…`. Leak scanners find it by
/// `sdft_[0-9a-f]{2}[0-9a-hjkmnp-tv-z]{26}_[0-9a-f]{72}` and know by the checksum that it is not a look-alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// Which key it claims to be.
    pub id: KeyId,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
}

impl Presented {
    /// Reads a key.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        if text.len() != KEY_CHARS || !text.is_ascii() {
            return Err(NotAKey);
        }
        let (covered, sum) = text.split_at(KEY_CHARS - CHECKSUM_CHARS);
        if checksum(covered) != sum {
            return Err(NotAKey);
        }
        let (name, secret) = covered.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(NotAKey)?;
        let id = format!("{}_{name}", KeyId::PREFIX).parse().map_err(|_| NotAKey)?;
        Ok(Self { id, digest: digest(&from_hex(secret)?) })
    }

    /// Whether a text is meant to be a key, be it genuine or not.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }
}

/// The text of a key, which is shown once and kept nowhere.
pub fn text(id: KeyId, secret: &[u8; SECRET_BYTES]) -> String {
    let name = id.to_string();
    let name = name.split_once('_').map_or("", |(_, name)| name);
    let mut text = format!("{PREFIX}{name}_{}", hex(secret));
    let sum = checksum(&text);
    text.push_str(&sum);
    text
}

/// What is kept of a secret.
pub fn digest(secret: &[u8; SECRET_BYTES]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn checksum(covered: &str) -> String {
    hex(Sha256::digest(covered).get(..CHECKSUM_CHARS / 2).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<[u8; SECRET_BYTES], NotAKey> {
    let canonical =
        text.len() == SECRET_CHARS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let mut bytes = [0; SECRET_BYTES];
    for (place, byte) in bytes.iter_mut().enumerate() {
        let pair = text.get(2 * place..2 * place + 2).filter(|_| canonical).ok_or(NotAKey)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAKey)?;
    }
    Ok(bytes)
}

/// Body of `POST /internal/users/api-keys/verify`. The secret does not travel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyKey {
    /// Which key it claims to be.
    pub id: KeyId,
    /// SHA-256 of the secret, in hexadecimal.
    pub digest: String,
}

impl VerifyKey {
    /// Asks about a key.
    pub fn of(presented: &Presented) -> Self {
        Self { id: presented.id, digest: hex(&presented.digest) }
    }

    /// The digest; `None` where the text is none.
    pub fn digest(&self) -> Option<[u8; 32]> {
        from_hex(&self.digest).ok()
    }
}

/// The answer to [`VerifyKey`]: who has the key. For a key that does not hold it is `null`, whatever the reason, and never a
/// status: a 404 may also come from a route that is not there, and would close every door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedKey {
    /// Whose it is.
    pub user_id: UserId,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The plan of its account, which decides its limits.
    pub plan: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn key() -> (KeyId, String) {
        let id = KeyId::new(0, Uuid::from_u128(7));
        (id, text(id, &[0xa5; 32]))
    }

    #[test]
    fn a_key_reads_back_as_its_name_and_its_digest() {
        let (id, text) = key();
        assert_eq!(text.len(), KEY_CHARS);
        assert_eq!(Presented::parse(&text), Ok(Presented { id, digest: digest(&[0xa5; 32]) }));
        assert!(!format!("{:?}", Presented::parse(&text)).contains("a5a5"), "the secret is not kept");
    }

    #[test]
    fn any_changed_character_is_no_key() {
        let (_, text) = key();
        for place in 0..text.len() {
            for other in ["0", "1", "f", "g", "_", "A"] {
                let mut changed = text.clone();
                changed.replace_range(place..=place, other);
                if changed != text {
                    assert_eq!(Presented::parse(&changed), Err(NotAKey), "{changed}");
                }
            }
        }
        for other in [text.to_uppercase(), format!("{text}0"), text[1..].to_owned(), String::new()] {
            assert_eq!(Presented::parse(&other), Err(NotAKey), "{other}");
        }
    }

    #[test]
    fn a_question_carries_the_digest_and_not_the_secret() {
        let (_, text) = key();
        let presented = Presented::parse(&text).unwrap();
        let asked = VerifyKey::of(&presented);
        assert_eq!(asked.digest(), Some(presented.digest));
        for wrong in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"ü".repeat(32)] {
            assert_eq!(VerifyKey { digest: wrong.to_owned(), ..asked.clone() }.digest(), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(text in "(sdft_)?.{0,110}") {
            prop_assert_eq!(Presented::parse(&text), Err(NotAKey));
        }
    }
}
