//! Prints a line to stdout and one to stderr, and shows its environment.
#![cfg(target_family = "wasm")]

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service,
};

#[http_service]
async fn print(_request: Request) -> impl IntoResponse {
    println!("a line for stdout");
    eprintln!("a line for stderr");
    let mut environment: Vec<_> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    environment.sort();
    guests::text(StatusCode::OK, environment.join("\n"))
}
