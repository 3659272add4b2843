//! What the guests of the whole's tests share: the contract suites as components (the same cases that run natively,
//! over Spin's own Redis and key-value store), and the prober of what a manifest grants. One guest a file in
//! `examples/`; the tests `tests/tests/component_*` grant, build and ask.
#![cfg(target_family = "wasm")]

pub mod attempt;

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
