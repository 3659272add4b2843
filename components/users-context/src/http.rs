//! The routes of the context on one screen.
//!
//! What does not live here: authentication, limits and deadlines (the edge), and any decision.

mod access;
mod accounts;
mod admin;
mod document;
mod factor;
mod keys;
mod privacy;
mod problems;
mod sessions;

pub use document::api;

use crate::wire::api::{KeysAnswer, ReadyAnswer};
use crate::{Access, Privacy, Users};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use http::{HeaderName, header};
use problem::{Json, Kind, Problem};

/// Wrong address or password; the answer does not say which.
pub const CREDENTIALS: Kind =
    Kind { slug: "credentials", status: 401, title: "The e-mail address or the password is wrong." };
/// The refresh token does not continue a session: logged out, expired, used before, or never ours.
pub const SESSION_ENDED: Kind =
    Kind { slug: "session-ended", status: 401, title: "The session has ended: log in again." };
/// The one-time code opens nothing; the answer does not say why.
pub const CODE_REFUSED: Kind = Kind { slug: "code-refused", status: 422, title: "The code does not hold." };
/// Another account has the address; told only to somebody who has proven it.
pub const EMAIL_TAKEN: Kind =
    Kind { slug: "email-taken", status: 409, title: "The e-mail address belongs to another account." };
/// The password is right and the account asks for a second factor.
pub const SECOND_FACTOR_NEEDED: Kind =
    Kind { slug: "second-factor-needed", status: 401, title: "A second factor is needed to log in." };
/// The second factor does not hold.
pub const SECOND_FACTOR_REFUSED: Kind =
    Kind { slug: "second-factor-refused", status: 422, title: "The second factor does not hold." };
/// The account has no second factor, or has one already.
pub const SECOND_FACTOR_STATE: Kind =
    Kind { slug: "second-factor-state", status: 409, title: "The account's second factor does not allow this." };
/// The account has as many API keys as it may.
pub const TOO_MANY_KEYS: Kind =
    Kind { slug: "too-many-keys", status: 409, title: "The account has as many API keys as it may." };
/// The person was erased, or nobody waits for this any more: told to the other services alone.
pub const ERASED: Kind = Kind { slug: "erased", status: 410, title: "The person was erased, or the request is over." };
/// Not every service has handed its part of the export in.
pub const EXPORT_NOT_READY: Kind =
    Kind { slug: "export-not-ready", status: 409, title: "The export is not complete yet: ask again in a moment." };
/// The kinds of problem that only this context has.
pub const PROBLEMS: &[Kind] = &[
    CREDENTIALS,
    SESSION_ENDED,
    CODE_REFUSED,
    EMAIL_TAKEN,
    SECOND_FACTOR_NEEDED,
    SECOND_FACTOR_REFUSED,
    SECOND_FACTOR_STATE,
    TOO_MANY_KEYS,
    ERASED,
    EXPORT_NOT_READY,
];

/// Tokens and profiles are nobody else's and stay nowhere.
const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];
/// How long verifiers may keep the keys. **Units** seconds: a new key is published as `next` at least this long before
/// it signs.
const KEYS_CACHE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "public, max-age=300")];

/// Accounts and keys: what everybody may call; the edge wraps it.
pub fn accounts(users: Users) -> Router {
    Router::new()
        .route("/v1/users", post(accounts::post_user).get(admin::get_by_email))
        .route("/v1/users/me", get(accounts::get_me).patch(accounts::patch_me))
        .route("/v1/users/me/password", post(accounts::post_password))
        .route("/v1/users/me/email", post(accounts::post_email))
        .route("/v1/users/me/email/confirm", post(accounts::post_email_codes))
        .route("/v1/users/me/email/verification", post(accounts::post_verification))
        .route("/v1/users/me/email/verification/confirm", post(accounts::post_verification_code))
        .route("/v1/users/{id}", get(admin::get_by_id))
        .route("/v1/users/{id}/lock", post(admin::post_lock))
        .route("/v1/users/{id}/unlock", post(admin::post_unlock))
        .route("/v1/users/{id}/force-reset", post(admin::post_force_reset))
        .route("/v1/users/{id}/sessions", delete(admin::delete_sessions))
        .route("/v1/users/{id}/roles", put(admin::put_roles))
        .route("/.well-known/jwks.json", get(get_keys))
        .with_state(users)
}

