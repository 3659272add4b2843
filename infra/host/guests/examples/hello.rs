//! Answers every request with a greeting.
#![cfg(target_family = "wasm")]

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service,
};

#[http_service]
async fn hello(_request: Request) -> impl IntoResponse {
    guests::text(StatusCode::OK, "hello")
}
