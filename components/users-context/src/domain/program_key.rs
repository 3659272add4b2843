//! API keys: what a program of an account's owner may do, and for how long. A key is named and has one secret, or two
//! while it is exchanged.

use ambient::Timestamp;
use api_key::KeyId;
use core::time::Duration;
use ids::UserId;
use subtle::{Choice, ConstantTimeEq};

/// What keys may be allowed. Not the profile: a key neither looks at nor changes what proves who somebody is.
pub const KEY_SCOPES: [&str; 6] =
    ["payments:read", "payments:write", "notifications:read", "notifications:write", "webhooks:read", "webhooks:write"];
/// The longest life of a key. **Units** days.
pub const MOST_DAYS: u32 = 365;
/// The longest that a secret goes on beside the next one. **Units** hours.
pub const MOST_OVERLAP_HOURS: u32 = 7 * 24;
/// The most characters of a key's name.
const MOST_NAME_CHARS: usize = 60;

/// Why a key cannot be had as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProgramKey {
    /// The name.
    #[error("a name has 1 to {MOST_NAME_CHARS} printable characters")]
    Name,
    /// None, one that there is not, or one that the caller does not have.
    #[error("a key has one or more of payments, notifications, webhooks, each :read or :write")]
    Scopes,
    /// How long it lives.
    #[error("a key lives for 1 to {MOST_DAYS} days")]
    Days,
    /// How long the secret before goes on.
    #[error("a secret goes on for at most {MOST_OVERLAP_HOURS} hours beside the next one")]
    Overlap,
}

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret {
    /// Its SHA-256: 256 random bits cannot be guessed, so that nothing has to slow guesses down.
    pub digest: [u8; 32],
    /// The last four characters of the key's text, for its owner to tell keys apart.
    pub last_four: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, where the next one has taken its place.
    pub ends_at: Option<Timestamp>,
}

impl core::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeySecret").field("last_four", &self.last_four).finish_non_exhaustive()
    }
}

/// A key.
///
/// **Invariant** one secret or two, the newest first; only the newest has no end of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramKey {
    /// Its name in texts.
    pub id: KeyId,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Its secrets.
    pub secrets: Vec<KeySecret>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// A life in days.
