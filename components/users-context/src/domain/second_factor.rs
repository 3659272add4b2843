//! The second factor: a time-based code of a telephone (RFC 6238) and codes to recover without it.
//!
//! No secret is stored: it is made anew from the key, the account and a nonce, so that whoever reads the records without
//! the key learns none.

use super::SecretKey;
use ambient::Timestamp;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use ids::UserId;
use sha1::Sha1;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long one code is shown. **Units** seconds. **Source** RFC 6238, 5.2, and what every telephone expects.
const STEP_S: i64 = 30;
/// How many steps a telephone's clock may be off, each way. **Source** RFC 6238, 5.2.
const DRIFT: i64 = 1;
/// Length of a secret. **Units** bytes. **Source** RFC 4226, 4 (R6).
const SECRET_BYTES: usize = 20;
/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 10;
/// Letters of base32. **Source** RFC 4648, 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Length of the HMAC of a recovery code. **Units** bytes.
pub const RECOVERY_BYTES: usize = 32;

/// The key of second factors.
#[derive(Debug, Clone)]
pub struct FactorKey(SecretKey);

/// The secret that a telephone keeps; never printed.
#[derive(Clone)]
pub struct FactorSecret([u8; SECRET_BYTES]);

impl fmt::Debug for FactorSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl FactorSecret {
    /// As it is typed into a telephone. **Shape** 32 letters of base32.
    pub fn base32(&self) -> String {
        base32(&self.0)
    }

    /// The code of a step. **Source** RFC 4226, 5.3 and 5.4.
    fn code(&self, step: i64) -> Option<u32> {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).ok()?;
        mac.update(&step.to_be_bytes());
        let digest: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(digest.last()? & 0x0f);
        let word = digest.get(offset..offset + 4)?.try_into().ok()?;
        Some((u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }
}

/// Bytes in base32 without padding; whole groups of five bytes alone.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(5) {
        let word = group.iter().fold(0u64, |word, &byte| (word << 8) | u64::from(byte));
        for place in (0..8).rev() {
            let letter = usize::try_from((word >> (5 * place)) & 31).ok().and_then(|index| BASE32.get(index));
            text.push(char::from(letter.copied().unwrap_or(b'A')));
        }
    }
    text
}

impl FactorKey {
    /// The key of second factors among those made from a secret.
    pub fn new(secret: &SecretKey) -> Self {
        Self(secret.derive("second-factor"))
    }

    /// The secret of an account's telephone.
    pub fn secret(&self, user: UserId, nonce: Uuid) -> FactorSecret {
        let digest = self.0.mac(&format!("totp\0{user}\0{}", nonce.simple())).map(|mac| mac.finalize().into_bytes());
        let mut secret = [0; SECRET_BYTES];
        for (to, from) in secret.iter_mut().zip(digest.iter().flatten()) {
            *to = *from;
        }
        FactorSecret(secret)
    }

    fn recovery(&self, user: UserId, nonce: Uuid, code: &str) -> Option<Hmac<sha2::Sha256>> {
        self.0.mac(&format!("recovery\0{user}\0{}\0{code}", nonce.simple()))
    }

    /// A recovery code at rest.
    pub fn hash_recovery(&self, user: UserId, nonce: Uuid, code: &RecoveryCode) -> [u8; RECOVERY_BYTES] {
        let mac = self.recovery(user, nonce, &code.0);
        mac.map_or([0; RECOVERY_BYTES], |mac| mac.finalize().into_bytes().into())
    }
}

/// A recovery code as its owner writes it down; never printed. **Shape** `ABCDE-FGHIJ-KLMNO`, 75 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// A code from ten random bytes.
    pub fn from_random(bytes: [u8; 10]) -> Self {
        Self(base32(&bytes).chars().skip(1).collect())
    }

    /// Reads what was typed: capitals, spaces and hyphens do not matter.
    pub fn typed(text: &str) -> Self {
        Self(text.chars().filter(char::is_ascii_alphanumeric).take(32).map(|c| c.to_ascii_uppercase()).collect())
    }

    /// As it is shown, once.
    pub fn expose(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[recovery code]")
    }
}

/// The second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// What makes its secret another than the one before.
    pub nonce: Uuid,
    /// Since when it is asked for; `None` while the telephone has not shown that it has the secret.
    pub confirmed_at: Option<Timestamp>,
    /// The step of the last code that was taken: none up to it is taken again.
    pub last_step: i64,
    /// The recovery codes that are left.
    pub recovery: Vec<[u8; RECOVERY_BYTES]>,
}

/// What somebody shows as a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Six digits of a telephone.
    Code(String),
    /// A recovery code.
    Recovery(RecoveryCode),
}

impl SecondFactor {
    /// A factor that is to be confirmed.
    pub fn enrol(nonce: Uuid) -> Self {
        Self { nonce, confirmed_at: None, last_step: 0, recovery: Vec::new() }
    }

