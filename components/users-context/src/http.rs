//! The routes of the context on one screen, and the one place where its errors become problems.
//!
//! What does not live here: authentication, limits and deadlines (the edge), and any decision.

use crate::Users;
use crate::app::log_in::{LogInError, log_in};
use crate::app::log_out::{LogOutError, log_out};
use crate::app::me::{MeError, PROFILE_SCOPE, me};
use crate::app::refresh::{RefreshError, refresh};
use crate::app::register::{RegisterError, register};
use crate::hashing::HashingError;
use crate::wire::api::{
    KeysAnswer, LogInRequest, ProfileAnswer, ReadyAnswer, RefreshRequest, RegisterAnswer, RegisterRequest, TokensAnswer,
};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use http::{HeaderName, StatusCode, header};
use principal::{Principal, RequestScope};
use problem::{BAD_UPSTREAM, CONFLICT, FORBIDDEN, INTERNAL, INVALID, Json, Kind, NOT_FOUND, Problem, UNAVAILABLE};
use records::RecordsError;

/// Wrong address or password; the answer does not say which.
pub const CREDENTIALS: Kind =
    Kind { slug: "credentials", status: 401, title: "The e-mail address or the password is wrong." };
/// The refresh token does not continue a session: logged out, expired, used before, or never ours.
pub const SESSION_ENDED: Kind =
    Kind { slug: "session-ended", status: 401, title: "The session has ended: log in again." };
/// The kinds of problem that only this context has.
pub const PROBLEMS: &[Kind] = &[CREDENTIALS, SESSION_ENDED];

/// Tokens and profiles are nobody else's and stay nowhere.
const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];
/// How long verifiers may keep the keys. **Units** seconds: a new key is published as `next` at least this long before
/// it signs.
const KEYS_CACHE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=300")];

/// What everybody may call; the edge wraps it.
pub fn public(users: Users) -> Router {
    Router::new()
        .route("/v1/users", post(post_user))
        .route("/v1/users/me", get(get_me))
        .route("/v1/sessions", post(post_session))
        .route("/v1/sessions/refresh", post(post_refresh))
        .route("/v1/sessions/current", delete(delete_session))
        .route("/.well-known/jwks.json", get(get_keys))
        .with_state(users)
}

/// What only the other services may call; the edge checks their token.
pub fn internal(users: Users) -> Router {
    Router::new().route("/internal/users/readyz", get(get_ready)).with_state(users)
}

async fn post_user(
    State(users): State<Users>,
    scope: RequestScope,
    Json(request): Json<RegisterRequest>,
) -> Result<impl IntoResponse, Problem> {
    register(&users, &scope, request).await?;
    Ok((StatusCode::ACCEPTED, NO_STORE, Json(RegisterAnswer { status: "accepted" })))
}

async fn get_me(State(users): State<Users>, principal: Principal) -> Result<impl IntoResponse, Problem> {
    let profile: ProfileAnswer = me(&users, &principal).await?;
    Ok((NO_STORE, Json(profile)))
}

async fn post_session(
    State(users): State<Users>,
    scope: RequestScope,
    Json(request): Json<LogInRequest>,
) -> Result<impl IntoResponse, Problem> {
    let tokens: TokensAnswer = log_in(&users, &scope, request).await?;
    Ok((NO_STORE, Json(tokens)))
}

async fn post_refresh(
    State(users): State<Users>,
    scope: RequestScope,
    Json(request): Json<RefreshRequest>,
) -> Result<impl IntoResponse, Problem> {
    let tokens: TokensAnswer = refresh(&users, &scope, request).await?;
    Ok((NO_STORE, Json(tokens)))
}

async fn delete_session(
    State(users): State<Users>,
    scope: RequestScope,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    log_out(&users, &scope, &principal).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn get_keys(State(users): State<Users>) -> impl IntoResponse {
    let keys: KeysAnswer = users.issuer.jwks().clone();
    (KEYS_CACHE, Json(keys))
}

async fn get_ready(State(users): State<Users>) -> Result<Json<ReadyAnswer>, Problem> {
    users.records.ready().await.map_err(records_problem)?;
    Ok(Json(ReadyAnswer { status: "ready" }))
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Invalid(invalid) => {
                Problem::new(INVALID).member("field", invalid.field).member("why", invalid.why)
            }
            RegisterError::Hashing(error) => hashing_problem(error),
            RegisterError::Records(error) => records_problem(error),
            RegisterError::Contended => Problem::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::Credentials => Problem::new(CREDENTIALS).challenge("Bearer"),
            LogInError::Hashing(error) => hashing_problem(error),
            LogInError::Records(error) => records_problem(error),
            LogInError::Contended => Problem::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Ended => Problem::new(SESSION_ENDED).challenge("Bearer"),
            RefreshError::Records(error) => records_problem(error),
            RefreshError::Contended => Problem::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<LogOutError> for Problem {
    fn from(error: LogOutError) -> Self {
        match error {
            LogOutError::NoSession => Problem::new(NOT_FOUND),
            LogOutError::Records(error) => records_problem(error),
            LogOutError::Contended => Problem::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<MeError> for Problem {
    fn from(error: MeError) -> Self {
        match error {
            MeError::Scope => Problem::new(FORBIDDEN).detail(format!("the scope `{PROFILE_SCOPE}` is needed")),
            MeError::NoAccount => Problem::new(NOT_FOUND),
            MeError::Records(error) => records_problem(error),
        }
    }
}

fn hashing_problem(error: HashingError) -> Problem {
    match error {
        HashingError::Busy { retry_after_s } => {
            Problem::new(UNAVAILABLE).retry_after_s(retry_after_s).detail("too many passwords are being checked")
        }
        HashingError::Unavailable(_) => Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error),
        HashingError::Nonsense(_) => Problem::new(BAD_UPSTREAM).caused_by(&error),
    }
}

fn records_problem(error: RecordsError) -> Problem {
    match error {
        RecordsError::Unavailable(_) => Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error),
        RecordsError::RolledBack { .. } | RecordsError::Layout(_) => {
            Problem::new(UNAVAILABLE).retry_after_s(30).caused_by(&error)
        }
        RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => Problem::new(INTERNAL).caused_by(&error),
    }
}

#[cfg(test)]
mod tests;
