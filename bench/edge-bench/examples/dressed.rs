//! The same read in the layers of every public function, for a caller with a token.

#![cfg(target_family = "wasm")]

use access_token::{Jwks, Verifier};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use edge::TokenKeys;
use edge_bench::{AUDIENCE, Bench, ISSUER, signing_key};
use edge_spin::{Front, StartError};
use principal::Principal;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("bench").await?;
    let bench = Bench::start(&ground).await?;
    let keys = TokenKeys::fixed(Jwks { keys: vec![signing_key().jwk()] });
    let service = ground.service("dressed").await?.edge(|edge| edge.bearer(Verifier::new(ISSUER, AUDIENCE), keys));
    let read = async |State(bench): State<Bench>, _caller: Principal| bench.read().await;
    Ok(service.front(Router::new().route("/dressed", get(read)).with_state(bench)))
}
