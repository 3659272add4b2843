//! What a person says of themselves: a name to be called by and a language.

use icu_locale_core::LanguageIdentifier;
use unicode_normalization::UnicodeNormalization;

/// The most characters of a name. **Units** Unicode scalar values after NFC.
const MAX_CHARS: usize = 80;

/// Why a text is no display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDisplayName {
    /// Empty, or longer than fits on a line.
    #[error("a display name has 1 to {MAX_CHARS} characters")]
    Length,
    /// A character that shows nothing and can disguise what does.
    #[error("a display name has no control or text-direction characters")]
    Invisible,
}

/// How the person wants to be called: 1 to 80 characters in NFC, none of them a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Reads a name; surrounding white space is dropped.
    ///
    /// # Errors
    /// [`InvalidDisplayName`] when it is empty, too long or holds invisible characters.
    pub fn parse(text: &str) -> Result<Self, InvalidDisplayName> {
        let text: String = text.trim().nfc().collect();
        if !(1..=MAX_CHARS).contains(&text.chars().count()) {
            return Err(InvalidDisplayName::Length);
        }
        if text.chars().any(|c| c.is_control() || turns_text(c)) {
            return Err(InvalidDisplayName::Invisible);
        }
        Ok(Self(text))
    }

    /// Takes a name from a record, as it was accepted when it was written.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character overrides the direction of the text after it (UAX #9, 2), which lets a name rewrite a message.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A text that is no language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language tag such as en or pt-BR is expected (BCP 47)")]
pub struct InvalidLocale;

/// The language for messages: a BCP 47 language tag in canonical case, without extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locale(String);

impl Locale {
    /// Reads a tag.
    ///
    /// # Errors
    /// [`InvalidLocale`] when it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidLocale> {
        // The longest useful tag, language-script-region-variant, has 20 characters.
        if text.len() > 35 {
            return Err(InvalidLocale);
        }
        let tag = LanguageIdentifier::try_from_str(text).map_err(|_| InvalidLocale)?;
        Ok(Self(tag.to_string()))
    }

    /// Takes a tag from a record, as it was accepted when it was written.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Locale {
    /// English, where the person says nothing.
    fn default() -> Self {
        Self("en".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_names_that_people_have() {
        for name in ["Anna", "José Ángel", "李", "أحمد", "Zoë 🎈", &"x".repeat(80)] {
            assert!(DisplayName::parse(name).is_ok(), "{name}");
        }
        assert_eq!(DisplayName::parse("  Anna  ").unwrap().as_str(), "Anna");
    }

    #[test]
    fn refuses_names_that_show_nothing_or_rewrite_what_follows() {
        for bad in ["", "   ", &"x".repeat(81)] {
            assert_eq!(DisplayName::parse(bad), Err(InvalidDisplayName::Length), "{bad}");
        }
        for bad in ["An\u{0}na", "Anna\nBcc: x", "\u{202e}annA", "A\u{2066}b"] {
            assert_eq!(DisplayName::parse(bad), Err(InvalidDisplayName::Invisible), "{bad:?}");
        }
    }

    #[test]
    fn a_tag_has_one_spelling() {
        assert_eq!(Locale::parse("PT-br").unwrap().as_str(), "pt-BR");
        assert_eq!(Locale::default(), Locale::parse("en").unwrap());
        for bad in ["", "english please", "e", "en_US!", &"en-".repeat(20)] {
            assert_eq!(Locale::parse(bad), Err(InvalidLocale), "{bad}");
        }
    }
}
