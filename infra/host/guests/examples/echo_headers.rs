//! Shows what arrived: method, path, and every header in its order, one a line.
#![cfg(target_family = "wasm")]

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service,
};

#[http_service]
async fn echo(request: Request) -> impl IntoResponse {
    let mut lines = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        lines.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    guests::text(StatusCode::OK, lines)
}
