//! The contexts whose routes the document describes, and where the document lies.

use api_document::Part;
use std::path::{Path, PathBuf};

/// A part from each context, in the order of their tags. The sandbox has none: it is no part of a deployment.
pub fn parts() -> Vec<Part> {
    vec![
        Part { api: users_context::http::api(), policies: users_context::POLICIES, keys: None },
        Part {
            api: payments_context::http::api(),
            policies: payments_context::POLICIES,
            keys: Some(payments_context::KEY_SCOPES),
        },
        Part {
            api: notifications_context::http::api(),
            policies: notifications_context::POLICIES,
            keys: Some(notifications_context::KEY_SCOPES),
        },
        Part { api: queries_context::http::api(), policies: &[], keys: Some(queries_context::KEY_SCOPES) },
        Part {
            api: webhooks_context::http::api(),
            policies: webhooks_context::POLICIES,
            keys: Some(webhooks_context::KEY_SCOPES),
        },
        Part { api: operations_context::http::api(), policies: operations_context::POLICIES, keys: None },
        Part { api: gateway_context::api(), policies: gateway_context::POLICIES, keys: None },
    ]
}

/// docs/openapi.json.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}
