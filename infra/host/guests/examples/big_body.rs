//! Takes a body whole and sends it back.
#![cfg(target_family = "wasm")]

use http_body_util::BodyExt as _;
use spin_sdk::{
    http::{FullBody, IntoResponse, Request, Response},
    http_service,
};

#[http_service]
async fn echo(request: Request) -> Result<impl IntoResponse, String> {
    let body = request.into_body().collect().await.map_err(|error| format!("{error:?}"))?.to_bytes();
    Ok::<_, String>(Response::new(FullBody::new(body)))
}
