//! Handlers: take the request apart, call the use case, put the answer together.

use super::body;
use super::document::{Guarded, Key, Move, Named, Paged};
use crate::Payments;
use crate::app::{self, Caller, Reach, Reply};
use crate::wire::{CaptureRequest, CreateRequest, EmptyRequest, ListQuery, PaymentAnswer, PaymentPage, RefundRequest};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use ids::{PaymentId, UserId};
use principal::{Idempotency, Principal, RequestScope};
use problem::{FORBIDDEN, Json, MALFORMED, Problem, UNAVAILABLE};

pub(super) const READ: &str = "payments:read";
const WRITE: &str = "payments:write";
const REFUND: &str = "payments:refund";
pub(super) const OPERATOR: &str = "operator";
/// Tells an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The account behind the caller.
pub(super) fn user(principal: &Principal, scope: &str) -> Result<UserId, Problem> {
    principal.require_scope(scope)?;
    principal.subject.parse().map_err(|_| Problem::new(FORBIDDEN).detail("only a person's account has payments"))
}

pub(super) fn caller(principal: &Principal, idempotency: Idempotency, scope: RequestScope) -> Result<Caller, Problem> {
    let user = user(principal, WRITE)?;
    Ok(Caller { user, reach: Reach::Own(user), assurance: principal.assurance, idempotency, scope })
}

/// Who gives money back: an operator, any payment's; a key with the scope for it, its own account's. A payer may not
/// decide alone to have the money back.
fn refunder(principal: &Principal, idempotency: Idempotency, scope: RequestScope) -> Result<Caller, Problem> {
    if principal.has_role(OPERATOR) {
        return Ok(Caller { reach: Reach::All, ..caller(principal, idempotency, scope)? });
    }
    principal.require_scope(REFUND)?;
    caller(principal, idempotency, scope)
}

impl IntoResponse for Reply {
    /// Status and body as they are stored, byte for byte.
    fn into_response(self) -> Response {
        let problem = self.answer.status >= 400;
        let kind = if problem { "application/problem+json" } else { "application/json" };
        let mut response = Response::new(self.answer.body.into());
        *response.status_mut() = StatusCode::from_u16(self.answer.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(location) = self.location.and_then(|path| HeaderValue::try_from(path).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}

/// Creates a payment
///
/// It waits for its confirmation: nobody is asked for money yet.
#[utoipa::path(
    post, path = "/v1/payments", operation_id = "create_payment", tag = "payments",
    security(("bearer" = ["payments:write"])),
    params(Key),
    request_body(
        content = CreateRequest,
        example = json!({ "amount_minor": 1099, "currency": "EUR", "payment_method": "tok_visa", "description": "Tea" }),
    ),
    responses(
        (
            status = 201, description = "The payment", body = PaymentAnswer,
            headers(("Location" = String, description = "Where it is")),
        ),
        Guarded,
    ),
)]
pub async fn create(
    State(payments): State<Payments>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let caller = caller(&principal, idempotency, scope)?;
    Ok(app::create(&payments, &caller, body::read(&bytes)?).await?)
}

/// Confirms a payment
///
/// The acquirer is asked to hold the amount, or to take it at once where capture is automatic.
#[utoipa::path(
    post, path = "/v1/payments/{id}/confirm", operation_id = "confirm_payment", tag = "payments",
    security(("bearer" = ["payments:write"])),
    params(("id" = PaymentId, Path, description = "Which payment"), Key),
    request_body(content = Option<EmptyRequest>, example = json!({})),
    responses(
        (status = 200, description = "Held, taken, declined (`failed`), or the payer has to do something (`requires_action`)", body = PaymentAnswer),
        (status = 401, description = "`step-up-required`: prove a second factor and send it again with the same key; or there is no token that holds"),
        Move,
    ),
)]
pub async fn confirm(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let caller = caller(&principal, idempotency, scope)?;
    let EmptyRequest {} = body::read_or_default(&bytes)?;
    Ok(app::confirm(&payments, &caller, &id).await?)
}

