//! Reads the variable that the path names.
#![cfg(target_family = "wasm")]

use spin_sdk::{
    http::{IntoResponse, Request},
    http_service, variables,
};

#[http_service]
async fn variable(request: Request) -> impl IntoResponse {
    guests::outcome(variables::get(request.uri().path().trim_start_matches('/')).await)
}
