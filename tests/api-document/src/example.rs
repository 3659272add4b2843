//! The request that an operation's examples describe.

#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Map, Value};

/// What a reference leads to; anything else is itself.
pub(crate) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(name) => document.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => value,
    }
}

/// The example of a parameter or a body: its own, the first of several, or its schema's.
fn example_of(document: &Value, of: &Value) -> Option<Value> {
    let several = || of["examples"].as_object()?.values().next()?.get("value").cloned();
    let of_schema = || resolved(document, &of["schema"])["examples"].as_array()?.first().cloned();
    of.get("example").cloned().or_else(several).or_else(of_schema)
}

/// Builds the request; `known` takes the place of examples.
pub(crate) fn request(
    document: &Value,
    (path, method): (&str, &str),
    operation: &Value,
    known: &Map<String, Value>,
) -> Result<Request<Body>, String> {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    let mut request = Request::builder().method(method.to_ascii_uppercase().as_str());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolved(document, parameter);
        let name = parameter["name"].as_str().unwrap_or_default();
        let place = parameter["in"].as_str().unwrap_or_default();
        let example = known.get(name).cloned().or_else(|| example_of(document, parameter));
        let example = example.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        match (place, example) {
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
        let mut example = example_of(document, media).ok_or("the body has no example")?;
        for (name, member) in example.as_object_mut().into_iter().flat_map(Map::iter_mut) {
            if let Some(value) = known.get(name) {
                *member = value.clone();
            }
        }
        request = request.header(header::CONTENT_TYPE, "application/json");
        Body::from(example.to_string())
    };
    request.uri(uri).body(body).map_err(|error| error.to_string())
}
