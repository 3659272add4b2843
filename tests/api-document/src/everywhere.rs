//! What every operation has because the edge gives it: problems, how callers prove who they are, shared headers,
//! conditional reads.

use crate::problems::{self, Applies, PROBLEMS};
use axum::http::Method;
use route_policy::{Class, KeyScopes, RoutePolicy};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The methods that an item of `paths` may describe.
pub(crate) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Completes a document; `policies` say how the edge treats its routes, `keys` what API keys need on which path.
pub(crate) fn add(document: &mut Value, policies: &[RoutePolicy], keys: &BTreeMap<String, KeyScopes>) {
    let components = member(document, "components");
    insert(member(components, "schemas"), "Problem", problems::schema());
    let schemes = member(components, "securitySchemes");
    insert(
        schemes,
        "bearer",
        json!({
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token of `POST /v1/sessions`. The names in a requirement are scopes or roles.",
        }),
    );
    insert(schemes, API_KEY, api_key());
    insert(
        schemes,
        "metrics",
        json!({ "type": "http", "scheme": "bearer", "description": "The token of the variable `metrics_token`." }),
    );
    insert(components, "headers", problems::headers());
    insert(member(components, "parameters"), "IfNoneMatch", if_none_match());
    let responses = member(components, "responses");
    for (status, name, _, description) in PROBLEMS {
        insert(responses, name, problems::response(status, description));
    }
    insert(responses, "NotModified", not_modified());
    for (path, item) in member(document, "paths").as_object_mut().into_iter().flat_map(Map::iter_mut) {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                let class = class_of(policies, method, path);
                if let Some(scopes) = keys.get(path) {
                    open_to_keys(operation, method, *scopes);
                }
                complete(operation, &Route { reads: method == "get", named: path.contains('{'), class });
            }
        }
    }
}

/// The name of the scheme of API keys.
const API_KEY: &str = "api_key";

/// A key is a bearer text like an access token: two schemes of one kind, of which an operation names those that it takes.
fn api_key() -> Value {
    json!({
        "type": "http", "scheme": "bearer", "bearerFormat": "sdft_…",
        "description": "A key of `POST /v1/api-keys`, which begins with `sdft_`, for programs. The names in a requirement \
            are the scopes that it needs. Operations that do not name this scheme answer it with 403.",
    })
}

/// Lets keys do what an operation does, where they may: where the context has a scope for its method, and the operation
/// itself asks for nothing that only people have, such as a role.
fn open_to_keys(operation: &mut Value, method: &str, scopes: KeyScopes) {
    let of_method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok();
    let Some(table) = of_method.and_then(|method| scopes.of(&method)) else { return };
    let Some(security) = operation.get_mut("security").and_then(Value::as_array_mut) else { return };
    let Some(own) = security.iter().find_map(|one| one.get("bearer")?.as_array()).cloned() else { return };
    let is_for_keys = |name: &Value| scopes.read.iter().chain(scopes.write).any(|scope| name == scope);
    if own.iter().all(is_for_keys) {
        let mut wanted: Vec<Value> = table.iter().map(|scope| Value::from(*scope)).collect();
        wanted.extend(own.into_iter().filter(|name| !table.iter().any(|scope| name == scope)));
        security.push(json!({ API_KEY: wanted }));
    }
}

/// What is known of a route besides its description.
struct Route {
    reads: bool,
    named: bool,
    class: Class,
}

fn class_of(policies: &[RoutePolicy], method: &str, path: &str) -> Class {
    let asked = method.to_ascii_uppercase();
    let named = policies.iter().find(|policy| policy.method == asked && policy.path == path);
    named.map_or(if method == "get" { Class::Read } else { Class::Write }, |policy| policy.class)
}

/// A member that is an object, made where it is not there.
fn member<'a>(of: &'a mut Value, name: &str) -> &'a mut Value {
    if !of.is_object() {
        *of = Value::Object(Map::new());
    }
    let found = &mut of[name];
    if !found.is_object() {
        *found = Value::Object(Map::new());
    }
    found
}

