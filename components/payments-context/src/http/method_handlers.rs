//! Handlers of the saved ways to pay.

use super::body;
use super::handlers::{READ, caller, user};
use crate::Payments;
use crate::app::{self, Reply};
use crate::wire::SavedMethodList;
use axum::body::Bytes;
use axum::extract::{Path, State};
use principal::{Idempotency, Principal, RequestScope};
use problem::{Json, Problem};

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

pub async fn list(State(payments): State<Payments>, principal: Principal) -> Result<Json<SavedMethodList>, Problem> {
    let user = user(&principal, READ)?;
    Ok(Json(app::list_methods(&payments, user).await?))
}

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
