//! The contexts whose routes the document describes, and where the document lies.

use std::path::{Path, PathBuf};
use utoipa::openapi::OpenApi;

/// A part from each context, in the order of their tags.
pub fn parts() -> Vec<OpenApi> {
    vec![notifications_context::http::api(), queries_context::http::api(), gateway_context::api()]
}

/// docs/openapi.json.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}
