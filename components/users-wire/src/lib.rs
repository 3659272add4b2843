//! The events of the users context, as its consumers read them.
//!
//! Personal data is never in `data`: it travels in the envelope's `personal` member ([`UserPersonal`]).

use ids::UserId;
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
