//! The read without any layer; and, for the other one, tokens: `/tokens/<first>` answers five hundred of them.

#![cfg(target_family = "wasm")]

use ambient::Clock as _;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use edge_bench::{Bench, token};
use edge_spin::{Front, StartError};
use wiring_spin::Ground;

/// Tokens of one answer.
const TOKENS: u32 = 500;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("bench").await?;
    let bench = Bench::start(&ground).await?;
    let clock = ground.clock;
    let tokens = move |Path(first): Path<u32>| async move {
        let numbers = first..first.saturating_add(TOKENS);
        numbers.map(|number| token(number, clock.now())).collect::<Vec<_>>().join("\n")
    };
    let routes = Router::new()
        .route("/bare", get(async |State(bench): State<Bench>| bench.read().await))
        .route("/tokens/{first}", get(tokens))
        .with_state(bench);
    Ok(Front::new("bare", routes))
}
