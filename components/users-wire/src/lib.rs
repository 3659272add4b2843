//! The events of the users context, as its consumers read them.
//!
//! Personal data is never in `data`: it travels in the envelope's `personal` member ([`UserPersonal`]).

use ambient::Timestamp;
use ids::{SessionId, UserId};
use serde::{Deserialize, Serialize};

/// An account was opened: the welcome is due.
pub const USER_REGISTERED: &str = "users.user.registered.v1";
/// The profile changed.
pub const USER_UPDATED: &str = "users.user.updated.v1";

/// The public snapshot of an account: `data` of each event above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSnapshot {
    /// Which account.
    pub id: UserId,
    /// The language for messages, a BCP 47 tag such as `en`.
    pub locale: String,
}

/// What is personal about an account: `personal` of each event above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPersonal {
    /// Where messages go.
    pub email: String,
    /// How the person wants to be called.
    pub display_name: String,
}

/// A person logged in: a session began.
pub const SESSION_STARTED: &str = "users.session.started.v1";
/// A session was ended before its time.
pub const SESSION_ENDED: &str = "users.session.ended.v1";

/// The public snapshot of a session: `data` of the session events; nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSnapshot {
    /// Which session.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it ends however much it is used, RFC 3339.
    pub expires_at: Timestamp,
    /// Why it was ended; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<SessionEndReason>,
}

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEndReason {
    /// The person logged out.
    LoggedOut,
    /// A used refresh token came back: somebody has a copy.
    TokenReused,
}
