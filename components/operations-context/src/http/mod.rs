//! The route table.

mod audit;
mod document;
mod letters;
mod problems;
mod streams;

pub use document::api;
pub use problems::PROBLEMS;

use crate::Operations;
use ::http::StatusCode;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use principal::Principal;
use problem::Problem;

/// Looks.
pub const READ: &str = "operations:read";
/// Acts.
pub const WRITE: &str = "operations:write";
/// Who may do either.
const ADMIN: &str = "admin";

/// Routes for administrators: role admin, and a scope.
pub fn public(state: Operations) -> Router {
    Router::new()
        // What lies where: scope operations:read.
        .route("/v1/operations/streams", get(streams::list))
        .route("/v1/operations/streams/{context}", get(streams::show))
        .route("/v1/operations/streams/{context}/groups", get(streams::groups))
        .route("/v1/operations/streams/{context}/events", get(streams::events))
        .route("/v1/operations/dead-letters", get(letters::depths))
        .route("/v1/operations/dead-letters/{context}", get(letters::list))
        .route("/v1/operations/dead-letters/{context}/{letter}", get(letters::show))
        // What is done about it: scope operations:write.
        .route("/v1/operations/dead-letters/{context}/{letter}/replay", post(letters::replay))
        .route("/v1/operations/dead-letters/{context}/{letter}/edit", post(letters::edit))
        .route("/v1/operations/dead-letters/{context}/{letter}/purge", post(letters::purge))
        .route("/v1/operations/dead-letters/{context}/replay", post(letters::replay_many))
        .route("/v1/operations/dead-letters/{context}/purge", post(letters::purge_many))
        // What was done: scope operations:read.
        .route("/v1/operations/acts", get(audit::acts))
        .route("/v1/operations/acts/{id}", get(audit::act))
        .route("/v1/operations/audit", get(audit::trail))
        .route("/v1/operations/audit/verify", get(audit::verify))
        .with_state(state)
}

/// Routes for other services; the edge checks their token.
pub fn internal(state: Operations) -> Router {
    Router::new().route("/internal/operations/readyz", get(ready)).with_state(state)
}

async fn ready(State(state): State<Operations>) -> Result<StatusCode, Problem> {
    state.records.ready().await.map(|()| StatusCode::NO_CONTENT).map_err(|error| problems::store(&error))
}

/// Lets administrators in whose token has the scope.
fn admin(principal: &Principal, scope: &str) -> Result<(), Problem> {
    principal.require_role(ADMIN)?;
    principal.require_scope(scope)
}

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod tests;
