//! The keys and the words of access tokens: what is signed, what is published.

use crate::domain::{ROLE_ADMIN, Session};
use access_token::{Claims, Jwks, SigningKey};
use ambient::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How long an access token holds. A session that was ended lives on in its last token for at most this long.
const LIFE: Duration = Duration::from_secs(600);
/// What a person may do by a login.
const SCOPE: &str =
    "payments:read payments:write notifications:read notifications:write webhooks:read webhooks:write profile";
/// What an administrator may do besides: no API key has these, because keys have none that is not of their list.
const ADMIN_SCOPE: &str = " operations:read operations:write";

/// How strongly a person has just proven who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assurance {
    /// By a password, or by going on with a session.
    Password,
    /// By a second factor, within the life of the token.
    SecondFactor,
}

impl Assurance {
    /// The `acr` claim.
    const fn acr(self) -> &'static str {
        match self {
            Self::Password => "1",
            Self::SecondFactor => "2",
        }
    }
}

/// What a token says.
pub(crate) struct Grant<'a> {
    /// The session that it comes from, and so whose it is.
    pub(crate) session: &'a Session,
    /// What its owner may do.
    pub(crate) roles: Vec<String>,
    /// How strongly they have proven who they are.
    pub(crate) assurance: Assurance,
}

/// Why the configured keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKeys {
    /// There is none.
    #[error("no signing key is configured")]
    None,
    /// One of them is not 32 bytes in base64url. **Units** `place` counts from 1.
    #[error("signing key {place} is not a 32-byte seed in base64url")]
    Seed {
        /// Which one.
        place: usize,
    },
}

/// Issues access tokens.
///
/// **Invariant** the first key signs; all keys are published, so that a token signed with the next or the previous one
/// holds everywhere: rotation is renaming next to current, and nobody is logged out.
pub struct Issuer {
    issuer: String,
    audience: String,
    current: SigningKey,
    published: Jwks,
}

/// A signed token and how long it holds.
pub(crate) struct AccessToken {
    /// The JWS.
    pub(crate) text: String,
    /// **Units** seconds.
    pub(crate) expires_in_s: i64,
}