///
/// # Errors
/// [`InvalidProgramKey::Days`].
pub fn life(days: u32) -> Result<Duration, InvalidProgramKey> {
    if (1..=MOST_DAYS).contains(&days) {
        return Ok(Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    }
    Err(InvalidProgramKey::Days)
}

/// An overlap in hours.
///
/// # Errors
/// [`InvalidProgramKey::Overlap`].
pub fn overlap(hours: u32) -> Result<Duration, InvalidProgramKey> {
    if hours > MOST_OVERLAP_HOURS {
        return Err(InvalidProgramKey::Overlap);
    }
    Ok(Duration::from_secs(u64::from(hours) * 60 * 60))
}

/// A key's name as its owner gives it.
///
/// # Errors
/// [`InvalidProgramKey::Name`].
pub fn key_name(text: &str) -> Result<String, InvalidProgramKey> {
    let text = text.trim();
    let fits = (1..=MOST_NAME_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(InvalidProgramKey::Name) }
}

/// What a key may do: no more than its owner, and nothing but what keys may.
///
/// # Errors
/// [`InvalidProgramKey::Scopes`].
pub fn key_scopes(wanted: &[String], of_owner: &[String]) -> Result<Vec<String>, InvalidProgramKey> {
    let may = |scope: &&str| of_owner.iter().any(|own| own == scope);
    let known = wanted.iter().all(|scope| KEY_SCOPES.iter().filter(|known| may(known)).any(|known| known == scope));
    if wanted.is_empty() || !known {
        return Err(InvalidProgramKey::Scopes);
    }
    let granted = KEY_SCOPES.iter().filter(|known| wanted.iter().any(|scope| scope == *known));
    Ok(granted.map(|scope| (*scope).to_owned()).collect())
}

impl ProgramKey {
    /// The key with another secret; the one before goes on for a while, and one that was still going on ends.
    #[must_use]
    pub fn rotated(mut self, secret: KeySecret, overlap: Duration, life: Duration) -> Self {
        let now = secret.created_at;
        let before = self
            .secrets
            .into_iter()
            .next()
            .map(|before| KeySecret { ends_at: Some(now.plus(overlap).min(self.expires_at)), ..before });
        self.secrets = [secret].into_iter().chain(before.filter(|_| !overlap.is_zero())).collect();
        self.expires_at = now.plus(life);
        self
    }

    /// The ended key; `None` where it was ended before.
    #[must_use]
    pub fn revoked(self, now: Timestamp) -> Option<Self> {
        self.revoked_at.is_none().then_some(Self { revoked_at: Some(now), ..self })
    }

    /// Whether a secret opens it now. Compares with every secret in constant time.
    pub fn is_opened_by(&self, digest: &[u8; 32], now: Timestamp) -> bool {
        let mut opened = Choice::from(0);
        for secret in &self.secrets {
            let goes_on = Choice::from(u8::from(secret.ends_at.is_none_or(|end| now < end)));
            opened |= secret.digest.ct_eq(digest) & goes_on;
        }
        bool::from(opened) && self.revoked_at.is_none() && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_unix_ms(1_767_225_600_000).plus(HOUR * u32::try_from(hours).unwrap())
    }

    fn secret(byte: u8, hours: u64) -> KeySecret {
        KeySecret { digest: [byte; 32], last_four: "ab12".into(), created_at: at(hours), ends_at: None }
    }

    fn key() -> ProgramKey {
        ProgramKey {
            id: KeyId::derived(0, &[b"key"]),
            user: UserId::derived(0, &[b"anna"]),
            name: "till".into(),
            scopes: vec!["payments:read".into()],
            secrets: vec![secret(1, 0)],
            created_at: at(0),
            expires_at: at(100),
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_opens_by_its_secret_until_it_expires_or_is_ended() {
        assert!(key().is_opened_by(&[1; 32], at(99)));
        assert!(!key().is_opened_by(&[2; 32], at(1)));
        assert!(!key().is_opened_by(&[1; 32], at(100)), "expired");
        let revoked = key().revoked(at(2)).unwrap();
        assert!(!revoked.is_opened_by(&[1; 32], at(3)));
        assert_eq!(revoked.revoked(at(4)), None, "twice is as good as once");
    }

    #[test]
    fn both_secrets_open_while_they_overlap_and_a_third_ends_the_first() {
        let rotated = key().rotated(secret(2, 10), HOUR * 24, HOUR * 200);
        for (byte, hour, opens) in [(1, 33, true), (1, 34, false), (2, 33, true), (2, 209, true), (2, 210, false)] {
            assert_eq!(rotated.is_opened_by(&[byte; 32], at(hour)), opens, "secret {byte} after {hour} h");
        }
        let again = rotated.rotated(secret(3, 11), HOUR, HOUR * 200);
        let opens = |byte: u8, hour| again.is_opened_by(&[byte; 32], at(hour));
        assert_eq!([opens(1, 11), opens(2, 11), opens(2, 12), opens(3, 12)], [false, true, false, true]);
        let at_once = key().rotated(secret(2, 1), Duration::ZERO, HOUR);
        assert!(!at_once.is_opened_by(&[1; 32], at(1)), "without overlap the old one ends at once");
        let late = key().rotated(secret(2, 99), HOUR * 24, HOUR * 200);
        assert!(!late.is_opened_by(&[1; 32], at(100)), "no overlap beyond the end that it had");
    }

    #[test]
    fn scopes_are_those_of_the_list_that_the_owner_has() {
        let owner = ["payments:read", "notifications:read", "profile"].map(str::to_owned);
        let ask =
            |wanted: &[&str]| key_scopes(&wanted.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>(), &owner);
        assert_eq!(
            ask(&["notifications:read", "payments:read", "payments:read"]).unwrap(),
            ["payments:read", "notifications:read"]
        );
        for wrong in [&[][..], &["payments:write"], &["profile"], &["admin"], &["payments:read", "profile"], &[""]] {
            assert_eq!(ask(wrong), Err(InvalidProgramKey::Scopes), "{wrong:?}");
        }
    }

    #[test]
    fn names_lives_and_overlaps_have_bounds() {
        assert_eq!(key_name("  the till "), Ok("the till".to_owned()));
        for wrong in ["", "   ", "a\nb", &"x".repeat(61)] {
            assert_eq!(key_name(wrong), Err(InvalidProgramKey::Name), "{wrong:?}");
        }
        assert!(life(1).is_ok() && life(365).is_ok() && life(0).is_err() && life(366).is_err());
        assert!(overlap(0).is_ok() && overlap(168).is_ok() && overlap(169).is_err());
    }
}
