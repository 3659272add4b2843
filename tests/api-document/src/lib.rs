//! The API's document (OpenAPI 3.1): put together from the parts of all contexts, written in one stable order, and held
//! against the routes.
//!
//! What lives here: what every operation has because the edge gives it (problems, limits, the trace), the order on disk,
//! and the check that a context calls with its own router. What does not: descriptions of routes and shapes; they stand
//! beside the code, and `cargo xtask openapi` writes docs/openapi.json from them.

mod agreement;
mod canonical;
mod everywhere;
mod example;
mod problems;
mod scene;
mod tables;

pub use agreement::{Agreement, documented};
pub use scene::Scene;
pub use tables::routes_of;

use route_policy::{KeyScopes, RoutePolicy};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::OpenApi;

/// One context's part of the document.
pub struct Part {
    /// Its operations and shapes.
    pub api: OpenApi,
    /// How the edge treats its routes.
    pub policies: &'static [RoutePolicy],
    /// What API keys need there; `None` where they open nothing.
    pub keys: Option<KeyScopes>,
}

/// One document for all services.
pub fn whole(parts: Vec<Part>) -> Value {
    let (mut whole, mut policies, mut keys) = (OpenApi::default(), Vec::new(), BTreeMap::new());
    for (place, part) in parts.into_iter().enumerate() {
        policies.extend_from_slice(part.policies);
        let paths = part.api.paths.paths.keys().cloned();
        keys.extend(paths.filter_map(|path| Some((path, part.keys?))));
        if place == 0 {
            whole = part.api;
        } else {
            whole.merge(part.api);
        }
    }
    let mut document = serde_json::to_value(whole).unwrap_or_default();
    everywhere::add(&mut document, &policies, &keys);
    if let Some(members) = document.as_object_mut() {
        members.insert("info".to_owned(), info());
        members.insert("servers".to_owned(), json!([{ "url": "/", "description": "This system" }]));
    }
    document
}

/// Names that two parts give to shapes that differ: in one document the first would stand for both.
pub fn clashes(parts: &[Part]) -> Vec<String> {
    let mut known = BTreeMap::new();
    let mut clashes = Vec::new();
    for part in parts {
        for (name, schema) in part.api.components.iter().flat_map(|components| &components.schemas) {
            let schema = serde_json::to_value(schema).unwrap_or_default();
            if known.entry(name.clone()).or_insert_with(|| schema.clone()) != &schema {
                clashes.push(name.clone());
            }
        }
    }
    clashes
}

/// The document's text on disk: members in alphabetical order, two spaces a level, a line break at the end.
pub fn text(document: &Value) -> String {
    canonical::text(document)
}

fn info() -> Value {
    json!({
        "title": "Spindrift",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Accounts, payments with a ledger, notifications and read models behind one entry point",
        "description": "Every error is a problem document (RFC 9457) whose `type` leads to its description. Every \
            answer carries `X-Request-Id`. A request with an `Idempotency-Key` may be sent again with the same key: it \
            is carried out once. Amounts are integers of minor units, moments RFC 3339 in UTC.",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    })
}
