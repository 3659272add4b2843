//! Handlers of endpoints and their secrets.

use super::document::{Guarded, Key, Named, PageQuery, Paged};
use super::{READ, WRITE, caller, named, once, page};
use crate::Webhooks;
use crate::app::{self, Wanted};
use crate::domain::Endpoint;
use crate::wire::{
    ChangeEndpointRequest, CreateEndpointRequest, EndpointAnswer, EndpointsPage, NewEndpointAnswer,
    RotateSecretRequest, SecretAnswer,
};
use ::http::{HeaderValue, StatusCode, header};
use ambient::Timestamp;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use principal::{Idempotency, IfMatch, Principal, RequestScope};
use problem::{Json, Problem};
use records::Version;
use webhooks_wire::EndpointId;

/// An endpoint with the tag of its version.
fn shown(version: Version, endpoint: &Endpoint, now: Timestamp) -> Response {
    let mut response = Json(EndpointAnswer::of(endpoint, now)).into_response();
    response.headers_mut().extend(principal::tag(version).map(|tag| (header::ETAG, tag)));
    response
}

/// The caller's endpoints, newest first
#[utoipa::path(
    get, path = "/v1/webhooks/endpoints", operation_id = "list_webhook_endpoints", tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = EndpointsPage), Paged),
)]
pub async fn list(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<EndpointsPage>, Problem> {
    let caller = caller(&webhooks, &principal, scope, READ)?;
    let (cursor, limit) = page(query)?;
    Ok(Json(app::list_endpoints(&webhooks, &caller, cursor, limit).await?))
}

/// Makes an endpoint
///
/// It hears of its owner's own things; an administrator's hears of everybody's where `all_accounts` says so. The answer
/// holds the secret with which each request is signed. An account has at most twenty.
#[utoipa::path(
    post, path = "/v1/webhooks/endpoints", operation_id = "create_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(Key),
    request_body(
        content = CreateEndpointRequest,
        example = json!({ "url": "https://hooks.example.com/spindrift", "events": ["payments.payment.captured.v1"] }),
    ),
    responses(
        (
            status = 201, description = "The endpoint, with its secret", body = NewEndpointAnswer,
            headers(("Location" = String, description = "Where it is")),
        ),
        (status = 403, description = "`forbidden`: only administrators hear of everybody's things; or the scope is missing"),
        Guarded,
    ),
)]
pub async fn create(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    Json(request): Json<CreateEndpointRequest>,
) -> Result<Response, Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    let endpoint = app::create_endpoint(&webhooks, &caller, &once(&idempotency), request).await?;
    let answer = NewEndpointAnswer {
        endpoint: EndpointAnswer::of(&endpoint, caller.meta.at),
        secret: endpoint.secrets.current.expose().to_string(),
    };
    let mut response = (StatusCode::CREATED, Json(answer)).into_response();
    let location = HeaderValue::try_from(format!("/v1/webhooks/endpoints/{}", endpoint.id)).ok();
    response.headers_mut().extend(location.map(|location| (header::LOCATION, location)));
    Ok(response)
}

/// One endpoint
#[utoipa::path(
    get, path = "/v1/webhooks/endpoints/{id}", operation_id = "get_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(("id" = EndpointId, Path, description = "Which one")),
    responses(
        (status = 200, description = "The endpoint", body = EndpointAnswer, headers(("ETag", description = "Its version, for `If-Match`"))),
        (status = 304, description = "The caller has it already, as its `If-None-Match` says"),
        Named,
    ),
)]
pub async fn show(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let caller = caller(&webhooks, &principal, scope, READ)?;
    let (version, endpoint) = app::show_endpoint(&webhooks, &caller, named(&id)?).await?;
    Ok(shown(version, &endpoint, caller.meta.at))
}

