//! Handlers of reconciliations: for operators alone.

use super::body;
use super::handlers::OPERATOR;
use super::ledger::{Queried, asked, operator};
use crate::Payments;
use crate::app::{self, Clerk, Reply};
use crate::wire::{
    ChunkRequest, DifferenceAnswer, DifferencePage, DifferenceQuery, ListQuery, ReconciliationAnswer,
    ReconciliationPage,
};
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
    Ok(app::create_reconciliation(&payments, &operator, body::read(&bytes)?).await?)
}

/// Part of a settlement. Its number is its key: it can be sent again as it is.
pub async fn chunk(
    State(payments): State<Payments>,
    Path((id, number)): Path<(String, String)>,
    principal: Principal,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    principal.require_role(OPERATOR)?;
    let clerk = Clerk { subject: principal.subject, scope };
    // Card numbers are looked for field by field: the text as a whole is full of digits.
    let Json(request) = Json::<ChunkRequest>::from_bytes(&bytes)?;
    Ok(app::take_chunk(&payments, &clerk, &id, &number, &request.csv).await?)
}

pub async fn close(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::close_reconciliation(&payments, &operator, &id, body::read_or_default(&bytes)?).await?)
}

pub async fn discard(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::discard_reconciliation(&payments, &operator, &id, body::read(&bytes)?).await?)
}

pub async fn show(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
) -> Result<Json<ReconciliationAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::reconciliation(&payments, &id).await?))
}

pub async fn list(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<ListQuery>,
) -> Result<Json<ReconciliationPage>, Problem> {
    Ok(Json(app::reconciliations(&payments, asked(&principal, query)?).await?))
}

pub async fn differences(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    query: Queried<DifferenceQuery>,
) -> Result<Json<DifferencePage>, Problem> {
    Ok(Json(app::differences(&payments, &id, asked(&principal, query)?).await?))
}

pub async fn difference(
    State(payments): State<Payments>,
    Path((id, difference)): Path<(String, String)>,
    principal: Principal,
) -> Result<Json<DifferenceAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::difference(&payments, &id, &difference).await?))
}

pub async fn resolve(
    State(payments): State<Payments>,
    Path((id, difference)): Path<(String, String)>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::resolve_difference(&payments, &operator, &id, &difference, body::read(&bytes)?).await?)
}
