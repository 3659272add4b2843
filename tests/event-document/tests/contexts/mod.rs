//! Which groups hear whom, and where the document lies.

use event_document::Hears;
use std::path::{Path, PathBuf};

/// Each group with the contexts that it hears.
pub fn groups() -> Vec<Hears<'static>> {
    vec![
        (notifications_context::GROUP, &notifications_context::HEARS),
        (payments_context::GROUP, &payments_context::HEARS),
        (queries_context::GROUP, &queries_context::HEARS),
        (webhooks_context::GROUP, &webhooks_context::HEARS),
    ]
}

/// docs/asyncapi.json.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/asyncapi.json")
}
