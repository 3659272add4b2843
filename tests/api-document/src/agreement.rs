//! Whether a context's document and its routes say the same.
//!
//! From the document to the routes: each operation is sent as its examples say, must reach a route, and must be answered
//! as documented, the body against its schema; without a caller it must be closed where it says so, and only there. From
//! the routes to the document: the text of the route tables is read for paths and methods.

#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use crate::everywhere::METHODS;
use crate::example::{self, resolved};
use crate::scene::Scene;
use crate::tables::routes_of;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use core::pin::Pin;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

/// Makes the scene of the operation with this name.
type Scenes = Box<dyn Fn(String) -> Pin<Box<dyn Future<Output = Scene>>>>;

/// The check of one context.
pub struct Agreement {
    document: Value,
    tables: Vec<&'static str>,
    scenes: Scenes,
    must_succeed: bool,
}

impl Agreement {
    /// Compares a router with the part of the document that describes it; `tables` are the texts of the route tables. All
    /// operations are tried in one scene, so that an example may name what is not there.
    pub fn new(scene: Scene, api: OpenApi, tables: &[&'static str]) -> Self {
        let mut agreement = Self::afresh(move |_| core::future::ready(scene.clone()), api, tables);
        agreement.must_succeed = false;
        agreement
    }

    /// The same with a scene of its own for each operation, in which its example must succeed.
    pub fn afresh<F>(scenes: impl Fn(String) -> F + 'static, api: OpenApi, tables: &[&'static str]) -> Self
    where
        F: Future<Output = Scene> + 'static,
    {
        let scenes: Scenes = Box::new(move |name| Box::pin(scenes(name)));
        let document = crate::whole(vec![crate::Part { api, policies: &[], keys: None }]);
        Self { document, tables: tables.to_vec(), scenes, must_succeed: true }
    }

    /// What does not agree; nothing where all is well.
    pub async fn complaints(&self) -> Vec<String> {
        let documented = documented(&self.document);
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
            let tried = self.try_out(path, method, &operation).await;
            complaints.extend(tried.err().map(|why| format!("{method} {path}: {why}")));
        }
        complaints
    }

    /// Sends one operation's example, with its caller and without.
    async fn try_out(&self, path: &str, method: &str, operation: &Value) -> Result<(), String> {
        let scene = (self.scenes)(operation["operationId"].as_str().unwrap_or_default().to_owned()).await;
        let request = || example::request(&self.document, (path, method), operation, &scene.known);
        let is_secured = operation["security"].as_array().is_some_and(|all| !all.is_empty());
        if is_secured {
            let stranger = answer(&scene.router, request()?).await?;
            if ![StatusCode::UNAUTHORIZED, StatusCode::IM_A_TEAPOT].contains(&stranger.status) {
                return Err(format!("it lets strangers in: {} {}", stranger.status, stranger.text()));
            }
        }
        let answer = answer(&scene.router, scene.prepared(request()?)).await?;
        if !is_secured && answer.status == StatusCode::UNAUTHORIZED && self.must_succeed {
            return Err("it wants a token and does not say so".to_owned());
        }
        self.judge(operation, &answer)
    }

    fn judge(&self, operation: &Value, answer: &Answer) -> Result<(), String> {
        let Answer { status, headers, body } = answer;
        let shown = answer.text();
        if *status == StatusCode::IM_A_TEAPOT {
            return Err("there is no such route".to_owned());
        }
        let is_refused = [400, 413, 415, 422, 428].contains(&status.as_u16());
        if is_refused || (self.must_succeed && status.is_client_error()) {
            return Err(format!("its own example is refused: {status} {shown}"));
        }
        let documented = &operation["responses"][status.as_str()];
        if documented.is_null() || status.is_server_error() {
            return Err(format!("the answer is not one that is documented: {status} {shown}"));
        }
        let documented = resolved(&self.document, documented);
        for (name, own) in documented["headers"].as_object().into_iter().flatten() {
            // Those of the edge are described once, and the edge is not here.
            if own["$ref"].is_null() && !headers.contains_key(name.as_str()) {
                return Err(format!("the answer lacks the header {name}"));
            }
        }
        let content = &documented["content"];
        if body.is_empty() && content.is_null() {
            return Ok(());
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        let Some(media) = content.get(kind) else {
            return Err(format!("`{kind}` is not documented for {status}"));
        };
        if !kind.ends_with("json") {
            return Ok(());
        }
        let found: Value = serde_json::from_slice(body).map_err(|error| format!("{error}: {shown}"))?;
        let schema = json!({ "allOf": [media["schema"]], "components": self.document["components"] });
        let validator = jsonschema::validator_for(&schema).map_err(|error| format!("no schema: {error}"))?;
        let faults: Vec<String> =
            validator.iter_errors(&found).map(|error| format!("{} at {}", error, error.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(format!("{shown} is not as documented: {faults:?}")) }
    }
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn answer(router: &Router, request: Request<Body>) -> Result<Answer, String> {
    let response: Response<Body> = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes().to_vec();
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

/// Path and method of each operation of a document.
pub fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS.into_iter().filter(|method| item.get(method).is_some()) {
            found.insert((path.clone(), method.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests;
