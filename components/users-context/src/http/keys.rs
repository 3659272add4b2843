//! API keys: their owner's, and the question of other services.

use super::NO_STORE;
use super::document::Password;
use crate::app::keys::{KeyError, create_key, list_keys, revoke_key, rotate_key, verify_key};
use crate::asked::Asked;
use crate::wire::keys::{CreateKeyRequest, KeysPage, NewKeyAnswer, RotateKeyRequest};
use crate::{Access, Users};
use api_key::{KeyId, VerifiedKey, VerifyKey};
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use principal::Principal;
use problem::{Json, Problem};

/// Makes an API key
///
/// Its text is shown this once and kept nowhere. It never opens more than the token that asks.
#[utoipa::path(
    post, path = "/v1/api-keys", operation_id = "create_api_key", tag = "API keys",
    security(("bearer" = ["profile"])),
    request_body(
        content = CreateKeyRequest,
        example = json!({
            "password": "correct horse", "name": "Nightly export", "scopes": ["payments:read"], "expires_in_days": 90
        }),
    ),
    responses(
        (status = 201, description = "The key", body = NewKeyAnswer),
        (status = 404, description = "`not-found`: the account is gone since the token was issued"),
        (status = 409, description = "`too-many-keys`: the account has as many as it may; `conflict`"),
        (status = 422, description = "`invalid`: also where the password is not the present one"),
        Password,
    ),
)]
pub(super) async fn post_key(
    State(access): State<Access>,
    asked: Asked,
    principal: Principal,
    Json(request): Json<CreateKeyRequest>,
) -> Result<impl IntoResponse, Problem> {
    let key: NewKeyAnswer = create_key(&access.users, &asked, &principal, request).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(key)))
}

/// The caller's API keys
///
/// All of them, newest first; never their text.
#[utoipa::path(
    get, path = "/v1/api-keys", operation_id = "list_api_keys", tag = "API keys",
    security(("bearer" = ["profile"])),
    responses(
        (status = 200, description = "The keys", body = KeysPage),
        (status = 404, description = "`not-found`: the token names no account"),
    ),
)]
pub(super) async fn get_keys(State(access): State<Access>, principal: Principal) -> Result<impl IntoResponse, Problem> {
    let page: KeysPage = list_keys(&access.users, &principal).await?;
    Ok((NO_STORE, Json(page)))
}

/// Gives an API key another secret
///
/// The one before goes on for a while, so that programs can be changed one after the other.
#[utoipa::path(
    post, path = "/v1/api-keys/{id}/rotate", operation_id = "rotate_api_key", tag = "API keys",
    security(("bearer" = ["profile"])),
    params(("id" = KeyId, Path, description = "Which key")),
    request_body(
        content = RotateKeyRequest,
        example = json!({ "password": "correct horse", "overlap_hours": 24, "expires_in_days": 90 }),
    ),
    responses(
        (status = 200, description = "The key with its new text, which is shown this once", body = NewKeyAnswer),
        (status = 404, description = "`not-found`: the caller has no such key, or it has ended"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
        (status = 422, description = "`invalid`: also where the password is not the present one"),
        Password,
    ),
)]
pub(super) async fn post_rotation(
    State(access): State<Access>,
    asked: Asked,
    principal: Principal,
    Path(id): Path<String>,
    Json(request): Json<RotateKeyRequest>,
) -> Result<impl IntoResponse, Problem> {
    let key: NewKeyAnswer = rotate_key(&access.users, &asked, &principal, &id, request).await?;
    Ok((NO_STORE, Json(key)))
}

/// Ends an API key
///
/// Twice is as good as once. It opens nothing any more, everywhere within a minute.
#[utoipa::path(
    delete, path = "/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "API keys",
    security(("bearer" = ["profile"])),
    params(("id" = KeyId, Path, description = "Which key")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 404, description = "`not-found`: the caller has no such key"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn delete_key(
    State(access): State<Access>,
    asked: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    revoke_key(&access.users, &asked, &principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn post_verification(
    State(users): State<Users>,
    Json(question): Json<VerifyKey>,
) -> Result<impl IntoResponse, Problem> {
    let verified: Option<VerifiedKey> = match verify_key(&users, &question).await {
        Err(KeyError::NoKey) => None,
        answered => Some(answered?),
    };
    Ok((NO_STORE, Json(verified)))
}
