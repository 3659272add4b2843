//! `/panic` panics, which ends the instance and everybody in it; `/wait` is such a neighbour: it answers after two
//! seconds if it lives.
#![cfg(target_family = "wasm")]

use std::time::Duration;

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service, time,
};

#[http_service]
async fn panic(request: Request) -> impl IntoResponse {
    match request.uri().path() {
        "/panic" => give_up(),
        "/wait" => time::sleep(Duration::from_secs(2)).await,
        _ => {}
    }
    guests::text(StatusCode::OK, "alive")
}

#[expect(clippy::panic, reason = "what the test is about")]
fn give_up() {
    panic!("on purpose");
}
