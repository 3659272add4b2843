//! Handlers that show what was done.

use super::document::{Named, Paged};
use super::streams::{Queried, asked};
use super::{READ, admin};
use crate::Operations;
use crate::app;
use crate::wire::act::{ActAnswer, ActId, ActPage};
use crate::wire::audit::{AuditPage, AuditVerified};
use crate::wire::request::{PageQuery, VerifyQuery};
use axum::extract::{Path, State};
use principal::Principal;
use problem::{Json, Problem};

/// What was done about dead letters, newest first
#[utoipa::path(
    get, path = "/v1/operations/acts", operation_id = "list_acts", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = ActPage), Paged),
)]
pub async fn acts(
    State(house): State<Operations>,
    principal: Principal,
    query: Queried<PageQuery>,
) -> Result<Json<ActPage>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::acts(&house, asked(query)?).await?))
}

/// One act, with what became of each letter
#[utoipa::path(
    get, path = "/v1/operations/acts/{id}", operation_id = "get_act", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(("id" = ActId, Path, description = "Which act")),
    responses((status = 200, description = "The act", body = ActAnswer), Named),
)]
pub async fn act(
    State(house): State<Operations>,
    Path(id): Path<String>,
    principal: Principal,
) -> Result<Json<ActAnswer>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::act(&house, &id).await?))
}

/// The audit trail of acts, newest first
///
/// A row before each act takes effect and one afterwards, in a chain of digests.
#[utoipa::path(
    get, path = "/v1/operations/audit", operation_id = "list_operations_audit", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = AuditPage), Paged),
)]
pub async fn trail(
    State(house): State<Operations>,
    principal: Principal,
    query: Queried<PageQuery>,
) -> Result<Json<AuditPage>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::audit(&house, asked(query)?).await?))
}

/// Whether the trail of acts holds
///
/// A bounded piece a call.
#[utoipa::path(
    get, path = "/v1/operations/audit/verify", operation_id = "verify_operations_audit", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(VerifyQuery),
    responses((status = 200, description = "What was found", body = AuditVerified), Paged),
)]
pub async fn verify(
    State(house): State<Operations>,
    principal: Principal,
    query: Queried<VerifyQuery>,
) -> Result<Json<AuditVerified>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::verify(&house, asked(query)?).await?))
}
