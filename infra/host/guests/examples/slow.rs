//! Answers after as many milliseconds as the path says.
#![cfg(target_family = "wasm")]

use std::time::Duration;

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service, time,
};

#[http_service]
async fn slow(request: Request) -> impl IntoResponse {
    let milliseconds = request.uri().path().trim_start_matches('/').parse().unwrap_or_default();
    time::sleep(Duration::from_millis(milliseconds)).await;
    guests::text(StatusCode::OK, "awake")
}
