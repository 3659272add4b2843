//! Whether a context's document and its routes say the same.
//!
//! From the document to the routes: each operation is sent as its examples say, must reach a route, and must be answered
//! as documented, the body against its schema. From the routes to the document: the text of the route tables is read for
//! paths and methods, because a router does not tell what is in it.

#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use crate::everywhere::METHODS;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

/// Prepares a request as the edge would: puts the caller into its extensions.
type Prepare = Box<dyn Fn(&mut Request<Body>)>;

/// What answers where no route does.
async fn missed() -> StatusCode {
    StatusCode::IM_A_TEAPOT
}

/// The check of one context.
pub struct Agreement {
    router: Router,
    document: Value,
    tables: Vec<&'static str>,
    prepare: Prepare,
}

impl Agreement {
    /// Compares a router with the part of the document that describes it; `tables` are the texts of the route tables.
    pub fn new(router: Router, api: OpenApi, tables: &[&'static str]) -> Self {
        let router = router.fallback(missed).method_not_allowed_fallback(missed);
        Self { router, document: crate::whole(vec![api]), tables: tables.to_vec(), prepare: Box::new(|_| ()) }
    }

    /// Sends each request as this caller.
    #[must_use]
    pub fn by(mut self, prepare: impl Fn(&mut Request<Body>) + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// What does not agree; nothing where all is well.
    pub async fn complaints(&self) -> Vec<String> {
        let documented = self.documented();
        let in_tables: BTreeSet<(String, String)> = self.tables.iter().flat_map(|table| routes_of(table)).collect();
        let mut complaints = Vec::new();
        for (path, method) in in_tables.difference(&documented) {
            complaints.push(format!("{method} {path} is routed and not documented"));
        }
        for (path, method) in documented.difference(&in_tables) {
            complaints.push(format!("{method} {path} is documented and in no route table"));
        }
        for (path, method) in &documented {
            let operation = self.document["paths"][path][method].clone();
            complaints.extend(self.send(path, method, &operation).await);
        }
        complaints
    }

    fn documented(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for (path, item) in self.document["paths"].as_object().into_iter().flatten() {
            for method in METHODS.into_iter().filter(|method| item.get(method).is_some()) {
                found.insert((path.clone(), method.to_owned()));
            }
        }
        found
    }

    /// Sends one operation's example.
    async fn send(&self, path: &str, method: &str, operation: &Value) -> Option<String> {
        let what = format!("{method} {path}");
        let request = match self.example_request(path, method, operation) {
            Ok(mut request) => {
                (self.prepare)(&mut request);
                request
            }
            Err(why) => return Some(format!("{what}: {why}")),
        };
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        self.judge(operation, response).await.err().map(|why| format!("{what}: {why}"))
    }

    async fn judge(&self, operation: &Value, response: Response<Body>) -> Result<(), String> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let shown = String::from_utf8_lossy(&body).into_owned();
        if parts.status == StatusCode::IM_A_TEAPOT {
            return Err("there is no such route".to_owned());
        }
        if [400, 413, 415, 422, 428].contains(&parts.status.as_u16()) {
            return Err(format!("its own example is refused: {} {shown}", parts.status));
        }
        let documented = &operation["responses"][parts.status.as_str()];
        if documented.is_null() || parts.status.is_server_error() {
            return Err(format!("the answer is not one that is documented: {} {shown}", parts.status));
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        let content = &self.resolved(documented)["content"];
        if body.is_empty() && content.is_null() {
            return Ok(());
        }
        let Some(media) = content.get(kind) else {
            return Err(format!("`{kind}` is not documented for {}", parts.status));
        };
        if !kind.ends_with("json") {
            return Ok(());
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|error| format!("{error}: {shown}"))?;
        let schema = json!({ "allOf": [media["schema"]], "components": self.document["components"] });
        let validator = jsonschema::validator_for(&schema).map_err(|error| format!("no schema: {error}"))?;
        let faults: Vec<String> =
            validator.iter_errors(&answer).map(|error| format!("{} at {}", error, error.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(format!("{shown} is not as documented: {faults:?}")) }
    }

    /// What a reference leads to; anything else is itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(name) => self.document.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null),
            None => value,
        }
    }

    /// The example of a parameter or a body: its own, the first of several, or its schema's.
    fn example_of(&self, of: &Value) -> Option<Value> {
        let several = || of["examples"].as_object()?.values().next()?.get("value").cloned();
        let of_schema = || self.resolved(&of["schema"])["examples"].as_array()?.first().cloned();
        of.get("example").cloned().or_else(several).or_else(of_schema)
    }

    /// The request that the examples of an operation describe.
    fn example_request(&self, path: &str, method: &str, operation: &Value) -> Result<Request<Body>, String> {
        let (mut path, mut query) = (path.to_owned(), Vec::new());
        let mut request = Request::builder().method(method.to_ascii_uppercase().as_str());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let example = self.example_of(parameter);
            let example = example.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            match (parameter["in"].as_str().unwrap_or_default(), example) {
                ("path", Some(value)) => path = path.replace(&format!("{{{name}}}"), &value),
                ("query", Some(value)) => query.push(format!("{name}={value}")),
                ("header", Some(value)) => request = request.header(name, value),
                (place, None) if place == "path" || parameter["required"] == true => {
                    return Err(format!("the parameter {name} has no example"));
                }
                _ => {}
            }
        }
        if path.contains('{') {
            return Err("a parameter of the path is not documented".to_owned());
        }
        let uri = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        let body = if operation["requestBody"].is_null() {
            Body::empty()
        } else {
            let media = &operation["requestBody"]["content"]["application/json"];
            let example = self.example_of(media).ok_or("the body has no example")?;
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(example.to_string())
        };
        request.uri(uri).body(body).map_err(|error| error.to_string())
    }
}

/// Path and method of each route of a table's text, but those of services among themselves.
fn routes_of(table: &str) -> Vec<(String, String)> {
    let mut routes = Vec::new();
    for (place, start) in table.match_indices(".route(") {
        let rest = table.get(place + start.len()..).unwrap_or_default();
        let call = rest.get(..end_of_call(rest)).unwrap_or_default();
        let Some(path) = call.split('"').nth(1).filter(|_| call.trim_start().starts_with('"')) else { continue };
        if path.starts_with("/internal/") || path.contains("/internal/") {
            continue;
        }
        for method in METHODS {
            let is_called = call.match_indices(&format!("{method}(")).any(|(place, _)| {
                let before = call.get(..place).and_then(|text| text.chars().next_back());
                !before.is_some_and(|symbol| symbol.is_alphanumeric() || symbol == '_')
            });
            if is_called {
                routes.push((path.to_owned(), method.to_owned()));
            }
        }
    }
    routes
}

/// Where the parenthesis closes that was open before this text.
fn end_of_call(text: &str) -> usize {
    let mut open = 1;
    for (place, symbol) in text.char_indices() {
        match symbol {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return place;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
