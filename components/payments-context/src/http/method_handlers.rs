//! Handlers of the saved ways to pay.

use super::body;
use super::document::{Guarded, Key, Named};
use super::handlers::{READ, caller, user};
use crate::Payments;
use crate::app::{self, Reply};
use crate::domain::SavedMethodId;
use crate::wire::schemas::Forgotten;
use crate::wire::{SaveMethodRequest, SavedMethodAnswer, SavedMethodList};
use axum::body::Bytes;
use axum::extract::{Path, State};
use principal::{Idempotency, Principal, RequestScope};
use problem::{Json, Problem};

/// Saves a way to pay
///
/// A token is saved once: where it is saved already, the answer is what was saved first. A payer keeps at most twenty.
#[utoipa::path(
    post, path = "/v1/payment-methods", operation_id = "save_payment_method", tag = "payment methods",
    security(("bearer" = ["payments:write"])),
    params(Key),
    request_body(content = SaveMethodRequest, example = json!({ "token": "tok_visa", "label": "The blue card" })),
    responses((status = 201, description = "It is saved", body = SavedMethodAnswer), Guarded),
)]
pub async fn save(
    State(payments): State<Payments>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let caller = caller(&principal, idempotency, scope)?;
    Ok(app::save_method(&payments, &caller, body::read(&bytes)?).await?)
}

/// All ways to pay that the caller keeps, newest first
#[utoipa::path(
    get, path = "/v1/payment-methods", operation_id = "list_payment_methods", tag = "payment methods",
    security(("bearer" = ["payments:read"])),
    responses((status = 200, description = "All of them", body = SavedMethodList)),
)]
pub async fn list(State(payments): State<Payments>, principal: Principal) -> Result<Json<SavedMethodList>, Problem> {
    let user = user(&principal, READ)?;
    Ok(Json(app::list_methods(&payments, user).await?))
}

/// Forgets a way to pay
///
/// Payments that were made with it stay as they are.
#[utoipa::path(
    delete, path = "/v1/payment-methods/{id}", operation_id = "forget_payment_method", tag = "payment methods",
    security(("bearer" = ["payments:write"])),
    params(("id" = SavedMethodId, Path, description = "Which one"), Key),
    responses((status = 200, description = "It is forgotten", body = Forgotten), Named, Guarded),
)]
pub async fn forget(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
) -> Result<Reply, Problem> {
    let caller = caller(&principal, idempotency, scope)?;
    Ok(app::forget_method(&payments, &caller, &id).await?)
}
