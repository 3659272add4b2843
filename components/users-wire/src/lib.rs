//! The events of the users context, as its consumers read them.
//!
//! Personal data is never in `data`: it travels in the envelope's `personal` member ([`UserPersonal`]), sealed with a key of
//! the person's own (`privacy`) that is gone with the account.

mod catalogue;

pub use catalogue::catalogue;

use ambient::Timestamp;
use ids::{ErasureId, ExportId, SessionId, UserId};
use serde::{Deserialize, Serialize};

/// An account was opened: the welcome is due.
pub const USER_REGISTERED: &str = "users.user.registered.v1";
/// The profile changed.
pub const USER_UPDATED: &str = "users.user.updated.v1";

/// The address of the account is known to be its owner's.
pub const USER_VERIFIED: &str = "users.user.verified.v1";
/// An operator locked the account: nobody logs in to it.
pub const USER_LOCKED: &str = "users.user.locked.v1";
/// An operator unlocked the account.
pub const USER_UNLOCKED: &str = "users.user.unlocked.v1";
/// The account has another address; `personal` names the one before, whose owner should hear of it.
pub const EMAIL_CHANGED: &str = "users.email.changed.v1";

/// The public snapshot of an account: `data` of each event above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserSnapshot {
    /// Which account.
    pub id: UserId,
    /// The language for messages, a BCP 47 tag such as `en`.
    pub locale: String,
}

/// What is personal about an account: `personal` of each event above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEndReason {
    /// The person logged out.
    LoggedOut,
    /// A used refresh token came back: somebody has a copy.
    TokenReused,
    /// Its owner ended it from another session.
    Revoked,
    /// The account had more sessions than it may.
    TooMany,
}

/// Every session of an account ended at once; no event of each follows.
pub const SESSIONS_REVOKED: &str = "users.sessions.revoked.v1";

/// `data` of [`SESSIONS_REVOKED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionsRevoked {
    /// Whose they were.
    pub user_id: UserId,
    /// The account's credential epoch from now on: sessions that began under a lower one have ended.
    pub credential_epoch: u32,
    /// Why.
    pub reason: RevokeReason,
}

/// Why all sessions were ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    /// The person logged out everywhere.
    LoggedOutEverywhere,
    /// An operator locked the account, forced a reset or ended its sessions.
    Operator,
}

/// The account has other roles.
pub const ROLES_CHANGED: &str = "users.roles.changed.v1";

/// `data` of [`ROLES_CHANGED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RolesChanged {
    /// Whose they are.
    pub user_id: UserId,
    /// All of them from now on.
    pub roles: Vec<String>,
}

/// Something became of the second factor of an account, and its owner should hear of it.
pub const FACTOR_CHANGED: &str = "users.factor.changed.v1";

/// `data` of [`FACTOR_CHANGED`]; `personal` is a [`UserPersonal`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FactorChanged {
    /// Whose it is.
    pub user_id: UserId,
    /// What became of it.
    pub change: FactorChange,
}

/// What became of a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactorChange {
    /// Logging in asks for it from now on.
    Enrolled,
    /// Logging in no longer asks for it.
    TakenAway,
    /// A recovery code was used in its place.
    RecoveryCodeUsed,
}

/// The password of an account became another one: all its sessions ended, and its owner should hear of it.
pub const PASSWORD_CHANGED: &str = "users.password.changed.v1";

/// `data` of [`PASSWORD_CHANGED`]; `personal` is a [`UserPersonal`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PasswordChanged {
    /// Whose it is.
    pub user_id: UserId,
    /// The account's credential epoch from now on: sessions that began under a lower one have ended.
    pub credential_epoch: u32,
    /// How it came about.
    pub how: PasswordChange,
}

/// How a password became another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordChange {
    /// By somebody who was logged in and knew the one before.
    Changed,
    /// By somebody who read a code in the account's mailbox.
    Reset,
}

/// A one-time code is due in a mailbox; whoever sends letters sends one.
pub const CODE_ISSUED: &str = "users.code.issued.v1";

/// `data` of [`CODE_ISSUED`]; the code itself is in `personal` ([`CodePersonal`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CodeIssued {
    /// The account that it is about.
    pub user_id: UserId,
    /// The language for the letter, a BCP 47 tag such as `en`.
    pub locale: String,
    /// What it opens.
    pub purpose: CodePurpose,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What a code opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// The address of the account is its owner's.
    VerifyEmail,
    /// Another password, for somebody who forgot it.
    ResetPassword,
    /// The present address agrees that another takes its place.
    ChangeEmail,
    /// The other address is the same person's.
    ConfirmNewEmail,
}

/// `personal` of [`CODE_ISSUED`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CodePersonal {
    /// Where the letter goes; not always the address of the account.
    pub email: String,
    /// How the person wants to be called.
    pub display_name: String,
    /// Six digits.
    pub code: String,
}

/// A person takes their data along: each service hands its part to the desk of the users context.
pub const EXPORT_REQUESTED: &str = "users.user.export_requested.v1";

/// `data` of [`EXPORT_REQUESTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExportRequested {
    /// Whose data.
    pub user_id: UserId,
    /// For which export.
    pub export_id: ExportId,
}

/// An account was erased at its owner's wish: each service takes away what it has of the person, and says so at the desk
/// of the users context. From this event on nobody opens what is sealed about the person.
pub const ERASURE_REQUESTED: &str = "users.user.erasure_requested.v1";
/// The last access token that was out at the erasure has expired: each service looks once more, and for the last time.
pub const USER_ERASED: &str = "users.user.erased.v1";

/// `data` of [`ERASURE_REQUESTED`] and [`USER_ERASED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErasureTold {
    /// Who was erased.
    pub user_id: UserId,
    /// The erasure under which each service answers.
    pub erasure_id: ErasureId,
    /// When it was asked for.
    pub requested_at: Timestamp,
}
