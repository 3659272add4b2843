//! Front desk: index, health of the whole, metrics.

#![cfg(target_family = "wasm")]

use ambient::{SystemClock, SystemRandom};
use axum::Router;
use axum::routing::get;
use edge_spin::{Front, StartError};
use platform_spin::SpinSleep;
use std::sync::Arc;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let router = Router::new().route("/livez", get(async || problem::Json("alive")));
    let config =
        edge::EdgeConfig::new("gateway", Arc::new(SystemClock), Arc::new(SystemRandom), Arc::new(SpinSleep));
    Ok(Front::new("gateway", edge::public(router, config)))
}