    /// Whether logging in asks for it.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed_at.is_some()
    }

    /// The factor after something was shown that holds; `None` where it does not. Commit it: a code and a recovery code are
    /// good once.
    pub fn shown(&self, key: &FactorKey, user: UserId, shown: &Shown, now: Timestamp) -> Option<Self> {
        match shown {
            Shown::Code(typed) => self.after_code(key, user, typed, now),
            Shown::Recovery(code) => self.after_recovery(key, user, code),
        }
    }

    fn after_code(&self, key: &FactorKey, user: UserId, typed: &str, now: Timestamp) -> Option<Self> {
        let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).take(16).collect();
        let present = now.unix_s().div_euclid(STEP_S);
        let secret = key.secret(user, self.nonce);
        // Every step is compared, whichever holds.
        let mut taken = None;
        for step in present - DRIFT..=present + DRIFT {
            let code = format!("{:06}", secret.code(step)?);
            let same: bool = code.as_bytes().ct_eq(digits.as_bytes()).into();
            if same && step > self.last_step {
                taken = Some(step);
            }
        }
        taken.map(|last_step| Self { last_step, ..self.clone() })
    }

    /// What the telephone shows at a moment, for tests of those who ask for it.
    #[cfg(test)]
    pub(crate) fn code_now(&self, key: &FactorKey, user: UserId, now: Timestamp) -> String {
        format!("{:06}", key.secret(user, self.nonce).code(now.unix_s().div_euclid(STEP_S)).unwrap())
    }

    fn after_recovery(&self, key: &FactorKey, user: UserId, code: &RecoveryCode) -> Option<Self> {
        let is_it = |hash: &[u8; RECOVERY_BYTES]| {
            key.recovery(user, self.nonce, &code.0).is_some_and(|mac| mac.verify_slice(hash).is_ok())
        };
        let left: Vec<_> = self.recovery.iter().filter(|hash| !is_it(hash)).copied().collect();
        (left.len() < self.recovery.len()).then(|| Self { recovery: left, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_s: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_s * 1_000)
    }

    fn user() -> UserId {
        UserId::new(0, Uuid::from_u128(1))
    }

    fn key() -> FactorKey {
        FactorKey::new(&SecretKey::new(&[8; 32]).unwrap())
    }

    fn factor() -> SecondFactor {
        SecondFactor::enrol(Uuid::from_u128(7))
    }

    fn code_at(unix_s: i64) -> Shown {
        let code = key().secret(user(), factor().nonce).code(unix_s.div_euclid(STEP_S)).unwrap();
        Shown::Code(format!("{code:06}"))
    }

    /// RFC 6238, appendix B: the secret `12345678901234567890`, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = FactorSecret(*b"12345678901234567890");
        for (unix_s, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(secret.code(unix_s / STEP_S), Some(code), "{unix_s}");
        }
        assert_eq!(secret.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_telephone_may_be_half_a_minute_off_and_no_more() {
        let now = 1_000_000_005;
        for off in [-30, 0, 30] {
            assert!(factor().shown(&key(), user(), &code_at(now + off), at(now)).is_some(), "{off}");
        }
        for off in [-90, -60, 60, 90] {
            assert!(factor().shown(&key(), user(), &code_at(now + off), at(now)).is_none(), "{off}");
        }
    }

    #[test]
    fn a_code_is_good_once_and_none_before_it_ever_again() {
        let now = 1_000_000_005;
        let after = factor().shown(&key(), user(), &code_at(now), at(now)).unwrap();
        assert!(after.shown(&key(), user(), &code_at(now), at(now + 1)).is_none());
        assert!(after.shown(&key(), user(), &code_at(now - 30), at(now + 1)).is_none());
        assert!(after.shown(&key(), user(), &code_at(now + 30), at(now + 30)).is_some());
    }

    #[test]
    fn nonsense_is_no_code() {
        for typed in ["", "12345", "1234567", "abcdef", "000000000000000000000000"] {
            assert!(factor().shown(&key(), user(), &Shown::Code(typed.to_owned()), at(1_000)).is_none(), "{typed}");
        }
        let other = FactorKey::new(&SecretKey::new(&[9; 32]).unwrap());
        assert!(factor().shown(&other, user(), &code_at(1_000), at(1_000)).is_none());
    }

    #[test]
    fn a_recovery_code_is_good_once_however_it_is_typed() {
        let codes: Vec<RecoveryCode> = (0..3).map(|byte| RecoveryCode::from_random([byte; 10])).collect();
        let recovery = codes.iter().map(|code| key().hash_recovery(user(), factor().nonce, code)).collect();
        let factor = SecondFactor { recovery, ..factor() };
        assert_eq!(codes[1].expose(), "EAQCA-IBAEA-QCAIB");
        let typed = Shown::Recovery(RecoveryCode::typed(" eaqca ibaea qcaib"));
        let after = factor.shown(&key(), user(), &typed, at(1)).unwrap();
        assert_eq!(after.recovery.len(), 2);
        assert!(after.shown(&key(), user(), &typed, at(2)).is_none());
        assert!(factor.shown(&key(), UserId::new(0, Uuid::from_u128(2)), &typed, at(1)).is_none());
        assert_eq!(format!("{:?} {:?}", codes[0], key().secret(user(), factor.nonce)), "[recovery code] [secret]");
    }
}