fn insert(into: &mut Value, name: &str, value: Value) {
    if let Some(members) = into.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// Adds to an operation what the edge may answer, and to its own answers what the edge adds to them.
fn complete(operation: &mut Value, route: &Route) {
    let secured = operation.get("security").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let reads_body = operation.get("requestBody").is_some();
    let wants_key = wants_key(operation);
    if route.reads {
        let parameters = operation.as_object_mut().map(|members| members.entry("parameters").or_insert(json!([])));
        if let Some(list) = parameters.and_then(Value::as_array_mut) {
            list.push(json!({ "$ref": "#/components/parameters/IfNoneMatch" }));
        }
    }
    if let Some(media) = operation.pointer_mut("/requestBody/content/application~1json/schema") {
        without_null(media);
    }
    let responses = member(operation, "responses");
    for (status, name, applies, _) in PROBLEMS {
        let applies = match applies {
            Applies::Always => true,
            Applies::Secured => secured,
            Applies::MayHaveBody => !route.reads,
            Applies::ReadsBody => reads_body,
            Applies::WantsKey => wants_key,
            Applies::Limited => route.class != Class::Free,
            Applies::Named => route.named,
        };
        if applies && responses.get(status).is_none() {
            insert(responses, status, json!({ "$ref": format!("#/components/responses/{name}") }));
        }
    }
    if route.reads {
        insert(responses, "304", json!({ "$ref": "#/components/responses/NotModified" }));
    }
    for (status, response) in responses.as_object_mut().into_iter().flat_map(Map::iter_mut) {
        if response.get("$ref").is_some() {
            continue;
        }
        if status.starts_with(['4', '5']) && response.get("content").is_none() {
            let description = response.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            *response = problems::response(status, &description);
        }
        let headers = member(response, "headers");
        for own in headers.as_object_mut().into_iter().flat_map(Map::values_mut) {
            // What a route itself describes is there whenever it gives this answer.
            if own.get("$ref").is_none() {
                insert(own, "required", true.into());
            }
        }
        insert(headers, "X-Request-Id", problems::header("RequestId"));
        if route.class != Class::Free {
            insert(headers, "RateLimit", problems::header("RateLimit"));
            insert(headers, "RateLimit-Policy", problems::header("RateLimitPolicy"));
        }
        if wants_key && (status.starts_with('2') || status == "409") {
            insert(headers, "Idempotency-Replayed", problems::header("Replayed"));
        }
        if route.reads && status == "200" && headers.get("ETag").is_none() {
            insert(headers, "ETag", problems::header("Tag"));
        }
    }
}

/// A body that may be left out is nothing then, and not `null`.
fn without_null(schema: &mut Value) {
    let choices = schema.get("oneOf").and_then(Value::as_array);
    let others: Vec<_> = choices.into_iter().flatten().filter(|one| one.get("type") != Some(&"null".into())).collect();
    if let [only] = others.as_slice() {
        *schema = (*only).clone();
    }
}

fn wants_key(operation: &Value) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters.into_iter().flatten().any(|parameter| {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        name.eq_ignore_ascii_case("idempotency-key") && parameter.get("required") == Some(&true.into())
    })
}

fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match", "in": "header", "required": false,
        "description": "The `ETag` of an answer that the caller has: where it is still the same, the answer is 304",
        "schema": { "type": "string" },
    })
}

fn not_modified() -> Value {
    json!({
        "description": "The caller has it already, as its `If-None-Match` says",
        "headers": { "X-Request-Id": problems::header("RequestId"), "ETag": problems::header("Tag") },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: KeyScopes = KeyScopes { read: &["tea:read"], write: &[] };

    fn opened(method: &str, security: Value) -> Value {
        let mut operation = json!({ "security": security });
        open_to_keys(&mut operation, method, TABLE);
        operation.get("security").cloned().unwrap_or_default()
    }

    #[test]
    fn a_key_is_let_in_where_its_scopes_reach_and_nowhere_else() {
        let both = json!([{ "bearer": ["tea:read"] }, { "api_key": ["tea:read"] }]);
        assert_eq!(opened("get", json!([{ "bearer": ["tea:read"] }])), both);
        for closed in [json!([{ "bearer": ["tea:read", "operator"] }]), json!([{ "metrics": [] }]), json!([])] {
            assert_eq!(opened("get", closed.clone()), closed, "keys have no role");
        }
        let changing = json!([{ "bearer": ["tea:read"] }]);
        assert_eq!(opened("post", changing.clone()), changing, "the table has no scope to change anything");
    }
}
