//! A telephone for short messages: proven by a code before it gets any.

use ambient::Timestamp;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

/// How long a code holds.
pub const CODE_LIFE: Duration = Duration::from_secs(10 * 60);
/// How often a code may be guessed.
const MOST_GUESSES: u8 = 5;
/// How many codes are sent within [`SENDING_WINDOW`]: each costs money, and rings somebody's telephone.
const MOST_CODES: u8 = 3;
/// The time in which [`MOST_CODES`] are sent.
const SENDING_WINDOW: Duration = Duration::from_secs(60 * 60);

/// A telephone number. **Shape** E.164: `+`, then 7 to 15 digits of which the first is not 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber(String);

/// A text that is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number such as +4915112345678 is expected: a plus, the country, no spaces (E.164)")]
pub struct InvalidPhone;

impl PhoneNumber {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidPhone;

    fn from_str(text: &str) -> Result<Self, InvalidPhone> {
        let digits = text.strip_prefix('+').ok_or(InvalidPhone)?;
        let fits =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        fits.then(|| Self(text.to_owned())).ok_or(InvalidPhone)
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number that is still to be proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub number: PhoneNumber,
    /// What the code is known by; never the code.
    pub mac: String,
    /// Until when it holds.
    pub expires_at: Timestamp,
    /// How many guesses were wrong.
    pub guesses: u8,
}

/// What is known of a person's telephone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phone {
    /// The number that gets messages.
    pub confirmed: Option<PhoneNumber>,
    /// The one that is to be proven.
    pub pending: Option<Pending>,
    /// Since when codes are counted, and how many were sent since.
    pub codes: Option<(Timestamp, u8)>,
}

/// Why a step with a telephone is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneRefusal {
    /// Too many codes were asked for.
    #[error("too many codes were sent")]
    TooMany {
        /// When there is another.
        retry_after: Duration,
    },
    /// The code is another, too old, guessed too often, or there is none.
    #[error("the code is not the one that was sent, or no longer holds")]
    WrongCode,
}

impl Phone {
    /// The state after another number was named, and a code made for it.
    ///
    /// # Errors
    /// [`PhoneRefusal::TooMany`].
    pub fn named(&self, number: PhoneNumber, mac: String, now: Timestamp) -> Result<Self, PhoneRefusal> {
        let codes = match self.codes {
            Some((since, count)) if now.since(since) < SENDING_WINDOW => {
                if count >= MOST_CODES {
                    return Err(PhoneRefusal::TooMany { retry_after: since.plus(SENDING_WINDOW).since(now) });
                }
                (since, count.saturating_add(1))
            }
            Some(_) | None => (now, 1),
        };
        let pending = Pending { number, mac, expires_at: now.plus(CODE_LIFE), guesses: 0 };
        Ok(Self { pending: Some(pending), codes: Some(codes), confirmed: self.confirmed.clone() })
    }

    /// The state after a guess, and whether it was right. `fits` compares in constant time.
    ///
    /// # Errors
    /// [`PhoneRefusal::WrongCode`] where there is nothing to guess any more: nothing changes.
    pub fn guessed(&self, now: Timestamp, fits: impl Fn(&Pending) -> bool) -> Result<(Self, bool), PhoneRefusal> {
        let pending = self.pending.as_ref().ok_or(PhoneRefusal::WrongCode)?;
        if now >= pending.expires_at || pending.guesses >= MOST_GUESSES {
            return Err(PhoneRefusal::WrongCode);
        }
        if fits(pending) {
            let confirmed = Some(pending.number.clone());
            return Ok((Self { confirmed, pending: None, codes: self.codes }, true));
        }
        let pending = Pending { guesses: pending.guesses.saturating_add(1), ..pending.clone() };
        Ok((Self { pending: Some(pending), ..self.clone() }, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_767_225_600_000);

    fn number() -> PhoneNumber {
        "+4915112345678".parse().unwrap()
    }

    #[test]
    fn only_the_international_form_is_a_number() {
        for bad in [
            "",
            "+",
            "015112345678",
            "+0151123456",
            "+49 151 1234567",
            "+49151a234567",
            "+1234567890123456",
            "+１２３４５６７",
        ] {
            assert!(bad.parse::<PhoneNumber>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_code_proves_the_number_once_within_its_time_and_a_handful_of_guesses() {
        let phone = Phone::default().named(number(), "mac".into(), NOW).unwrap();
        let (proven, right) = phone.guessed(NOW, |pending| pending.mac == "mac").unwrap();
        assert!(right && proven.confirmed == Some(number()));
        assert_eq!(proven.guessed(NOW, |_| true), Err(PhoneRefusal::WrongCode));
        assert_eq!(phone.guessed(NOW.plus(CODE_LIFE), |_| true), Err(PhoneRefusal::WrongCode));
        let mut guessed = phone;
        for _ in 0..MOST_GUESSES {
            (guessed, _) = guessed.guessed(NOW, |_| false).unwrap();
        }
        assert_eq!(guessed.guessed(NOW, |_| true), Err(PhoneRefusal::WrongCode));
    }

    #[test]
    fn another_number_replaces_the_one_that_is_there_only_when_it_is_proven() {
        let (proven, _) = Phone::default().named(number(), "m".into(), NOW).unwrap().guessed(NOW, |_| true).unwrap();
        let other = proven.named("+4366012345678".parse().unwrap(), "n".into(), NOW).unwrap();
        assert_eq!(other.confirmed, Some(number()));
    }

    #[test]
    fn codes_are_few_an_hour() {
        let mut phone = Phone::default();
        for _ in 0..MOST_CODES {
            phone = phone.named(number(), "m".into(), NOW).unwrap();
        }
        let later = NOW.plus(Duration::from_secs(60));
        let retry_after = SENDING_WINDOW - Duration::from_secs(60);
        assert_eq!(phone.named(number(), "m".into(), later), Err(PhoneRefusal::TooMany { retry_after }));
        assert!(phone.named(number(), "m".into(), NOW.plus(SENDING_WINDOW)).is_ok());
    }
}
