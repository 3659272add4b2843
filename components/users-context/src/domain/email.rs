//! An e-mail address, and the one-way name under which its account is found.

use super::SecretKey;
use hmac::Mac;
use unicode_normalization::UnicodeNormalization;

/// The longest address. **Units** bytes. **Source** RFC 5321, 4.5.3.1.3 (erratum 1690).
const MAX_BYTES: usize = 254;

/// Why a text is no address that mail can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Longer than any address may be.
    #[error("an e-mail address has at most {MAX_BYTES} bytes")]
    TooLong,
    /// Not `local@domain`; quoted local parts, address literals and display names are not taken either.
    #[error("an e-mail address such as anna@example.org is expected")]
    Shape,
}

/// An address: `local@domain` in Unicode NFC, the domain in lower case, the local part as the person wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address; surrounding white space is a slip of the keyboard and dropped.
    ///
    /// # Errors
    /// [`InvalidEmail`] when it is too long or not an address.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text: String = text.trim().nfc().collect();
        if text.len() > MAX_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        let options =
            email_address::Options::default().with_required_tld().without_domain_literal().without_display_text();
        email_address::EmailAddress::parse_with_options(&text, options).map_err(|_| InvalidEmail::Shape)?;
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail::Shape)?;
        // The grammar also knows quoted local parts, in which anything may stand: nobody's real address, many an attack.
        if local.contains(['"', '@', '<', '>']) || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidEmail::Shape);
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }

    /// Takes an address from a record, as it was accepted when it was written.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text, as messages are sent to it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

/// The key under which addresses are indexed: whoever reads key names without it learns no address.
#[derive(Debug, Clone)]
pub struct EmailIndexKey(SecretKey);

impl EmailIndexKey {
    /// Takes the secret; changing it later loses the way from address to account.
    pub const fn new(key: SecretKey) -> Self {
        Self(key)
    }

    /// The name of an address: HMAC-SHA256 of its lower case.
    ///
    /// **Shape** 64 hexadecimal digits. The whole address is folded, although RFC 5321 would let `Anna@` and `anna@`
    /// differ: no provider does, and telephones capitalise what they like.
    pub fn name(&self, email: &EmailAddress) -> String {
        self.hmac(email.as_str())
    }

    /// The name of a text that is no address: no account has it, and finding that out costs as much as for one that is.
    pub fn name_of_nobody(&self, text: &str) -> String {
        // No address holds a control character, so this meets no account.
        self.hmac(&format!("\0{text}"))
    }

    fn hmac(&self, text: &str) -> String {
        let digest = self.0.mac(&text.to_lowercase()).map(|mac| mac.finalize().into_bytes());
        digest.iter().flatten().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> EmailIndexKey {
        EmailIndexKey::new(SecretKey::new(&[byte; 32]).unwrap())
    }

    #[test]
    fn takes_addresses_that_people_have() {
        for (text, read) in [
            ("anna@example.org", "anna@example.org"),
            ("  Anna.Maria+shop@Example.ORG ", "Anna.Maria+shop@example.org"),
            ("o'neill@mail.example.co.uk", "o'neill@mail.example.co.uk"),
            ("коля@пример.рф", "коля@пример.рф"),
            ("e\u{301}va@example.org", "\u{e9}va@example.org"),
        ] {
            assert_eq!(EmailAddress::parse(text).as_ref().map(EmailAddress::as_str), Ok(read), "{text}");
        }
        let longest = format!("{}@{}.org", "a".repeat(64), "b.".repeat(92) + "b");
        assert_eq!(longest.len(), 254);
        assert!(EmailAddress::parse(&longest).is_ok());
    }

    #[test]
    fn refuses_what_is_none() {
        for bad in [
            "",
            "anna",
            "@example.org",
            "anna@",
            "anna@localhost",
            "a@b@example.org",
            "anna@[127.0.0.1]",
            "\"a b\"@example.org",
            "\"a@b\"@example.org",
            "Anna <anna@example.org>",
            "<anna@example.org>",
            "an\u{0}na@example.org",
            "anna@exam\nple.org",
            "anna@exam ple.org",
            "anna@example..org",
            "anna.@example.org",
            "anna@-example.org",
            "anna\r\nBcc:x@example.org",
            "anna\u{a0}b@example.org",
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(InvalidEmail::Shape), "{bad:?}");
        }
        let long = format!("{}@{}.org", "a".repeat(64), "b.".repeat(93) + "b");
        assert_eq!(EmailAddress::parse(&long), Err(InvalidEmail::TooLong));
    }

    #[test]
    fn one_mailbox_has_one_name_whatever_the_keyboard_capitalised() {
        let index = key(1);
        let name = |text: &str| index.name(&EmailAddress::parse(text).unwrap());
        assert_eq!(name("Anna@Example.org"), name("anna@example.ORG"));
        assert_ne!(name("anna@example.org"), name("anne@example.org"));
        assert_eq!(name("anna@example.org").len(), 64);
        assert_ne!(name("anna@example.org"), key(2).name(&EmailAddress::parse("anna@example.org").unwrap()));
    }

    #[test]
    fn a_text_that_is_no_address_never_meets_an_account() {
        let index = key(1);
        assert_ne!(
            index.name_of_nobody("anna@example.org"),
            index.name(&EmailAddress::parse("anna@example.org").unwrap())
        );
    }
}
