//! Who asks, with what right, until when: plain types between the edge, which fills them in, and the contexts.
//!
//! The edge puts [`Principal`], [`RequestScope`], [`Client`] and [`Idempotency`] into the request's extensions; contexts
//! take them out as extractors. A context never reads an identity from a header.

mod client;
mod idempotency;
mod precondition;
mod scope;

pub use client::{Client, Place};
pub use idempotency::{Idempotency, IdempotencyKey, InvalidKey};
pub use precondition::{IfMatch, tag};
pub use scope::{RequestScope, TIMEOUT_HEADER, TRACE_HEADER, TraceId};

use ambient::Timestamp;
use axum_core::extract::FromRequestParts;
use http::request::Parts;
use problem::{FORBIDDEN, Problem, STEP_UP_REQUIRED, UNAUTHENTICATED};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account, such as `usr_00…`; the `sub` of the token.
    pub subject: String,
    /// The login that the token came from, such as `ses_00…`; none for an API key.
    pub session: Option<String>,
    /// What the token allows, such as `payments:write`.
    pub scopes: Vec<String>,
    /// Roles such as `operator`.
    pub roles: Vec<String>,
    /// How strongly the person proved who they are (`acr`); 1 is a password, 2 a second factor.
    pub assurance: u8,
    /// When the token expires.
    pub expires_at: Timestamp,
}

impl Principal {
    /// Whether the caller has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// The plan that the account is on, which decides its rate limits: the role `plan:<name>`, so that whoever may give
    /// roles may give plans.
    pub fn plan(&self) -> Option<&str> {
        self.roles.iter().find_map(|role| role.strip_prefix("plan:"))
    }

    /// Requires a role.
    ///
    /// # Errors
    /// A 403 problem that names the role.
    pub fn require_role(&self, role: &str) -> Result<(), Problem> {
        if self.has_role(role) {
            return Ok(());
        }
        Err(Problem::new(FORBIDDEN).detail(format!("the role `{role}` is needed")))
    }

    /// Requires a scope.
    ///
    /// # Errors
    /// A 403 problem that names the scope.
    pub fn require_scope(&self, scope: &str) -> Result<(), Problem> {
        if self.scopes.iter().any(|own| own == scope) {
            return Ok(());
        }
        Err(Problem::new(FORBIDDEN).detail(format!("the scope `{scope}` is needed")))
    }
}

/// The assurance that a second factor gives (`acr`); a password alone gives 1.
pub const SECOND_FACTOR: u8 = 2;

/// The 401 `step-up-required` problem (RFC 9470, 3): the caller proves a second factor at `POST /v1/sessions/step-up` and
/// repeats the request with the new token. The member `required_acr` says how strongly.
pub fn step_up_required() -> Problem {
    Problem::new(STEP_UP_REQUIRED)
        .challenge("Bearer error=\"insufficient_user_authentication\", acr_values=\"2\"")
        .member("required_acr", SECOND_FACTOR.to_string())
}

impl Principal {
    /// Requires that the person proved who they are by a second factor.
    ///
    /// # Errors
    /// [`step_up_required`].
    pub fn require_second_factor(&self) -> Result<(), Problem> {
        if self.assurance >= SECOND_FACTOR { Ok(()) } else { Err(step_up_required()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    /// Takes the caller that the edge has authenticated; without one the answer is 401.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::new(UNAUTHENTICATED).challenge("Bearer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weaker_proof_than_asked_for_is_told_how_to_prove_more() {
        let caller = |assurance| Principal {
            subject: "usr_1".to_owned(),
            session: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            assurance,
            expires_at: Timestamp::from_unix_ms(0),
        };
        assert_eq!(caller(2).require_second_factor(), Ok(()));
        assert_eq!(caller(3).require_second_factor(), Ok(()));
        let refused = caller(1).require_second_factor().unwrap_err().to_json();
        assert_eq!((&refused["status"], &refused["required_acr"]), (&401.into(), &"2".into()));
        assert_eq!(refused["type"], "/problems/step-up-required");
    }
}
