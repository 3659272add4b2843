//! What the guests share: nothing but how they answer. One guest a file in `examples/`, one behaviour a guest; the
//! host's tests grant and deny.
#![cfg(target_family = "wasm")]

use spin_sdk::http::{FullBody, Response, StatusCode};

/// A text with its length, so that it leaves in one piece.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<String>) -> Response<FullBody<bytes::Bytes>> {
    let text = text.into();
    let length = text.len();
    let mut response = Response::new(FullBody::new(bytes::Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert("content-length", length.into());
    response
}

/// 200 with the value or 500 with the error, both as Rust prints them.
#[must_use]
pub fn outcome<A: std::fmt::Debug, E: std::fmt::Debug>(result: Result<A, E>) -> Response<FullBody<bytes::Bytes>> {
    match result {
        Ok(value) => text(StatusCode::OK, format!("{value:?}")),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")),
    }
}
