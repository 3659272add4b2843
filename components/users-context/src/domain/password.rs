//! Which passwords are acceptable. **Source** NIST SP 800-63B: length counts, composition rules do not.

use crate::domain::EmailAddress;
use hasher_wire::Plain;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The fewest characters. **Units** Unicode scalar values after NFC.
const MIN_CHARS: usize = 8;
/// The most characters: far above any person's, and what one hash may cost stays bounded.
const MAX_CHARS: usize = 256;
/// A shorter local part may stand in a password by chance: only equality is refused then.
const TELLING_CHARS: usize = 4;

/// Why a password is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too few characters.
    #[error("a password has at least {MIN_CHARS} characters")]
    TooShort,
    /// Too many characters.
    #[error("a password has at most {MAX_CHARS} characters")]
    TooLong,
    /// The person's own address is the first thing that is tried.
    #[error("a password must not contain the e-mail address")]
    ContainsEmail,
}

/// A password in Unicode NFC, wiped when dropped: the same word typed on two keyboards is the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password(Plain);

impl Password {
    /// Takes a new password of the account with this address.
    ///
    /// # Errors
    /// [`WeakPassword`] with the first rule that it breaks.
    pub fn choose(typed: &Plain, email: &EmailAddress) -> Result<Self, WeakPassword> {
        let text = normalised(typed);
        let chars = text.chars().count();
        if chars < MIN_CHARS {
            return Err(WeakPassword::TooShort);
        }
        if chars > MAX_CHARS {
            return Err(WeakPassword::TooLong);
        }
        let folded = Zeroizing::new(text.to_lowercase());
        let local = email.local_part().to_lowercase();
        let telling = local.chars().count() >= TELLING_CHARS;
        if *folded == local || (telling && folded.contains(&local)) {
            return Err(WeakPassword::ContainsEmail);
        }
        Ok(Self(Plain::new(text.as_str())))
    }

    /// Takes what somebody typed to log in; `None` where no account can have it.
    pub fn attempt(typed: &Plain) -> Option<Self> {
        let text = normalised(typed);
        (1..=MAX_CHARS).contains(&text.chars().count()).then(|| Self(Plain::new(text.as_str())))
    }

    /// The password, for the hasher.
    pub fn plain(&self) -> &Plain {
        &self.0
    }
}

/// NFC of what was typed, in one allocation that is wiped: growing would leave copies behind.
fn normalised(typed: &Plain) -> Zeroizing<String> {
    // NFC makes no text of ours longer than three times its bytes (UAX #15, 9.1).
    let mut text = Zeroizing::new(String::with_capacity(3 * typed.expose().len()));
    text.extend(typed.expose().nfc());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(text: &str) -> Result<Password, WeakPassword> {
        Password::choose(&Plain::new(text), &EmailAddress::parse("Anna.Maria@example.org").unwrap())
    }

    #[test]
    fn length_is_what_counts() {
        assert!(choose("12345678").is_ok());
        assert!(choose("pässwörd").is_ok());
        assert!(choose(&"x".repeat(256)).is_ok());
        assert_eq!(choose("1234567"), Err(WeakPassword::TooShort));
        assert_eq!(choose(""), Err(WeakPassword::TooShort));
        assert_eq!(choose(&"x".repeat(257)), Err(WeakPassword::TooLong));
    }

    #[test]
    fn characters_are_counted_after_normalisation() {
        // Four letters, each with a combining accent: eight scalar values typed, four after NFC.
        assert_eq!(choose(&"e\u{301}".repeat(4)), Err(WeakPassword::TooShort));
    }

    #[test]
    fn two_keyboards_give_one_password() {
        assert_eq!(choose("caf\u{e9} au lait"), choose("cafe\u{301} au lait"));
    }

    #[test]
    fn the_own_address_is_no_password() {
        assert_eq!(choose("anna.maria"), Err(WeakPassword::ContainsEmail));
        assert_eq!(choose("ANNA.MARIA2026"), Err(WeakPassword::ContainsEmail));
        let short = EmailAddress::parse("jo@example.org").unwrap();
        assert!(Password::choose(&Plain::new("banjo music"), &short).is_ok());
        let whole = EmailAddress::parse("longlocal@example.org").unwrap();
        assert_eq!(Password::choose(&Plain::new("longlocal"), &whole), Err(WeakPassword::ContainsEmail));
    }

    #[test]
    fn an_attempt_that_no_account_can_have_is_none() {
        assert!(Password::attempt(&Plain::new("short")).is_some());
        assert_eq!(Password::attempt(&Plain::new("")), None);
        assert_eq!(Password::attempt(&Plain::new("x".repeat(257))), None);
    }
}
