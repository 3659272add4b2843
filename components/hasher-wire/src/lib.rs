//! What goes between a service and the hasher: `POST /internal/hasher/hash` and `/verify`.
//!
//! What lives here: the four shapes and [`Plain`], a password that wipes itself and never shows. What does not: how a
//! password is hashed, and which passwords are acceptable.

use core::fmt;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A password as the person typed it: wiped when dropped, never printed.
///
/// The bytes of the HTTP message around it are not ours to wipe; they die with their request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Plain(Zeroizing<String>);

impl Plain {
    /// Takes a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The password itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password]")
    }
}

/// Body of `POST /internal/hasher/hash`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hash {
    /// What to hash.
    pub password: Plain,
}

/// Answer to [`struct@Hash`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    /// **Shape** a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>`.
    pub phc: String,
}

/// Body of `POST /internal/hasher/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verify {
    /// What the person typed.
    pub password: Plain,
    /// What is stored; `null` where there is no account: the same work is done and nothing matches.
    pub phc: Option<String>,
}

/// Answer to [`Verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Whether the password is the one behind the PHC string.
    pub matches: bool,
    /// Whether the string was made with other parameters than today's: hash again now that the password is at hand.
    pub needs_rehash: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_travels_but_never_shows() {
        let request = Verify { password: Plain::new("hunter2hunter2"), phc: None };
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"password":"hunter2hunter2","phc":null}"#);
        assert_eq!(format!("{request:?}"), "Verify { password: [password], phc: None }");
    }
}
