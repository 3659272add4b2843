//! The route table.

use crate::Gateway;
use crate::app::{catalogue, documents, index, liveness, metrics, readiness};
use axum::Router;
use axum::routing::get;

/// The kinds of problem that only this context has: none.
pub const PROBLEMS: &[problem::Kind] = &[];

/// The routes of the front desk; everything else is a 404 of the edge's.
pub fn routes(gateway: Gateway) -> Router {
    Router::new()
        // Who looks around.
        .route("/", get(index::index))
        .route("/docs", get(documents::page))
        .route("/openapi.json", get(documents::openapi))
        .route("/asyncapi.json", get(documents::asyncapi))
        .route("/problems", get(catalogue::list))
        .route("/problems/{slug}", get(catalogue::one))
        // Who runs it.
        .route("/livez", get(liveness::livez))
        .route("/readyz", get(readiness::readyz))
        .route("/metrics", get(metrics::metrics))
        .with_state(gateway)
}

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        index::index,
        documents::page,
        documents::openapi,
        documents::asyncapi,
        catalogue::list,
        catalogue::one,
        liveness::livez,
        readiness::readyz,
        metrics::metrics
    ),
    tags((name = "front desk", description = "What there is, whether it is well, what its problems mean")),
)]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    <Api as utoipa::OpenApi>::openapi()
}
