//! Export and erasure: for their owner, and the desk for the other services.

use super::NO_STORE;
use super::document::{Confirmed, Password};
use crate::app::privacy::{
    PrivacyError, export_document, request_erasure, request_export, show_erasure, show_export, subject_key, take_page,
    take_part,
};
use crate::asked::Asked;
use crate::wire::privacy::{ConfirmRequest, ErasureAnswer, ExportAnswer, ExportDocument, SubjectKeyAnswer};
use crate::{Privacy, Users};
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use ids::{ErasureId, ExportId, UserId};
use principal::Principal;
use privacy::{ErasurePart, ExportPage, Service};
use problem::{Json, Problem, UNAVAILABLE};

/// Erases the caller's account
///
/// At once and for ever: nobody logs in to it, its sessions end, its address is free. The other services follow; the
/// receipt says how far they are.
#[utoipa::path(
    post, path = "/v1/users/me/erasure", operation_id = "erase_account", tag = "privacy",
    security(("bearer" = ["profile"])),
    request_body(content = ConfirmRequest, example = json!({ "password": "correct horse" })),
    responses(
        (
            status = 202, description = "The account is erased; the receipt", body = ErasureAnswer,
            headers(("Location" = String, description = "Where the receipt is, which asks for no token")),
        ),
        Confirmed,
        Password,
    ),
)]
pub(super) async fn post_erasure(
    State(privacy): State<Privacy>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ConfirmRequest>,
) -> Result<impl IntoResponse, Problem> {
    let receipt: ErasureAnswer = request_erasure(&privacy, &scope, &principal, request).await?;
    let location = [(header::LOCATION, format!("/v1/users/me/erasure/{}", receipt.id))];
    Ok((StatusCode::ACCEPTED, NO_STORE, location, Json(receipt)))
}

/// The receipt of an erasure
///
/// No token is asked for: there is no account any more that could have one.
#[utoipa::path(
    get, path = "/v1/users/me/erasure/{id}", operation_id = "get_erasure", tag = "privacy",
    params(("id" = ErasureId, Path, description = "Which erasure: its name is all that is needed")),
    responses(
        (status = 200, description = "The receipt", body = ErasureAnswer),
        (status = 404, description = "`not-found`: nothing of this name was erased"),
    ),
)]
pub(super) async fn get_erasure(
    State(privacy): State<Privacy>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let receipt: ErasureAnswer = show_erasure(&privacy.users, id.parse().map_err(|_| PrivacyError::NotFound)?).await?;
    Ok((NO_STORE, Json(receipt)))
}

/// Has all data of the caller collected
///
/// An export of the last hour is given again.
#[utoipa::path(
    post, path = "/v1/users/me/export", operation_id = "request_export", tag = "privacy",
    security(("bearer" = ["profile"])),
    request_body(content = ConfirmRequest, example = json!({ "password": "correct horse" })),
    responses(
        (
            status = 202, description = "It is being collected, or is there", body = ExportAnswer,
            headers(("Location" = String, description = "Where it is")),
        ),
        Confirmed,
        Password,
    ),
)]
pub(super) async fn post_export(
    State(privacy): State<Privacy>,
    scope: Asked,
    principal: Principal,
    Json(request): Json<ConfirmRequest>,
) -> Result<impl IntoResponse, Problem> {
    let export: ExportAnswer = request_export(&privacy.users, &scope, &principal, request).await?;
    let location = [(header::LOCATION, format!("/v1/users/me/export/{}", export.id))];
    Ok((StatusCode::ACCEPTED, NO_STORE, location, Json(export)))
}

/// How far an export is
#[utoipa::path(
    get, path = "/v1/users/me/export/{id}", operation_id = "get_export", tag = "privacy",
    security(("bearer" = ["profile"])),
    params(("id" = ExportId, Path, description = "Which export")),
    responses(
        (status = 200, description = "The export", body = ExportAnswer),
        (status = 404, description = "`not-found`: the caller has no such export, or it is deleted"),
    ),
)]
pub(super) async fn get_export(
    State(privacy): State<Privacy>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let export: ExportAnswer = show_export(&privacy.users, &principal, &id).await?;
    Ok((NO_STORE, Json(export)))
}

/// An export as one document
#[utoipa::path(
    get, path = "/v1/users/me/export/{id}/document", operation_id = "get_export_document", tag = "privacy",
    security(("bearer" = ["profile"])),
    params(("id" = ExportId, Path, description = "Which export")),
    responses(
        (
            status = 200, description = "Everything that is known of the caller", body = ExportDocument,
            headers(("Content-Disposition" = String, description = "The name of the file")),
        ),
        (status = 404, description = "`not-found`: the caller has no such export, or it is deleted"),
        (status = 409, description = "`export-not-ready`: not every service has handed its part in"),
    ),
)]
pub(super) async fn get_document(
    State(privacy): State<Privacy>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let document = export_document(&privacy, &principal, &id).await?;
    let name = [(header::CONTENT_DISPOSITION, "attachment; filename=\"export.json\"")];
    Ok((NO_STORE, name, Json(document)))
}

pub(super) async fn get_key(
    State(users): State<Users>,
    Path(user): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let user: UserId = user.parse().map_err(|_| PrivacyError::NotFound)?;
    let key: SubjectKeyAnswer = subject_key(&users, user).await?;
    Ok((NO_STORE, Json(key)))
}

pub(super) async fn put_part(
    State(users): State<Users>,
    scope: Asked,
    Path((id, service)): Path<(String, String)>,
    Json(part): Json<ErasurePart>,
) -> Result<StatusCode, Problem> {
    let id = id.parse().map_err(|_| PrivacyError::NotFound)?;
    take_part(&users, &scope, id, other(&service)?, part).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn put_page(
    State(users): State<Users>,
    scope: Asked,
    Path((user, id, service)): Path<(String, String, String)>,
    Json(page): Json<ExportPage>,
) -> Result<StatusCode, Problem> {
    let user = user.parse().map_err(|_| PrivacyError::NotFound)?;
    let id = id.parse().map_err(|_| PrivacyError::NotFound)?;
    take_page(&users, &scope, user, id, other(&service)?, page).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A service that hands in here; this one does not. One that is not known may be newer than this instance, which is about
/// to be replaced: what it hands in is put off.
fn other(word: &str) -> Result<Service, Problem> {
    match Service::of_word(word) {
        Some(Service::Users) => Err(PrivacyError::NotFound.into()),
        Some(service) => Ok(service),
        None => Err(Problem::new(UNAVAILABLE).retry_after_s(30).detail("no service of this name is known here yet")),
    }
}
