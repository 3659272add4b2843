//! A one-time code: six digits that somebody reads from a mailbox and types back.
//!
//! It is part of the account's record, so that using it up and what it opens are one change: no crash can leave a code
//! that was used and had no effect, or one that had it twice.

use super::SecretKey;
use ambient::Timestamp;
use core::fmt;
use core::time::Duration;
use hmac::{Hmac, Mac};
use ids::UserId;
use sha2::Sha256;

/// How long a code holds.
pub const CODE_LIFE: Duration = Duration::from_secs(10 * 60);
/// How many tries it has.
const TRIES: u8 = 5;
/// How long a mailbox is left alone before the next code.
const PAUSE: Duration = Duration::from_secs(60);
/// How many codes one purpose gets in [`WINDOW`]. With five tries each, guessing finds one of a million in 68 years.
const MOST: u8 = 8;
/// See [`MOST`].
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// Length of the HMAC at rest. **Units** bytes.
pub const MAC_BYTES: usize = 32;

/// What a code opens; a code for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The address of the account is its owner's.
    VerifyEmail,
    /// Another password, for somebody who forgot it.
    ResetPassword,
    /// The present address agrees that another takes its place.
    ChangeEmail,
    /// The other address is the same person's.
    ConfirmNewEmail,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify-email",
            Self::ResetPassword => "reset-password",
            Self::ChangeEmail => "change-email",
            Self::ConfirmNewEmail => "confirm-new-email",
        }
    }
}

/// A code as its owner reads it; never printed. **Shape** six decimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// A code from random bits.
    pub fn from_random(bits: u64) -> Self {
        // One of 10^6 out of 2^64: the bias is beyond measuring.
        Self(format!("{:06}", bits % 1_000_000))
    }

    /// Reads what was typed; spaces and hyphens that people put in are dropped.
    pub fn typed(text: &str) -> Self {
        Self(text.chars().filter(|c| !matches!(c, ' ' | '-')).take(16).collect())
    }

    /// The digits, for the letter.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[code]")
    }
}

/// The key of codes at rest: whoever reads the records without it cannot try all million.
#[derive(Debug, Clone)]
pub struct CodeKey(SecretKey);

impl CodeKey {
    /// The key of codes among those made from a secret.
    pub fn new(secret: &SecretKey) -> Self {
        Self(secret.derive("one-time-code"))
    }

    /// HMAC-SHA256 of purpose, account, moment and digits; the digits come last, and nothing before them holds a NUL.
    fn mac(&self, purpose: Purpose, user: UserId, issued_at: Timestamp, digits: &Digits) -> Option<Hmac<Sha256>> {
        self.0.mac(&format!("{}\0{user}\0{}\0{}", purpose.word(), issued_at.unix_ms(), digits.0))
    }
}

/// A code at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeCode {
    /// What proves the digits.
    pub mac: [u8; MAC_BYTES],
    /// How many tries are left.
    pub tries_left: u8,
}

/// The codes of one purpose: the one that holds, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    /// The code that was sent last; `None` once it was used.
    pub code: Option<OneTimeCode>,
    /// When it was sent.
    pub issued_at: Timestamp,
    /// Since when codes are counted.
    pub counted_since: Timestamp,
    /// How many there were since.
    pub count: u8,
}

/// Why no further code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code was sent a moment ago, or too many today: come back in {} s", .0.as_secs())]
pub struct TooSoon(pub Duration);

/// What a typed code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// Right: commit these codes together with what it opens.
    Right(Codes),
    /// Wrong: commit these codes, then refuse.
    Wrong(Codes),
    /// There is none that holds; nothing is to be committed.
    Dead,
}

impl Codes {
    /// Sends another code for a purpose; the one before is void.
    ///
    /// # Errors
    /// [`TooSoon`].
    pub fn issue(
        before: Option<&Self>,
        key: &CodeKey,
        (purpose, user): (Purpose, UserId),
        digits: &Digits,
        now: Timestamp,
    ) -> Result<Self, TooSoon> {
        let (counted_since, count) = match before {
            Some(codes) if now.since(codes.counted_since) < WINDOW => {
                let paused = now.since(codes.issued_at);
                if paused < PAUSE {
                    return Err(TooSoon(PAUSE.saturating_sub(paused)));
                }
                if codes.count >= MOST {
                    return Err(TooSoon(WINDOW.saturating_sub(now.since(codes.counted_since))));
                }
                (codes.counted_since, codes.count.saturating_add(1))
            }
            _ => (now, 1),
        };
        let mac = key.mac(purpose, user, now, digits).map_or([0; MAC_BYTES], |mac| mac.finalize().into_bytes().into());
        Ok(Self { code: Some(OneTimeCode { mac, tries_left: TRIES }), issued_at: now, counted_since, count })
    }

