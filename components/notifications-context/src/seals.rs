//! What only this context can make and know again: names of addresses, tokens in links, codes of telephones.

use crate::domain::{Channel, Kind, PhoneNumber};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ids::UserId;
use sha2::Sha256;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// How many bytes of a MAC are kept: 128 bits, which nobody guesses.
const MAC_BYTES: usize = 16;

/// The key of this context. **Invariant** it never changes while letters with links and suppressed addresses are about:
/// another key forgets them.
#[derive(Clone)]
pub struct Seals {
    key: Arc<[u8]>,
}

impl Seals {
    /// The seals of a key of any length.
    pub fn new(key: &str) -> Self {
        Self { key: key.as_bytes().into() }
    }

    /// The name of an address: the same for each spelling of it, and nobody without the key can tell whose it is.
    /// **Shape** 32 hexadecimal digits.
    pub fn address(&self, channel: Channel, address: &str) -> String {
        let address = address.to_lowercase();
        self.mac(&[b"address", channel.word().as_bytes(), address.as_bytes()])
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The token that turns letters of a kind off without a login. It does not expire: letters are kept for years.
    /// **Shape** `usr_00….payment_receipt.<22 characters of base64url>`.
    pub fn unsubscribe_token(&self, user_id: UserId, kind: Kind) -> String {
        format!("{user_id}.{}.{}", kind.word(), self.unsubscribe_mac(user_id, kind))
    }

    /// Whom and what a token is about; `None` where we did not make it.
    pub fn open_unsubscribe(&self, token: &str) -> Option<(UserId, Kind)> {
        let mut parts = token.split('.');
        let (user_id, kind, mac) = (parts.next()?, parts.next()?, parts.next()?);
        let user_id: UserId = user_id.parse().ok()?;
        let kind = Kind::from_word(kind)?;
        let fits = self.unsubscribe_mac(user_id, kind).as_bytes().ct_eq(mac.as_bytes());
        (bool::from(fits) && parts.next().is_none()).then_some((user_id, kind))
    }

    /// What the code for a telephone is known by.
    pub fn phone_code(&self, user_id: UserId, number: &PhoneNumber, code: &str) -> String {
        let user_id = user_id.to_string();
        let mac = self.mac(&[b"phone", user_id.as_bytes(), number.as_str().as_bytes(), code.as_bytes()]);
        URL_SAFE_NO_PAD.encode(mac)
    }

    fn unsubscribe_mac(&self, user_id: UserId, kind: Kind) -> String {
        let user_id = user_id.to_string();
        URL_SAFE_NO_PAD.encode(self.mac(&[b"unsubscribe", user_id.as_bytes(), kind.word().as_bytes()]))
    }

    /// HMAC-SHA-256 over the parts, each after its length; the first says what it is for.
    fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        // HMAC takes keys of any length: there always is one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return Vec::new() };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().iter().take(MAC_BYTES).copied().collect()
    }
}

/// Whether two secrets are the same, without telling where they differ.
pub fn same(given: &[u8], wanted: &[u8]) -> bool {
    bool::from(given.ct_eq(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seals() -> Seals {
        Seals::new("a key of the tests")
    }

    fn ada() -> UserId {
        UserId::derived(0, &[b"ada"])
    }

    #[test]
    fn a_token_opens_what_it_was_made_for_and_nothing_else() {
        let token = seals().unsubscribe_token(ada(), Kind::PaymentReceipt);
        assert_eq!(seals().open_unsubscribe(&token), Some((ada(), Kind::PaymentReceipt)));
        assert_eq!(Seals::new("another").open_unsubscribe(&token), None);
        let bob = UserId::derived(0, &[b"bob"]).to_string();
        for forged in [
            token.replace("payment_receipt", "payout"),
            token.replace(&ada().to_string(), &bob),
            format!("{token}x"),
            format!("{token}.x"),
            token[..token.len() - 1].to_owned(),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(seals().open_unsubscribe(&forged), None, "{forged}");
        }
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{token}");
    }

    #[test]
    fn an_address_has_one_name_whatever_its_case_and_another_in_another_channel() {
        let name = seals().address(Channel::Email, "Ada@Example.com");
        assert_eq!(name, seals().address(Channel::Email, "ada@example.com"));
        assert_ne!(name, seals().address(Channel::Sms, "ada@example.com"));
        assert_eq!(name.len(), 32);
    }

    proptest! {
        #[test]
        fn garbage_opens_nothing(token in ".{0,80}") {
            prop_assert_eq!(seals().open_unsubscribe(&token), None);
        }
    }
}
