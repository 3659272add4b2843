//! API keys: their owner's, and the question of other services.

use super::NO_STORE;
use crate::Access;
use crate::app::keys::{create_key, list_keys, revoke_key, rotate_key, verify_key};
use crate::asked::Asked;
use crate::wire::keys::{CreateKeyRequest, KeysPage, NewKeyAnswer, RotateKeyRequest};
use api_key::{VerifiedKey, VerifyKey};
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use principal::Principal;
use problem::{Json, Problem};

pub(super) async fn post_key(
    State(access): State<Access>,
    asked: Asked,
    principal: Principal,
    Json(request): Json<CreateKeyRequest>,
) -> Result<impl IntoResponse, Problem> {
    let key: NewKeyAnswer = create_key(&access.users, &asked, &principal, request).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(key)))
}

pub(super) async fn get_keys(State(access): State<Access>, principal: Principal) -> Result<impl IntoResponse, Problem> {
    let page: KeysPage = list_keys(&access.users, &principal).await?;
    Ok((NO_STORE, Json(page)))
}

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
    State(access): State<Access>,
    Json(question): Json<VerifyKey>,
) -> Result<impl IntoResponse, Problem> {
    let verified: VerifiedKey = verify_key(&access.users, &question).await?;
    Ok((NO_STORE, Json(verified)))
}
