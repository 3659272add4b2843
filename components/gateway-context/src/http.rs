//! The route table.

use crate::Gateway;
use crate::app::{catalogue, index, metrics, readiness};
use axum::Router;
use axum::routing::get;
use problem::Json;

/// The kinds of problem that only this context has: none.
pub const PROBLEMS: &[problem::Kind] = &[];

/// The routes of the front desk; everything else is a 404 of the edge's.
pub fn routes(gateway: Gateway) -> Router {
    Router::new()
        .route("/", get(index::index))
        .route("/livez", get(async || Json(serde_json::json!({ "status": "alive" }))))
        .route("/readyz", get(readiness::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/problems", get(catalogue::list))
        .route("/problems/{slug}", get(catalogue::one))
        .with_state(gateway)
}
