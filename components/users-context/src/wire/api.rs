//! Requests and answers of the public routes.

use crate::domain::{SecondFactor, Status, User};
use access_token::Jwks;
use ambient::Timestamp;
use hasher_wire::Plain;
use ids::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /v1/users`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RegisterRequest {
    /// The address to log in with.
    #[schema(format = Email, max_length = 254, examples("anna@example.org"))]
    pub email: String,
    /// 8 to 256 characters; not the address, not the name, none of the most common ones.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, examples("correct horse"))]
    pub password: Plain,
    /// How the person wants to be called, 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, examples("Anna"))]
    pub display_name: String,
    /// A BCP 47 tag; `en` where it is missing.
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*$", examples("en"))]
    #[serde(default)]
    pub locale: Option<String>,
}

/// Body of `PATCH /v1/users/me`: what is missing stays as it is (RFC 7396, with members that cannot be taken away).
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateProfileRequest {
    /// How the person wants to be called, 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, examples("Anna K."))]
    #[serde(default)]
    pub display_name: Option<String>,
    /// A BCP 47 tag: the language for messages.
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*$", examples("de"))]
    #[serde(default)]
    pub locale: Option<String>,
}

/// Answer to a registration, the same whether or not the address had an account. **Shape** `{"status":"accepted"}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegisterAnswer {
    /// Always `accepted`.
    #[schema(pattern = "^accepted$", examples("accepted"))]
    pub status: &'static str,
}

/// Body of `POST /v1/sessions`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LogInRequest {
    /// The address of the account.
    #[schema(examples("anna@example.org"))]
    pub email: String,
    /// Its password.
    #[schema(value_type = String, format = Password, examples("correct horse"))]
    pub password: Plain,
    /// The `device_token` of an earlier login from here, where there was one.
    #[serde(default)]
    pub device_token: Option<String>,
    /// What the telephone shows, where the account has a second factor.
    #[schema(examples("123456"))]
    #[serde(default)]
    pub code: Option<String>,
    /// A recovery code instead.
    #[schema(examples("ABCDE-FGHIJ-KLMNO"))]
    #[serde(default)]
    pub recovery_code: Option<String>,
}

/// Body of `POST /v1/sessions/refresh`.
#[derive(Deserialize, ToSchema)]
pub struct RefreshRequest {
    /// **Shape** `rt1.<session id>.<number>.<proof>`.
    #[schema(examples("rt1.ses_0001hf9a7zj0e8vr5c2b4k6m8n9p.1.c2lnbmF0dXJl"))]
    pub refresh_token: String,
}

/// Answer to a login and to a refresh. **Source** RFC 6749, 5.1, with the session and the account named.
#[derive(Serialize, ToSchema)]
pub struct TokensAnswer {
    /// The bearer token: a JWS.
    #[schema(pattern = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$")]
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(pattern = "^Bearer$", examples("Bearer"))]
    pub token_type: &'static str,
    /// How long the access token holds. **Units** seconds.
    #[schema(minimum = 1, examples(600))]
    pub expires_in: i64,
    /// What continues the session; good once.
    #[schema(pattern = r"^rt1\.ses_[0-9a-z]{28}\.[1-9][0-9]*\.[A-Za-z0-9_-]{43}$")]
    pub refresh_token: String,
    /// The session.
    pub session_id: SessionId,
    /// The account.
    pub user_id: UserId,
    /// After a login: what the device keeps and shows at the next one, so that strangers who fail at the account do not
    /// slow it down. It opens nothing.
    #[schema(pattern = r"^dt1\.usr_[0-9a-z]{28}\.[0-9a-f]{32}\.[A-Za-z0-9_-]{43}$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
}

/// Answer of `GET /v1/users/me`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProfileAnswer {
    /// The account.
    pub id: UserId,
    /// Where messages go.
    #[schema(examples("anna@example.org"))]
    pub email: String,
    /// Whether the address is known to be the person's.
    pub email_verified: bool,
    /// How the person wants to be called.
    pub display_name: String,
    /// The language for messages.
    pub locale: String,
    /// What the person may do.
    #[schema(min_items = 1, examples(json!(["user"])))]
    pub roles: Vec<String>,
    /// `active` or `suspended`.
    #[schema(pattern = "^(active|suspended)$", examples("active"))]
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
