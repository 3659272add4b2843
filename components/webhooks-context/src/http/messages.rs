//! Handlers of what is sent: the catalogue, messages, tries, tests, repetitions.

use super::document::{Guarded, Key, Named, PageQuery, Paged};
use super::{READ, WRITE, caller, named, once, page};
use crate::Webhooks;
use crate::wire::{AttemptsPage, MessageAnswer, MessagesPage, RecoverRequest, RecoveryAnswer};
use crate::{app, catalogue};
use ::http::{HeaderValue, StatusCode, header};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use principal::{Idempotency, Principal, RequestScope};
use problem::{Json, Problem};
use webhooks_wire::{EndpointId, MessageId};

/// What there is to hear of
///
/// Each type of event with a description, an example of what is sent, and the JSON Schema of its `data`. `audience` says who
/// may hear of it: everybody of their `own`, or administrators of `all`.
#[utoipa::path(
    get, path = "/v1/webhooks/event-types", operation_id = "list_webhook_event_types", tag = "webhooks",
    responses((status = 200, description = "All types: `event_types`, and the `schemas` that they refer to", body = serde_json::Value)),
)]
pub async fn event_types() -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], catalogue::DOCUMENT).into_response()
}

/// Tries an endpoint
///
/// One message of the type `webhooks.endpoint.test.v1`, whatever the endpoint's filter, sent as any other: within a second or
/// two. Read it to see what came of it.
#[utoipa::path(
    post, path = "/v1/webhooks/endpoints/{id}/test", operation_id = "test_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(("id" = EndpointId, Path, description = "Which one"), Key),
    responses((status = 202, description = "The message, on its way", body = MessageAnswer), Named, Guarded),
)]
pub async fn send_test(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<MessageAnswer>), Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    let message = app::send_test(&webhooks, &caller, &once(&idempotency), named(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(MessageAnswer::from(&message))))
}

/// Sends again what was given up
///
/// Every message of the endpoint that was made since then and has failed for good, at most ten thousand, newest first, each
/// under its own `webhook-id`.
#[utoipa::path(
    post, path = "/v1/webhooks/endpoints/{id}/recover", operation_id = "recover_webhook_endpoint", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(("id" = EndpointId, Path, description = "Which one"), Key),
    request_body(content = RecoverRequest, example = json!({ "since": "2026-01-01T00:00:00.000Z" })),
    responses((status = 202, description = "It has begun", body = RecoveryAnswer), Named, Guarded),
)]
pub async fn recover(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    Path(id): Path<String>,
    Json(request): Json<RecoverRequest>,
) -> Result<(StatusCode, Json<RecoveryAnswer>), Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    let begun = app::recover(&webhooks, &caller, &once(&idempotency), named(&id)?, request.since).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// The tries of an endpoint, newest first
#[utoipa::path(
    get, path = "/v1/webhooks/endpoints/{id}/attempts", operation_id = "list_webhook_attempts", tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(("id" = EndpointId, Path, description = "Which one"), PageQuery),
    responses((status = 200, description = "A page", body = AttemptsPage), Named, Paged),
)]
pub async fn list_attempts(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<AttemptsPage>, Problem> {
    let caller = caller(&webhooks, &principal, scope, READ)?;
    let (cursor, limit) = page(query)?;
    Ok(Json(app::list_attempts(&webhooks, &caller, named(&id)?, cursor, limit).await?))
}

/// The messages of an endpoint, newest first
#[utoipa::path(
    get, path = "/v1/webhooks/endpoints/{id}/messages", operation_id = "list_webhook_messages", tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(("id" = EndpointId, Path, description = "Which one"), PageQuery),
    responses((status = 200, description = "A page", body = MessagesPage), Named, Paged),
)]
pub async fn list(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<MessagesPage>, Problem> {
    let caller = caller(&webhooks, &principal, scope, READ)?;
    let (cursor, limit) = page(query)?;
    Ok(Json(app::list_messages(&webhooks, &caller, named(&id)?, cursor, limit).await?))
}

/// One message, with its tries
#[utoipa::path(
    get, path = "/v1/webhooks/endpoints/{id}/messages/{message_id}", operation_id = "get_webhook_message", tag = "webhooks",
    security(("bearer" = ["webhooks:read"])),
    params(
        ("id" = EndpointId, Path, description = "Of which endpoint"),
        ("message_id" = MessageId, Path, description = "Which one: the `webhook-id`"),
    ),
    responses(
        (status = 200, description = "The message", body = MessageAnswer),
        (status = 304, description = "The caller has it already, as its `If-None-Match` says"),
        Named,
    ),
)]
pub async fn show(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    scope: RequestScope,
    Path((id, message_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let caller = caller(&webhooks, &principal, scope, READ)?;
    let (version, message) = app::show_message(&webhooks, &caller, named(&id)?, named(&message_id)?).await?;
    let mut response = Json(MessageAnswer::from(&message)).into_response();
    response.headers_mut().extend(principal::tag(version).map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// Sends a message again
///
/// Whatever became of it, with all its tries before it, under the same `webhook-id`.
#[utoipa::path(
    post, path = "/v1/webhooks/endpoints/{id}/messages/{message_id}/resend", operation_id = "resend_webhook_message", tag = "webhooks",
    security(("bearer" = ["webhooks:write"])),
    params(
        ("id" = EndpointId, Path, description = "Of which endpoint"),
        ("message_id" = MessageId, Path, description = "Which one: the `webhook-id`"),
        Key,
    ),
    responses((status = 202, description = "The message, on its way", body = MessageAnswer), Named, Guarded),
)]
pub async fn resend(
    State(webhooks): State<Webhooks>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    Path((id, message_id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<MessageAnswer>), Problem> {
    let caller = caller(&webhooks, &principal, scope, WRITE)?;
    let message = app::resend(&webhooks, &caller, &once(&idempotency), named(&id)?, named(&message_id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(MessageAnswer::from(&message))))
}
