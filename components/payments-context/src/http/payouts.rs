//! Handlers of payouts: for operators alone.

use super::body;
use super::handlers::OPERATOR;
use super::ledger::{Queried, asked, operator};
use crate::Payments;
use crate::app::{self, Reply};
use crate::wire::{ListQuery, PayoutAnswer, PayoutPage};
use axum::body::Bytes;
use axum::extract::{Path, State};
use principal::{Idempotency, Principal, RequestScope};
use problem::{Json, Problem};

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

pub async fn show(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
) -> Result<Json<PayoutAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::payout(&payments, &id).await?))
}

pub async fn list(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<ListQuery>,
) -> Result<Json<PayoutPage>, Problem> {
    Ok(Json(app::payouts(&payments, asked(&principal, query)?).await?))
}
