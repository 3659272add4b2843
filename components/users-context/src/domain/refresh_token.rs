//! The text that a session hands out to be continued: session, number, proof.
//!
//! The proof is an HMAC, so nothing is stored per token: the session's record knows the one number that is good.

use super::SecretKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt;
use core::str::FromStr;
use hmac::{Hmac, Mac};
use ids::SessionId;
use sha2::Sha256;

/// The first part of each token: kind and version of the format.
const FORMAT: &str = "rt1";
/// Length of the proof. **Units** bytes.
const PROOF_BYTES: usize = 32;

/// A text that is no refresh token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the refresh token is not one of ours")]
pub struct InvalidRefreshToken;

/// A refresh token as presented: readable by everybody, genuine only once [`RefreshKey::proves`] says so.
///
/// **Shape** `rt1.<session id>.<number>.<43 base64url characters>`.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Which session it continues.
    pub session: SessionId,
    /// Its number in the family, from 1.
    pub number: u32,
    proof: [u8; PROOF_BYTES],
}

impl fmt::Display for RefreshToken {
    /// The whole token, as it goes to its owner and nowhere else.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT}.{}.{}.{}", self.session, self.number, URL_SAFE_NO_PAD.encode(self.proof))
    }
}

impl fmt::Debug for RefreshToken {
    /// Without the proof, which must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT}.{}.{}.[proof]", self.session, self.number)
    }
}

impl FromStr for RefreshToken {
    type Err = InvalidRefreshToken;

    fn from_str(text: &str) -> Result<Self, InvalidRefreshToken> {
        let mut parts = text.split('.');
        let (Some(FORMAT), Some(session), Some(number), Some(proof), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidRefreshToken);
        };
        // One spelling a number: no sign, no leading zero.
        if !number.bytes().all(|b| b.is_ascii_digit()) || number.starts_with('0') {
            return Err(InvalidRefreshToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(proof).map_err(|_| InvalidRefreshToken)?;
        Ok(Self {
            session: session.parse().map_err(|_| InvalidRefreshToken)?,
            number: number.parse().map_err(|_| InvalidRefreshToken)?,
            proof: bytes.try_into().map_err(|_| InvalidRefreshToken)?,
        })
    }
}

/// The key that makes tokens genuine.
#[derive(Debug, Clone)]
pub struct RefreshKey(SecretKey);

impl RefreshKey {
    /// Takes the secret; changing it ends every session.
    pub const fn new(key: SecretKey) -> Self {
        Self(key)
    }

    /// The token of a session with this number, under the credential epoch that the session repeats.
    pub fn issue(&self, session: SessionId, number: u32, credential_epoch: u32) -> RefreshToken {
        let proof = self
            .mac(session, number, credential_epoch)
            .map_or([0; PROOF_BYTES], |mac| mac.finalize().into_bytes().into());
        RefreshToken { session, number, proof }
    }

    /// Whether we issued the token, compared in constant time.
    pub fn proves(&self, token: &RefreshToken, credential_epoch: u32) -> bool {
        self.mac(token.session, token.number, credential_epoch)
            .is_some_and(|mac| mac.verify_slice(&token.proof).is_ok())
    }

    /// HMAC-SHA256 of `session.number.epoch`; the parts hold no dot, so the text is unambiguous.
    fn mac(&self, session: SessionId, number: u32, credential_epoch: u32) -> Option<Hmac<Sha256>> {
        self.0.mac(&format!("{session}.{number}.{credential_epoch}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn key(byte: u8) -> RefreshKey {
        RefreshKey::new(SecretKey::new(&[byte; 32]).unwrap())
    }

    fn session() -> SessionId {
        SessionId::new(0, Uuid::from_u128(7))
    }

    #[test]
    fn a_token_reads_back_and_is_genuine() {
        let genuine = key(1);
        let token = genuine.issue(session(), 3, 1);
        let read: RefreshToken = token.to_string().parse().unwrap();
        assert_eq!(read, token);
        assert!(genuine.proves(&read, 1));
    }

    #[test]
    fn a_token_of_another_number_session_epoch_or_key_is_not() {
        let genuine = key(1);
        let token = genuine.issue(session(), 3, 1);
        assert!(!genuine.proves(&RefreshToken { number: 4, ..token.clone() }, 1));
        assert!(!genuine.proves(&RefreshToken { session: SessionId::new(0, Uuid::from_u128(8)), ..token.clone() }, 1));
        assert!(!genuine.proves(&token, 2));
        assert!(!key(2).proves(&token, 1));
    }

    #[test]
    fn a_log_line_never_holds_a_proof() {
        let token = key(1).issue(session(), 3, 1);
        let proof = token.to_string().rsplit('.').next().unwrap().to_owned();
        assert!(!format!("{token:?}").contains(&proof));
    }

    proptest! {
        #[test]
        fn hostile_texts_are_refused_and_a_token_has_one_spelling(text in "(rt1|rt2|)\\.?(ses_[0-9a-z]{28})?\\.?[+0-9]{0,12}\\.?[A-Za-z0-9_=-]{0,50}") {
            if let Ok(token) = text.parse::<RefreshToken>() {
                prop_assert_eq!(token.to_string(), text);
            }
        }

        #[test]
        fn one_changed_character_spoils_a_token(place in 0usize..86, to in "[0-9a-zA-Z_-]") {
            let genuine = key(1);
            let text = genuine.issue(session(), 12, 1).to_string();
            let place = place % text.len();
            let mut changed = text.clone();
            changed.replace_range(place..=place, &to);
            prop_assume!(changed != text);
            prop_assert!(!changed.parse::<RefreshToken>().is_ok_and(|token| genuine.proves(&token, 1)), "{}", changed);
        }
    }
}
