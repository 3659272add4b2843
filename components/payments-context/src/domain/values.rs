//! The values that a caller chooses: amount, token, description, each valid from the moment it exists.

use core::fmt;
use money::{Currency, Money};

/// The largest amount of one payment, in minor units of its currency: 999 999.99 in most.
pub const MAX_AMOUNT_MINOR: i64 = 99_999_999;

/// Why a text or number cannot be the value it was meant to be; names no value, so that it is safe to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// Zero, negative or above [`MAX_AMOUNT_MINOR`].
    #[error("an amount is a whole number of minor units from 1 to {MAX_AMOUNT_MINOR}")]
    Amount,
    /// Not an ISO 4217 code.
    #[error("a currency is three capital letters that ISO 4217 lists, such as EUR")]
    Currency,
    /// Not a token.
    #[error("a payment method is a token: `tok_` or `pm_` and 1 to 60 characters out of A-Z a-z 0-9 _")]
    PaymentMethod,
    /// Empty, longer than 200 characters, or with control characters.
    #[error("a description has 1 to 200 characters and no control characters")]
    Description,
    /// Not an address of the web, or longer than 500 characters.
    #[error(
        "a return address is an https or http URL with a host, without user name, of at most 500 visible ASCII characters"
    )]
    ReturnUrl,
    /// Empty, longer than 32 characters, or with control characters.
    #[error("a label has 1 to 32 characters and no control characters")]
    Label,
    /// The payer keeps as many ways to pay as may be.
    #[error("a payer keeps at most {} ways to pay; forget one first", super::MAX_SAVED_METHODS)]
    TooManyMethods,
    /// A name of a saved way to pay that is not this payer's.
    #[error("there is no such saved way to pay")]
    NoSuchMethod,
    /// No reason for a refund.
    #[error(transparent)]
    Reason(#[from] super::UnknownReason),
}

/// An amount that can be paid.
///
/// # Errors
/// [`InvalidValue::Amount`], [`InvalidValue::Currency`].
pub fn payable(amount_minor: i64, currency: &str) -> Result<Money, InvalidValue> {
    let currency: Currency = currency.parse().map_err(|_| InvalidValue::Currency)?;
    if !(1..=MAX_AMOUNT_MINOR).contains(&amount_minor) {
        return Err(InvalidValue::Amount);
    }
    Money::new(amount_minor, currency).map_err(|_| InvalidValue::Amount)
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureMethod {
    /// With the confirmation.
    Automatic,
    /// Later, by a call of its own, all of it or part of it.
    Manual,
}

/// What stands for a card: made by the acquirer, worthless to anybody else. Never a card number.
///
/// **Shape** `tok_visa`: `tok_` or `pm_`, then 1 to 60 characters out of `A-Za-z0-9_`.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentToken(String);

impl PaymentToken {
    /// Takes a token.
    ///
    /// # Errors
    /// [`InvalidValue::PaymentMethod`].
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let rest = text.strip_prefix("tok_").or_else(|| text.strip_prefix("pm_")).ok_or(InvalidValue::PaymentMethod)?;
        let fits = (1..=60).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidValue::PaymentMethod) }
    }

    /// The text, for the acquirer.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PaymentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a payment is for, in the payer's words: 1 to 200 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// Takes a text.
    ///
    /// # Errors
    /// [`InvalidValue::Description`].
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidValue::Description) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a payer comes back to. **Shape** `https://shop.example/orders/7`: at most 500 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnUrl(String);

impl ReturnUrl {
    /// Takes an address.
    ///
    /// # Errors
    /// [`InvalidValue::ReturnUrl`].
    pub fn new(text: &str) -> Result<Self, InvalidValue> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        let fits = text.len() <= 500
            && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b'\\'))
            && !authority.is_empty()
            && !authority.starts_with(':')
            && !authority.contains('@');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidValue::ReturnUrl) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payer_comes_back_to_the_web_and_nowhere_else() {
        for good in ["https://shop.example", "http://127.0.0.1:3000/back?order=7#top"] {
            assert!(ReturnUrl::new(good).is_ok(), "{good}");
        }
        let long = format!("https://shop.example/{}", "a".repeat(500));
        for bad in [
            "",
            "/back",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://:80/",
            "https://me@shop.example/",
            "https://shop.example/\"><script>",
            "https://shop.example/a b",
            "https://shop.example\\@evil",
            "ftp://x/",
            &long,
        ] {
            assert_eq!(ReturnUrl::new(bad), Err(InvalidValue::ReturnUrl), "{bad}");
        }
    }

    #[test]
    fn an_amount_lies_between_one_and_the_most_that_is_taken() {
        for good in [1, 1099, MAX_AMOUNT_MINOR] {
            assert_eq!(payable(good, "EUR").map(|money| money.minor()), Ok(good));
        }
        for bad in [i64::MIN, -1, 0, MAX_AMOUNT_MINOR + 1, i64::MAX] {
            assert_eq!(payable(bad, "EUR"), Err(InvalidValue::Amount), "{bad}");
        }
        assert_eq!(payable(1, "eur"), Err(InvalidValue::Currency));
    }

    #[test]
    fn only_tokens_stand_for_cards() {
        for good in ["tok_visa", "pm_1MoBy5", "tok_3ds"] {
            assert!(PaymentToken::new(good).is_ok(), "{good}");
        }
        for bad in
            ["", "tok_", "4242424242424242", "tok_vi sa", "card_visa", "tok_ü", &format!("tok_{}", "a".repeat(61))]
        {
            assert_eq!(PaymentToken::new(bad), Err(InvalidValue::PaymentMethod), "{bad}");
        }
    }

    #[test]
    fn a_description_is_counted_in_characters() {
        assert!(Description::new(&"ü".repeat(200)).is_ok());
        for bad in ["", "a\nb", "\u{7f}", &"ü".repeat(201)] {
            assert_eq!(Description::new(bad), Err(InvalidValue::Description), "{bad:?}");
        }
    }
}