impl Issuer {
    /// Takes the issuer's name, the audience and the seeds.
    ///
    /// **Shape** of `seeds`: base64url Ed25519 seeds separated by white space: current, next, previous; only the first
    /// is required.
    ///
    /// # Errors
    /// [`UnusableKeys`] when there is none or one is malformed.
    pub fn new(issuer: &str, audience: &str, seeds: &str) -> Result<Self, UnusableKeys> {
        let mut keys = Vec::new();
        for (index, seed) in seeds.split_whitespace().enumerate() {
            let malformed = UnusableKeys::Seed { place: index + 1 };
            let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(seed.trim_end_matches('=')).map_err(|_| malformed)?);
            let seed: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| malformed)?;
            keys.push(SigningKey::from_seed(seed));
        }
        let published = Jwks { keys: keys.iter().map(SigningKey::jwk).collect() };
        let current = keys.into_iter().next().ok_or(UnusableKeys::None)?;
        Ok(Self { issuer: issuer.to_owned(), audience: audience.to_owned(), current, published })
    }

    /// The public keys of all tokens that may be about.
    pub fn jwks(&self) -> &Jwks {
        &self.published
    }

    /// Who issues.
    pub(crate) fn name(&self) -> &str {
        &self.issuer
    }

    /// Signs a token for one session; it never outlives the session.
    pub(crate) fn issue(&self, grant: Grant<'_>, name: Uuid, now: Timestamp) -> AccessToken {
        let Grant { session, roles, assurance } = grant;
        let expires_at = now.plus(LIFE).min(session.expires_at);
        let of_admin = if roles.iter().any(|role| role == ROLE_ADMIN) { ADMIN_SCOPE } else { "" };
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: session.user.to_string(),
            aud: self.audience.clone(),
            exp: expires_at.unix_s(),
            nbf: now.unix_s(),
            iat: now.unix_s(),
            jti: name.to_string(),
            sid: Some(session.id.to_string()),
            scope: [SCOPE, of_admin].concat(),
            roles,
            acr: assurance.acr().to_owned(),
        };
        let expires_in_s = expires_at.unix_s().saturating_sub(now.unix_s());
        AccessToken { text: self.current.sign(&claims), expires_in_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, SEED, anna};
    use access_token::Verifier;
    use ids::SessionId;

    fn grant(session: &Session) -> Grant<'_> {
        Grant { session, roles: anna().roles, assurance: Assurance::Password }
    }

    fn seed(byte: u8) -> String {
        URL_SAFE_NO_PAD.encode([byte; 32])
    }

    #[test]
    fn what_it_signs_holds_by_what_it_publishes() {
        let issuer = Issuer::new("https://id.test", "spindrift", &seed(1)).unwrap();
        let now = testing::now();
        let user = anna();
        let session = Session::start(SessionId::new(0, Uuid::from_u128(9)), user.id, 1, now);
        let token = issuer.issue(grant(&session), Uuid::from_u128(3), now);
        let claims = Verifier::new("https://id.test", "spindrift").verify(&token.text, issuer.jwks(), now).unwrap();
        assert_eq!(claims.sub, user.id.to_string());
        assert_eq!(claims.sid, Some(session.id.to_string()));
        assert_eq!(claims.exp - claims.iat, 600);
        assert_eq!((claims.roles.as_slice(), claims.acr.as_str()), (["user".to_owned()].as_slice(), "1"));
        let stronger = Grant { assurance: Assurance::SecondFactor, ..grant(&session) };
        let token = issuer.issue(stronger, Uuid::from_u128(4), now);
        let claims = Verifier::new("https://id.test", "spindrift").verify(&token.text, issuer.jwks(), now).unwrap();
        assert_eq!(claims.acr, "2");
    }

    #[test]
    fn only_an_administrators_token_opens_operations() {
        let issuer = Issuer::new("https://id.test", "spindrift", SEED).unwrap();
        let now = testing::now();
        let session = Session::start(SessionId::new(0, Uuid::from_u128(9)), anna().id, 1, now);
        let scope = |roles: &[&str]| {
            let roles = roles.iter().map(|role| (*role).to_owned()).collect();
            let token = issuer.issue(Grant { roles, ..grant(&session) }, Uuid::nil(), now);
            Verifier::new("https://id.test", "spindrift").verify(&token.text, issuer.jwks(), now).unwrap().scope
        };
        assert_eq!(scope(&["user", "operator"]), SCOPE);
        assert_eq!(scope(&["user", "admin"]), format!("{SCOPE} operations:read operations:write"));
    }

    #[test]
    fn a_token_does_not_outlive_its_session() {
        let issuer = Issuer::new("https://id.test", "spindrift", SEED).unwrap();
        let begun = testing::now();
        let session = Session::start(SessionId::new(0, Uuid::from_u128(9)), anna().id, 1, begun);
        let late = begun.plus(Duration::from_secs(30 * 86_400 - 60));
        assert_eq!(issuer.issue(grant(&session), Uuid::nil(), late).expires_in_s, 60);
    }

    #[test]
    fn rotating_the_keys_logs_nobody_out() {
        let now = testing::now();
        let session = Session::start(SessionId::new(0, Uuid::from_u128(9)), anna().id, 1, now);
        let keys = |seeds: &str| Issuer::new("https://id.test", "spindrift", seeds).unwrap();
        let before = keys(&format!("{} {}", seed(1), seed(2)));
        let after = keys(&format!("{} {} {}", seed(2), seed(3), seed(1)));
        let verifier = Verifier::new("https://id.test", "spindrift");
        for (signs, publishes) in [(&before, &after), (&after, &before)] {
            let token = signs.issue(grant(&session), Uuid::nil(), now);
            assert!(verifier.verify(&token.text, publishes.jwks(), now).is_ok());
        }
    }

    #[test]
    fn refuses_to_start_without_a_good_key() {
        let refusal = |seeds: &str| Issuer::new("https://id.test", "spindrift", seeds).err();
        assert_eq!(refusal("  "), Some(UnusableKeys::None));
        assert_eq!(refusal("AAAA"), Some(UnusableKeys::Seed { place: 1 }));
        assert_eq!(refusal(&format!("{} not-base64!", seed(1))), Some(UnusableKeys::Seed { place: 2 }));
    }
}
