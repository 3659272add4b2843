//! Handlers of payouts: for operators alone.

use super::body;
use super::document::{Key, Named, Paged};
use super::handlers::OPERATOR;
use super::ledger::{Queried, asked, operator};
use crate::Payments;
use crate::app::{self, Reply};
use crate::domain::PayoutId;
use crate::wire::schemas::PayoutMoveName;
use crate::wire::{ListQuery, PayoutAnswer, PayoutMoveRequest, PayoutPage, PayoutRequest};
use axum::body::Bytes;
use axum::extract::{Path, State};
use principal::{Idempotency, Principal, RequestScope};
use problem::{Json, Problem};

/// Creates a payout
///
/// Its amount leaves the merchant's balance at once.
#[utoipa::path(
    post, path = "/v1/ledger/payouts", operation_id = "create_payout", tag = "payouts",
    security(("bearer" = ["operator"])),
    params(Key),
    request_body(content = PayoutRequest, example = json!({ "currency": "EUR", "amount_minor": 5000 })),
    responses(
        (
            status = 201, description = "The payout", body = PayoutAnswer,
            headers(("Location" = String, description = "Where it is")),
        ),
        (
            status = 409,
            description = "`insufficient-funds`: less is available; `in-flight`; `idempotency-key-spent`; `conflict`",
        ),
        (status = 422, description = "`invalid`; `card-number`; `idempotency-key-reused`"),
    ),
)]
pub async fn create(
    State(payments): State<Payments>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::create_payout(&payments, &operator, body::read(&bytes)?).await?)
}

/// Moves a payout on
#[utoipa::path(
    post, path = "/v1/ledger/payouts/{id}/{step}", operation_id = "move_payout", tag = "payouts",
    security(("bearer" = ["operator"])),
    params(
        ("id" = PayoutId, Path, description = "Which payout"),
        ("step" = inline(PayoutMoveName), Path, description = "The move", example = "send"),
        Key,
    ),
    request_body(content = Option<PayoutMoveRequest>, example = json!({ "reason": "The account is closed" })),
    responses(
        (status = 200, description = "The payout as it is now", body = PayoutAnswer),
        (status = 404, description = "`not-found`: there is no such payout or no such move"),
        (
            status = 409,
            description = "`payout-state`: the payout does not allow this move now; `in-flight`; `conflict`",
        ),
        (status = 422, description = "`invalid`; `card-number`; `idempotency-key-reused`"),
    ),
)]
pub async fn step(
    State(payments): State<Payments>,
    Path((id, step)): Path<(String, String)>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::move_payout(&payments, &operator, &id, &step, body::read_or_default(&bytes)?).await?)
}

/// One payout
#[utoipa::path(
    get, path = "/v1/ledger/payouts/{id}", operation_id = "get_payout", tag = "payouts",
    security(("bearer" = ["operator"])),
    params(("id" = PayoutId, Path, description = "Which payout")),
    responses((status = 200, description = "The payout", body = PayoutAnswer), Named),
)]
pub async fn show(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
) -> Result<Json<PayoutAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::payout(&payments, &id).await?))
}

/// Payouts, newest first
#[utoipa::path(
    get, path = "/v1/ledger/payouts", operation_id = "list_payouts", tag = "payouts",
    security(("bearer" = ["operator"])),
    params(ListQuery),
    responses((status = 200, description = "A page", body = PayoutPage), Paged),
)]
pub async fn list(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<ListQuery>,
) -> Result<Json<PayoutPage>, Problem> {
    Ok(Json(app::payouts(&payments, asked(&principal, query)?).await?))
}
