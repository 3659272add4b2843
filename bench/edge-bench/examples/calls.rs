//! The same read with the calls to the host that any edge makes which promises what ours does, and no code of the edge: the
//! clock at both ends, a random trace, a timer beside the read, one line in the log, the fields of the answer. What this
//! costs more than the bare read is the platform's price, below which no edge can get.

#![cfg(target_family = "wasm")]

use ambient::{Clock as _, Random as _, Sleep as _};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use core::pin::pin;
use core::time::Duration;
use edge_bench::Bench;
use edge_spin::{Front, StartError};
use futures::future::{Either, select};
use std::io::Write as _;
use std::sync::Arc;
use wiring_spin::Ground;

/// A line as long as the edge's own.
const LINE: &[u8] = b"{\"time\":\"2026-01-01T00:00:00.000Z\",\"level\":\"info\",\"service\":\"calls\",\"message\":\"request\",\
    \"trace\":\"0af7651916cd43dd8448eb211c80319c\",\"method\":\"GET\",\"route\":\"/calls\",\"status\":200,\"duration_ms\":0}\n";

/// The fields that the edge adds to an answer, and such values as it gives them.
const FIELDS: [(&str, &str); 9] = [
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
    ("x-request-id", "0af7651916cd43dd8448eb211c80319c"),
    ("etag", "W/\"0123456789abcdef\""),
    ("ratelimit-policy", "\"read.user\";q=1000000;w=1"),
    ("ratelimit", "\"read.user\";r=999999;t=1"),
];

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Arc::new(Ground::of("bench").await?);
    let bench = Bench::start(&ground).await?;
    let state = (bench, ground);
    Ok(Front::new("calls", Router::new().route("/calls", get(read)).with_state(state)))
}

async fn read(State((bench, ground)): State<(Bench, Arc<Ground>)>) -> Response {
    let started = ground.clock.now();
    let mut trace = [0; 16];
    ground.random.fill(&mut trace);
    let timer = pin!(async { ground.sleep.sleep(Duration::from_secs(10)).await });
    let mut answer = match select(pin!(bench.read()), timer).await {
        Either::Left((answer, _)) => answer.into_response(),
        Either::Right(((), _)) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    };
    for (name, value) in FIELDS {
        answer.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let took = ground.clock.now().since(started);
    if took < Duration::from_secs(3600) && trace != [0; 16] && std::io::stderr().write_all(LINE).is_err() {
        // Nowhere left to say it.
    }
    answer
}