/// Takes what is held
///
/// All of it, or part of it; the rest is released.
#[utoipa::path(
    post, path = "/v1/payments/{id}/capture", operation_id = "capture_payment", tag = "payments",
    security(("bearer" = ["payments:write"])),
    params(("id" = PaymentId, Path, description = "Which payment"), Key),
    request_body(content = Option<CaptureRequest>, example = json!({ "amount_minor": 500 })),
    responses(
        (status = 200, description = "Taken", body = PaymentAnswer),
        Move,
    ),
)]
pub async fn capture(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let caller = caller(&principal, idempotency, scope)?;
    Ok(app::capture(&payments, &caller, &id, body::read_or_default(&bytes)?).await?)
}

/// Cancels a payment
///
/// Before its money is taken; what is held is released.
#[utoipa::path(
    post, path = "/v1/payments/{id}/cancel", operation_id = "cancel_payment", tag = "payments",
    security(("bearer" = ["payments:write"])),
    params(("id" = PaymentId, Path, description = "Which payment"), Key),
    request_body(content = Option<EmptyRequest>, example = json!({})),
    responses(
        (status = 200, description = "Canceled", body = PaymentAnswer),
        Move,
    ),
)]
pub async fn cancel(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let caller = caller(&principal, idempotency, scope)?;
    let EmptyRequest {} = body::read_or_default(&bytes)?;
    Ok(app::cancel(&payments, &caller, &id).await?)
}

/// Gives money back
///
/// All that is left, or part of it: an operator for any payment, a token with `payments:refund` for those of its account.
#[utoipa::path(
    post, path = "/v1/payments/{id}/refunds", operation_id = "refund_payment", tag = "payments",
    security(("bearer" = ["payments:refund", "payments:write"])),
    params(("id" = PaymentId, Path, description = "Which payment"), Key),
    request_body(content = Option<RefundRequest>, example = json!({ "amount_minor": 500, "reason": "requested_by_customer" })),
    responses(
        (status = 200, description = "Given back", body = PaymentAnswer),
        (status = 401, description = "`step-up-required`: prove a second factor and send it again with the same key; or there is no token that holds"),
        Move,
    ),
)]
pub async fn refund(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let caller = refunder(&principal, idempotency, scope)?;
    Ok(app::refund(&payments, &caller, &id, body::read_or_default(&bytes)?).await?)
}

/// One payment
#[utoipa::path(
    get, path = "/v1/payments/{id}", operation_id = "get_payment", tag = "payments",
    security(("bearer" = ["payments:read"])),
    params(("id" = PaymentId, Path, description = "Which payment")),
    responses((status = 200, description = "The payment", body = PaymentAnswer), Named),
)]
pub async fn show(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
) -> Result<Json<PaymentAnswer>, Problem> {
    let user = user(&principal, READ)?;
    let reach = if principal.has_role(OPERATOR) { Reach::All } else { Reach::Own(user) };
    Ok(Json(app::show(&payments, reach, &id).await?))
}

/// The caller's payments, newest first
#[utoipa::path(
    get, path = "/v1/payments", operation_id = "list_payments", tag = "payments",
    security(("bearer" = ["payments:read"])),
    params(ListQuery),
    responses((status = 200, description = "A page", body = PaymentPage), Paged),
)]
pub async fn list(
    State(payments): State<Payments>,
    principal: Principal,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<PaymentPage>, Problem> {
    let user = user(&principal, READ)?;
    let Query(query) = query.map_err(|_| Problem::new(MALFORMED).detail("`limit` is a number, `cursor` a text"))?;
    Ok(Json(app::list(&payments, user, query).await?))
}

/// Whether the stores answer.
pub async fn ready(State(payments): State<Payments>) -> Result<StatusCode, Problem> {
    match payments.records.ready().await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error)),
    }
}
