//! Imports an interface that nobody offers; the host must say so instead of starting it.
#![cfg(target_family = "wasm")]
#![expect(missing_docs, reason = "generated from WIT")]

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service, wit_bindgen,
};

wit_bindgen::generate!({
    inline: "
        package elsewhere:unknown@1.0.0;
        interface power { on: func() -> bool; }
        world all { import power; }
    ",
    world: "elsewhere:unknown/all",
    runtime_path: "spin_sdk::wit_bindgen::rt",
});

#[http_service]
async fn power(_request: Request) -> impl IntoResponse {
    guests::text(StatusCode::OK, elsewhere::unknown::power::on().to_string())
}
