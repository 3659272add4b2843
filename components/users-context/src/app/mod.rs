//! One use case a file: read the request into the domain, load, decide, commit, answer.

mod account;
pub mod administer;
pub mod audit;
pub mod change_email;
pub mod change_password;
mod claim;
mod codes;
pub mod end_session;
pub mod keys;
pub mod list_sessions;
pub mod log_in;
pub mod log_out;
pub mod me;
pub mod refresh;
pub mod register;
pub mod reset_password;
pub mod revoke_sessions;
pub mod second_factor;
mod throttling;
pub mod update_profile;
pub mod verify_email;

pub use account::{AccountError, PROFILE_SCOPE, ProofError};
pub use codes::CodeError;
pub use throttling::AttemptError;

/// How often a use case decides again when somebody else changed the record in between.
const ATTEMPTS: u32 = 4;

use crate::Users;
use crate::asked::Asked;
use crate::domain::{Device, Session, User};
use crate::issuer::{Assurance, Grant};
use crate::state::{Written, content, meta, session_key};
use crate::wire::api::TokensAnswer;
use crate::wire::body::SessionBody;
use ambient::Timestamp;
use core::time::Duration;
use ids::SessionId;
use principal::{Client, Principal};
use records::Change;

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

/// A wait as `Retry-After` says it: whole seconds, never too few.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// What a session remembers of the client that uses it.
fn device(client: &Client) -> Device {
    Device { agent: client.agent.clone(), address: client.address.map(|address| address.to_string()) }
}

/// The calling session under the account's new credential epoch; `None` where it is over.
async fn renew(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
    user: &User,
) -> Result<Option<Session>, AccountError> {
    let Some(id) = principal.session.as_deref().and_then(|id| id.parse::<SessionId>().ok()) else { return Ok(None) };
    for _ in 0..ATTEMPTS {
        let Some((version, session)) = users.load_session(id).await? else { return Ok(None) };
        let now = users.now();
        let renewed = (session.user == user.id).then(|| session.renewed(user.credentials(), now)).flatten();
        let Some(renewed) = renewed else { return Ok(None) };
        let body = content(&SessionBody::from(&renewed))?;
        let change = Change::new(session_key(id)?, Some(version), body, meta(scope, user.id, now));
        if users.commit(change).await? == Written::Committed {
            return Ok(Some(renewed));
        }
    }
    Err(AccountError::Contended)
}

/// Both tokens of a session that goes on.
fn tokens(users: &Users, user: &User, session: &Session, now: Timestamp) -> TokensAnswer {
    tokens_of(users, user, session, Assurance::Password, now)
}

/// Both tokens of a session whose owner has just proven this much.
fn tokens_of(users: &Users, user: &User, session: &Session, assurance: Assurance, now: Timestamp) -> TokensAnswer {
    let grant = Grant { session, roles: users.roles_of(user), assurance };
    let access = users.issuer.issue(grant, users.new_uuid(), now);
    let refresh = users.refresh_key.issue(session.id, session.number, session.credential_epoch);
    TokensAnswer {
        access_token: access.text,
        token_type: "Bearer",
        expires_in: access.expires_in_s,
        refresh_token: refresh.to_string(),
        session_id: session.id,
        user_id: user.id,
        device_token: None,
    }
}
