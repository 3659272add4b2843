//! Requests and answers of the public routes.

use crate::domain::{SecondFactor, Status, User};
use access_token::Jwks;
use ambient::Timestamp;
use hasher_wire::Plain;
use ids::{SessionId, UserId};
use serde::{Deserialize, Serialize};

/// Body of `POST /v1/users`.
#[derive(Debug, Deserialize)]
pub struct RegisterRequest {
    /// The address to log in with.
    pub email: String,
    /// 8 to 256 characters.
    pub password: Plain,
    /// How the person wants to be called, 1 to 80 characters.
    pub display_name: String,
    /// A BCP 47 tag; `en` where it is missing.
    #[serde(default)]
    pub locale: Option<String>,
}

/// Body of `PATCH /v1/users/me`: what is missing stays as it is (RFC 7396, with members that cannot be taken away).
#[derive(Debug, Deserialize)]
pub struct UpdateProfileRequest {
    /// How the person wants to be called, 1 to 80 characters.
    #[serde(default)]
    pub display_name: Option<String>,
    /// A BCP 47 tag: the language for messages.
    #[serde(default)]
    pub locale: Option<String>,
}

/// Answer to a registration, the same whether or not the address had an account. **Shape** `{"status":"accepted"}`.
#[derive(Debug, Serialize)]
pub struct RegisterAnswer {
    /// Always `accepted`.
    pub status: &'static str,
}

/// Body of `POST /v1/sessions`.
#[derive(Debug, Deserialize)]
pub struct LogInRequest {
    /// The address of the account.
    pub email: String,
    /// Its password.
    pub password: Plain,
    /// The `device_token` of an earlier login from here, where there was one.
    #[serde(default)]
    pub device_token: Option<String>,
    /// What the telephone shows, where the account has a second factor.
    #[serde(default)]
    pub code: Option<String>,
    /// A recovery code instead.
    #[serde(default)]
    pub recovery_code: Option<String>,
}

/// Body of `POST /v1/sessions/refresh`.
#[derive(Deserialize)]
pub struct RefreshRequest {
    /// **Shape** `rt1.<session id>.<number>.<proof>`.
    pub refresh_token: String,
}

/// Answer to a login and to a refresh. **Source** RFC 6749, 5.1, with the session and the account named.
#[derive(Serialize)]
pub struct TokensAnswer {
    /// The bearer token: a JWS.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// How long the access token holds. **Units** seconds.
    pub expires_in: i64,
    /// What continues the session; good once.
    pub refresh_token: String,
    /// The session.
    pub session_id: SessionId,
    /// The account.
    pub user_id: UserId,
    /// After a login: what the device keeps and shows at the next one, so that strangers who fail at the account do not
    /// slow it down. It opens nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
}

/// Answer of `GET /v1/users/me`.
#[derive(Debug, Serialize)]
pub struct ProfileAnswer {
    /// The account.
    pub id: UserId,
    /// Where messages go.
    pub email: String,
    /// Whether the address is known to be the person's.
    pub email_verified: bool,
    /// How the person wants to be called.
    pub display_name: String,
    /// The language for messages.
    pub locale: String,
    /// What the person may do.
    pub roles: Vec<String>,
    /// `active` or `suspended`.
    pub status: &'static str,
    /// Whether logging in asks for a second factor.
    pub second_factor: bool,
    /// When the account was opened.
    pub created_at: Timestamp,
}

/// The word for a status on the wire.
pub(crate) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Suspended => "suspended",
    }
}

impl ProfileAnswer {
    /// The profile of an account with the roles that it has at present.
    pub fn new(user: User, roles: Vec<String>) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            email_verified: user.email_verified_at.is_some(),
            display_name: user.display_name.as_str().to_owned(),
            locale: user.locale.as_str().to_owned(),
            roles,
            status: status_word(user.status),
            second_factor: user.second_factor.as_ref().is_some_and(SecondFactor::is_confirmed),
            created_at: user.created_at,
        }
    }
}

/// Answer of `GET /.well-known/jwks.json` (RFC 7517).
pub type KeysAnswer = Jwks;

/// Answer of `GET /internal/users/readyz`. **Shape** `{"status":"ready"}`.
#[derive(Debug, Serialize)]
pub struct ReadyAnswer {
    /// Always `ready`; otherwise the answer is a problem.
    pub status: &'static str,
}
