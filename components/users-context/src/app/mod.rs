//! One use case a file: read the request into the domain, load, decide, commit, answer.

pub mod log_in;
pub mod log_out;
pub mod me;
pub mod refresh;
pub mod register;

/// How often a use case decides again when somebody else changed the record in between.
const ATTEMPTS: u32 = 4;

use crate::Users;
use crate::domain::{Session, User};
use crate::wire::api::TokensAnswer;
use ambient::Timestamp;

/// A value of a request that is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Invalid {
    /// The member of the request.
    pub field: &'static str,
    /// What is wrong with it, as a lowercase fragment.
    pub why: String,
}

impl Invalid {
    /// Names the member whose value broke a rule.
    fn at(field: &'static str) -> impl Fn(&dyn core::error::Error) -> Self {
        move |error| Self { field, why: error.to_string() }
    }
}

/// Both tokens of a session that goes on.
fn tokens(users: &Users, user: &User, session: &Session, now: Timestamp) -> TokensAnswer {
    let access = users.issuer.issue(user, session, users.new_uuid(), now);
    let refresh = users.refresh_key.issue(session.id, session.number, session.credential_epoch);
    TokensAnswer {
        access_token: access.text,
        token_type: "Bearer",
        expires_in: access.expires_in_s,
        refresh_token: refresh.to_string(),
        session_id: session.id,
        user_id: user.id,
    }
}