/// Sessions, second factors and forgotten passwords, all that proves who somebody is: what everybody may call; the edge
/// wraps it. A component of its own, because every log-in and refresh goes through it.
pub fn sessions(users: Users) -> Router {
    Router::new()
        .route(
            "/v1/sessions",
            post(sessions::post_session).get(sessions::get_sessions).delete(sessions::delete_sessions),
        )
        .route("/v1/users/me/totp", post(factor::post_totp))
        .route("/v1/users/me/totp/confirm", post(factor::post_totp_code))
        .route("/v1/users/me/totp/remove", post(factor::post_totp_removal))
        .route("/v1/users/password-reset", post(accounts::post_forgot_password))
        .route("/v1/users/password-reset/confirm", post(accounts::post_reset_password))
        .route("/v1/sessions/refresh", post(sessions::post_refresh))
        .route("/v1/sessions/step-up", post(factor::post_step_up))
        .route("/v1/sessions/current", delete(sessions::delete_current_session))
        .route("/v1/sessions/{id}", delete(sessions::delete_session))
        .with_state(users)
}

/// The audit trail and API keys: what everybody may call; the edge wraps it. A component of its own, which alone reads
/// the trail.
pub fn access(access: Access) -> Router {
    Router::new()
        .route("/v1/audit", get(access::get_audit))
        .route("/v1/audit/verify", get(access::get_verify))
        .route("/v1/users/me/activity", get(access::get_activity))
        .route("/v1/api-keys", post(keys::post_key).get(keys::get_keys))
        .route("/v1/api-keys/{id}", delete(keys::delete_key))
        .route("/v1/api-keys/{id}/rotate", post(keys::post_rotation))
        .with_state(access)
}

/// Export and erasure: what everybody may call; the edge wraps it. A component of its own, because the others have no
/// room.
pub fn privacy(privacy: Privacy) -> Router {
    Router::new()
        .route("/v1/users/me/erasure", post(privacy::post_erasure))
        .route("/v1/users/me/erasure/{id}", get(privacy::get_erasure))
        .route("/v1/users/me/export", post(privacy::post_export))
        .route("/v1/users/me/export/{id}", get(privacy::get_export))
        .route("/v1/users/me/export/{id}/document", get(privacy::get_document))
        .with_state(privacy)
}

/// The desk of export and erasure, and the keys of sealed data: only for the other services; the edge checks their token.
/// A component of its own, like those above.
pub fn privacy_desk(users: Users) -> Router {
    Router::new()
        .route("/internal/users/privacy/keys/{user}", get(privacy::get_key))
        .route("/internal/users/privacy/erasures/{id}/{service}", put(privacy::put_part))
        .route("/internal/users/privacy/exports/{user}/{id}/{service}", put(privacy::put_page))
        .with_state(users)
}

/// What only the other services may call; the edge checks their token. On one machine they chain to the component
/// `users`, so what they ask by that address is answered there.
pub fn internal(users: Users) -> Router {
    Router::new()
        .route("/internal/users/readyz", get(get_ready))
        .route("/internal/users/api-keys/verify", post(keys::post_verification))
        .with_state(users)
}

/// The keys that verify access tokens
///
/// Ed25519 keys by name: the current one, and those before and after it while they may still be met.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "get_keys", tag = "sessions",
    responses(
        (status = 200, description = "The key set (RFC 7517)", body = KeysAnswer),
        (status = 401, description = "`unauthenticated`: a token was sent along that does not hold"),
        (status = 403, description = "`forbidden`: an API key was sent along"),
    ),
)]
async fn get_keys(State(users): State<Users>) -> impl IntoResponse {
    let keys: KeysAnswer = users.issuer.jwks().clone();
    (KEYS_CACHE, Json(keys))
}

async fn get_ready(State(users): State<Users>) -> Result<Json<ReadyAnswer>, Problem> {
    users.records.ready().await.map_err(problems::records)?;
    Ok(Json(ReadyAnswer { status: "ready" }))
}

#[cfg(test)]
mod credentials_tests;
#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod privacy_tests;
#[cfg(test)]
mod tests;
