//! Templates before anybody else sees them, and addresses that take no messages.

use super::{Notifications, OPERATOR, PageQuery, meta, not_listed, store};
use crate::app::{self, LiftError};
use crate::domain::Template;
use crate::templates::TemplateError;
use crate::wire::{PreviewAnswer, SuppressionsPage, TemplatesAnswer};
use ::http::StatusCode;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use principal::{Principal, RequestScope};
use problem::{CONFLICT, INTERNAL, Json, MALFORMED, NOT_FOUND, Problem};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewQuery {
    /// The language that is wanted; `de-AT` falls back to `de`, and what is not there to `en`.
    #[param(example = "de-AT")]
    locale: Option<String>,
    /// The version; the newest where nothing is said.
    #[param(minimum = 1, example = 1)]
    version: Option<u16>,
}

/// All templates, with their versions and languages
#[utoipa::path(
    get, path = "/v1/notifications/templates", operation_id = "list_templates", tag = "operators",
    security(("bearer" = ["operator"])),
    responses((status = 200, description = "The templates", body = TemplatesAnswer)),
)]
pub(super) async fn templates(principal: Principal) -> Result<Json<TemplatesAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::templates()))
}

/// A template with sample values filled in
#[utoipa::path(
    get, path = "/v1/notifications/templates/{name}/preview", operation_id = "preview_template", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("name" = String, Path, description = "Which template", example = "payment-receipt"), PreviewQuery),
    responses(
        (status = 200, description = "Subject, text, HTML and short message", body = PreviewAnswer),
        (status = 404, description = "`not-found`: there is no such template or version"),
    ),
)]
pub(super) async fn preview(
    State(state): State<Notifications>,
    principal: Principal,
    Path(name): Path<String>,
    query: Result<Query<PreviewQuery>, QueryRejection>,
) -> Result<Json<PreviewAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    let Query(PreviewQuery { locale, version }) = query
        .map_err(|_| Problem::new(MALFORMED).detail("the query cannot be read: version is a number, locale a text"))?;
    let template = Template::from_name(&name).ok_or_else(|| Problem::new(NOT_FOUND))?;
    match app::preview(template, version, locale.as_deref(), state.clock.now()) {
        Ok(shown) => Ok(Json(shown)),
        Err(TemplateError::Missing { .. }) => Err(Problem::new(NOT_FOUND)),
        Err(error @ TemplateError::Render { .. }) => Err(Problem::new(INTERNAL).caused_by(&error)),
    }
}

/// Addresses that take no messages, newest first
///
/// As providers told: they came back for good, or their reader calls us spam.
#[utoipa::path(
    get, path = "/v1/notifications/suppressions", operation_id = "list_suppressions", tag = "operators",
    security(("bearer" = ["operator"])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = SuppressionsPage),
        (status = 422, description = "`invalid`: the limit or the cursor is none"),
    ),
)]
pub(super) async fn suppressions(
    State(state): State<Notifications>,
    principal: Principal,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<SuppressionsPage>, Problem> {
    principal.require_role(OPERATOR)?;
    let (cursor, limit) = PageQuery::read(query)?;
    app::suppressions(&*state.records, cursor, limit).await.map(Json).map_err(|error| not_listed(&error))
}

/// Takes an address off the list
///
/// The provider may have a list of its own: it has to be taken off there as well.
#[utoipa::path(
    delete, path = "/v1/notifications/suppressions/{id}", operation_id = "lift_suppression", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("id" = String, Path, description = "Its name on the list", example = "email:0b6a7f30c1d2e3f4a5b6c7d8e9f00112")),
    responses(
        (status = 204, description = "It gets messages again"),
        (status = 404, description = "`not-found`: it is not on the list"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn lift(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    principal.require_role(OPERATOR)?;
    let meta = meta(&state, Some(&principal), scope);
    match app::lift(&*state.records, &id, &meta).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(LiftError::NotFound) => Err(Problem::new(NOT_FOUND)),
        Err(LiftError::Contended) => Err(Problem::new(CONFLICT)),
        Err(LiftError::Records(error)) => Err(store(&error)),
    }
}