/// Changes an endpoint
///
/// What is left out stays. What waits already is sent as the endpoint is then.
#[utoipa::path(
    patch, path = "/v1/webhooks/endpoints/{id}", operation_id = "change_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(
        ("id" = EndpointId, Path, description = "Which one"),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|(W/)?"[^"]*"( *, *(W/)?"[^"]*")*)$"#, description = "The `ETag` that it had when it was read"),
    ),
    request_body(content = ChangeEndpointRequest, example = json!({ "description": "the other shop", "rate_per_s": 10 })),
    responses(
        (status = 200, description = "The endpoint", body = EndpointAnswer, headers(("ETag", description = "Its version"))),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
        (status = 412, description = "`precondition-failed`: it changed since it was read"),
        (status = 422, description = "`invalid`: a value is not acceptable; `field` and `why` say which"),
        Named,
    ),
)]
pub async fn change(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    condition: IfMatch,
    Path(id): Path<String>,
    Json(request): Json<ChangeEndpointRequest>,
) -> Result<Response, Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    let (version, endpoint) = app::change_endpoint(&webhooks, &caller, named(&id)?, &condition, request).await?;
    Ok(shown(version, &endpoint, caller.meta.at))
}

/// Takes an endpoint away
///
/// What waits for it and its log follow.
#[utoipa::path(
    delete, path = "/v1/webhooks/endpoints/{id}", operation_id = "delete_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(("id" = EndpointId, Path, description = "Which one")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
        Named,
    ),
)]
pub async fn delete(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    app::delete_endpoint(&webhooks, &caller, named(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has an endpoint sent to
///
/// What waits for it goes on; what happened while it was disabled is not told.
#[utoipa::path(
    post, path = "/v1/webhooks/endpoints/{id}/enable", operation_id = "enable_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(("id" = EndpointId, Path, description = "Which one")),
    responses(
        (status = 200, description = "The endpoint", body = EndpointAnswer, headers(("ETag", description = "Its version"))),
        (status = 403, description = "`forbidden`: only administrators hear of everybody's things; or the scope is missing"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
        Named,
    ),
)]
pub async fn enable(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    switch(&webhooks, &principal, scope, &id, Wanted::Enabled).await
}

/// Stops sending to an endpoint
#[utoipa::path(
    post, path = "/v1/webhooks/endpoints/{id}/disable", operation_id = "disable_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(("id" = EndpointId, Path, description = "Which one")),
    responses(
        (status = 200, description = "The endpoint", body = EndpointAnswer, headers(("ETag", description = "Its version"))),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
        Named,
    ),
)]
pub async fn disable(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    switch(&webhooks, &principal, scope, &id, Wanted::Disabled).await
}

async fn switch(
    webhooks: &Webhooks,
    principal: &Principal,
    scope: RequestScope,
    id: &str,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let caller = caller(webhooks, principal, scope, WRITE)?;
    let (version, endpoint) = app::switch_endpoint(webhooks, &caller, named(id)?, wanted).await?;
    Ok(shown(version, &endpoint, caller.meta.at))
}

/// Shows the secret of an endpoint
///
/// Whoever may change the endpoint may see what its requests are signed with.
#[utoipa::path(
    get, path = "/v1/webhooks/endpoints/{id}/secret", operation_id = "get_webhook_secret", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(("id" = EndpointId, Path, description = "Which one")),
    responses((status = 200, description = "The secret", body = SecretAnswer), Named),
)]
pub async fn show_secret(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    Ok(unstored(app::show_secret(&webhooks, &caller, named(&id)?).await?))
}

/// Exchanges the secret of an endpoint
///
/// For 24 hours each request is signed with both: the present one first.
#[utoipa::path(
    post, path = "/v1/webhooks/endpoints/{id}/secret/rotate", operation_id = "rotate_webhook_secret", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(("id" = EndpointId, Path, description = "Which one"), Key),
    request_body(content = Option<RotateSecretRequest>, example = json!({})),
    responses((status = 200, description = "The secret from now on", body = SecretAnswer), Named, Guarded),
)]
pub async fn rotate_secret(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    let request = if body.is_empty() {
        RotateSecretRequest::default()
    } else {
        Json::<RotateSecretRequest>::from_bytes(&body)?.0
    };
    Ok(unstored(app::rotate_secret(&webhooks, &caller, &once(&idempotency), named(&id)?, request).await?))
}

/// A secret that nobody on the way may keep.
fn unstored(secret: SecretAnswer) -> Response {
    let mut response = Json(secret).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
