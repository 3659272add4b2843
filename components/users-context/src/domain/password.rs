//! Which passwords are acceptable. **Source** NIST SP 800-63B: length counts, composition rules do not.

use super::breached;
use crate::domain::{DisplayName, EmailAddress};
use hasher_wire::Plain;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The fewest characters. **Units** Unicode scalar values after NFC.
const MIN_CHARS: usize = 8;
/// The most characters: far above any person's, and what one hash may cost stays bounded.
const MAX_CHARS: usize = 256;
/// A shorter word of the account may stand in a password by chance: only equality is refused then.
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
    /// The person's own name is the second.
    #[error("a password must not contain the display name")]
    ContainsName,
    /// It stands in lists that everybody who guesses begins with.
    #[error("this password is one of the most common ones")]
    Common,
}

/// What everybody may know about the owner of a password.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The address.
    pub email: &'a EmailAddress,
    /// The name, where it is known.
    pub display_name: Option<&'a DisplayName>,
}

/// A password in Unicode NFC, wiped when dropped: the same word typed on two keyboards is the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password(Plain);

impl Password {
    /// Takes a new password of an account.
    ///
    /// # Errors
    /// [`WeakPassword`] with the first rule that it breaks.
    pub fn choose(typed: &Plain, owner: Owner<'_>) -> Result<Self, WeakPassword> {
        let text = normalised(typed);
        let chars = text.chars().count();
        if chars < MIN_CHARS {
            return Err(WeakPassword::TooShort);
        }
        if chars > MAX_CHARS {
            return Err(WeakPassword::TooLong);
        }
        let folded = Zeroizing::new(text.to_lowercase());
        if tells(&folded, owner.email.local_part()) {
            return Err(WeakPassword::ContainsEmail);
        }
        if let Some(name) = owner.display_name.map(DisplayName::as_str) {
            let together: String = name.split_whitespace().collect();
            if tells(&folded, name) || tells(&folded, &together) {
                return Err(WeakPassword::ContainsName);
            }
        }
        if breached::is_common(&folded) {
            return Err(WeakPassword::Common);
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

/// Whether a password in lower case gives a word of its owner away.
fn tells(folded: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    folded == word || (word.chars().count() >= TELLING_CHARS && folded.contains(&word))
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

    fn choose_as(text: &str, email: &str, name: &str) -> Result<Password, WeakPassword> {
        let (email, display_name) = (EmailAddress::parse(email).unwrap(), DisplayName::parse(name).unwrap());
        Password::choose(&Plain::new(text), Owner { email: &email, display_name: Some(&display_name) })
    }

    fn choose(text: &str) -> Result<Password, WeakPassword> {
        choose_as(text, "Anna.Maria@example.org", "Anna Karenina")
    }

    #[test]
    fn length_is_what_counts() {
        assert!(choose("zp4kq7ms").is_ok());
        assert!(choose("pässwörtlich").is_ok());
        assert!(choose(&"xyz1".repeat(64)).is_ok());
        assert_eq!(choose("zp4kq7m"), Err(WeakPassword::TooShort));
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
        assert!(choose_as("banjo music", "jo@example.org", "Jo").is_ok());
        assert_eq!(choose_as("longlocal", "longlocal@example.org", "Jo"), Err(WeakPassword::ContainsEmail));
    }

    #[test]
    fn the_own_name_is_no_password() {
        for text in ["Anna Karenina", "annakarenina!", "the ANNA KARENINA book"] {
            assert_eq!(choose(text), Err(WeakPassword::ContainsName), "{text}");
        }
        assert!(choose("karenina reads").is_ok(), "a part of the name is no secret, but no guess at the whole either");
        assert!(choose_as("banjo music", "x@example.org", "Jo").is_ok());
    }

    #[test]
    fn what_everybody_tries_first_is_no_password() {
        for text in ["password1", "PASSWORD1", "iloveyou", "1q2w3e4r5t", "qwertyuiop"] {
            assert_eq!(choose_as(text, "x@example.org", "X"), Err(WeakPassword::Common), "{text}");
        }
    }

    #[test]
    fn an_attempt_that_no_account_can_have_is_none() {
        assert!(Password::attempt(&Plain::new("short")).is_some());
        assert_eq!(Password::attempt(&Plain::new("")), None);
        assert_eq!(Password::attempt(&Plain::new("x".repeat(257))), None);
    }
}