    /// Decides on a typed code, compared in constant time. Every try is counted by its commit, and a refusal is told only
    /// afterwards: however many come at once, no more than five of them count.
    pub fn present(
        &self,
        key: &CodeKey,
        (purpose, user): (Purpose, UserId),
        typed: &Digits,
        now: Timestamp,
    ) -> Presented {
        let Some(code) = self.code.as_ref().filter(|code| code.tries_left > 0) else { return Presented::Dead };
        if now.since(self.issued_at) >= CODE_LIFE {
            return Presented::Dead;
        }
        let mac = key.mac(purpose, user, self.issued_at, typed);
        if mac.is_some_and(|mac| mac.verify_slice(&code.mac).is_ok()) {
            return Presented::Right(self.void());
        }
        let tries_left = code.tries_left.saturating_sub(1);
        Presented::Wrong(Self { code: Some(OneTimeCode { tries_left, ..code.clone() }), ..self.clone() })
    }

    /// The codes without one that holds; what was counted stays counted.
    #[must_use]
    pub fn void(&self) -> Self {
        Self { code: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const MINUTE: i64 = 60_000;

    fn at(unix_ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_ms)
    }

    fn key() -> CodeKey {
        CodeKey::new(&SecretKey::new(&[5; 32]).unwrap())
    }

    fn what() -> (Purpose, UserId) {
        (Purpose::VerifyEmail, UserId::new(0, Uuid::from_u128(1)))
    }

    fn issued(now: i64) -> Codes {
        Codes::issue(None, &key(), what(), &Digits::from_random(123_456), at(now)).unwrap()
    }

    fn present(codes: &Codes, typed: &str, now: i64) -> Presented {
        codes.present(&key(), what(), &Digits::typed(typed), at(now))
    }

    #[test]
    fn a_code_has_six_digits_and_is_typed_as_people_type() {
        assert_eq!(Digits::from_random(42).expose(), "000042");
        assert_eq!(Digits::from_random(9_999_999).expose(), "999999");
        assert!(matches!(present(&issued(0), " 123-456 ", 1), Presented::Right(_)));
        assert_eq!(format!("{:?}", Digits::from_random(1)), "[code]");
    }

    #[test]
    fn it_is_good_once() {
        let Presented::Right(after) = present(&issued(0), "123456", 1) else { panic!("must be right") };
        assert_eq!(present(&after, "123456", 2), Presented::Dead);
    }

    #[test]
    fn it_ends_after_ten_minutes() {
        assert!(matches!(present(&issued(0), "123456", 10 * MINUTE - 1), Presented::Right(_)));
        assert_eq!(present(&issued(0), "123456", 10 * MINUTE), Presented::Dead);
    }

    #[test]
    fn five_wrong_tries_end_it() {
        let mut codes = issued(0);
        for _ in 0..5 {
            let Presented::Wrong(next) = present(&codes, "000000", 1) else { panic!("must be wrong") };
            codes = next;
        }
        assert_eq!(present(&codes, "123456", 1), Presented::Dead, "the right one too");
    }

    #[test]
    fn a_code_for_one_purpose_or_person_is_worth_nothing_for_another() {
        let codes = issued(0);
        let typed = Digits::typed("123456");
        let reset = (Purpose::ResetPassword, what().1);
        assert!(matches!(codes.present(&key(), reset, &typed, at(1)), Presented::Wrong(_)));
        let other = (what().0, UserId::new(0, Uuid::from_u128(2)));
        assert!(matches!(codes.present(&key(), other, &typed, at(1)), Presented::Wrong(_)));
        let key = CodeKey::new(&SecretKey::new(&[6; 32]).unwrap());
        assert!(matches!(codes.present(&key, what(), &typed, at(1)), Presented::Wrong(_)));
    }

    #[test]
    fn a_mailbox_gets_one_code_a_minute_and_eight_a_day() {
        let again = |before: &Codes, now| Codes::issue(Some(before), &key(), what(), &Digits::from_random(1), at(now));
        let mut codes = issued(0);
        assert_eq!(again(&codes, MINUTE - 1), Err(TooSoon(Duration::from_millis(1))));
        for minute in 1..8 {
            codes = again(&codes, minute * MINUTE).unwrap();
        }
        let Err(TooSoon(wait)) = again(&codes, 9 * MINUTE) else { panic!("must be too many") };
        assert_eq!(wait, WINDOW - Duration::from_secs(9 * 60));
        assert_eq!(again(&codes, 24 * 60 * MINUTE).unwrap().count, 1);
        assert!(again(&codes.void(), 9 * MINUTE).is_err(), "using one gives none back");
    }

    proptest! {
        #[test]
        fn no_row_of_guesses_opens_more_than_five(guesses in prop::collection::vec(0u64..20, 1..40)) {
            let mut codes = Codes::issue(None, &key(), what(), &Digits::from_random(7), at(0)).unwrap();
            let mut tries = 0;
            for guess in guesses {
                match codes.present(&key(), what(), &Digits::from_random(guess), at(1)) {
                    Presented::Right(next) => { prop_assert_eq!(guess, 7); prop_assert!(tries < 5); codes = next; tries = 5; }
                    Presented::Wrong(next) => { prop_assert_ne!(guess, 7); prop_assert!(tries < 5); codes = next; tries += 1; }
                    Presented::Dead => prop_assert_eq!(tries, 5),
                }
            }
        }
    }
}
