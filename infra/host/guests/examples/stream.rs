//! Sends five lines, a tenth of a second apart.
#![cfg(target_family = "wasm")]

use std::time::Duration;

use futures::SinkExt as _;
use spin_sdk::{
    http::{IntoResponse, Request, Response, body},
    http_service, time, wasip3,
};

#[http_service]
async fn stream(_request: Request) -> impl IntoResponse {
    let (mut lines, body) = body::stream::<bytes::Bytes>();
    wasip3::spawn(async move {
        for number in 0..5 {
            if lines.send(bytes::Bytes::from(format!("line {number}\n"))).await.is_err() {
                return;
            }
            time::sleep(Duration::from_millis(100)).await;
        }
    });
    Response::new(body)
}
