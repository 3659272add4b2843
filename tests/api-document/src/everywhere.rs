//! What every operation has because the edge gives it: problems, how callers prove who they are, shared headers.

use serde_json::{Map, Value, json};

/// The methods that an item of `paths` may describe.
pub(crate) const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// A problem that the edge answers with: the status, the name of the response, what it means.
const PROBLEMS: [(&str, &str, &str); 12] = [
    ("400", "Malformed", "The request cannot be read: broken JSON, a bad header, a parameter of the wrong form."),
    ("401", "Unauthenticated", "There is no token, or one that does not hold."),
    ("403", "Forbidden", "The caller is known and lacks a scope or a role."),
    ("413", "TooLarge", "The body is larger than `limit_bytes`."),
    ("415", "UnsupportedMediaType", "The body is not declared as JSON."),
    ("422", "Invalid", "A value is not acceptable: `field` says which, `why` says why."),
    ("428", "IdempotencyKeyRequired", "The route changes something and wants an Idempotency-Key."),
    (
        "429",
        "RateLimited",
        "There were too many requests; `policy` names the limit, `Retry-After` says when to come back.",
    ),
    ("431", "HeadersTooLarge", "The headers are larger than the service takes."),
    ("500", "Internal", "A mistake of ours; `instance` finds it in the logs."),
    (
        "503",
        "Unavailable",
        "A dependency is gone or slow, or there is too much to do; `Retry-After` says when to repeat.",
    ),
    (
        "504",
        "DeadlineExceeded",
        "The deadline passed before the answer was there; whether there was an effect is unknown.",
    ),
];

/// Completes a document.
pub(crate) fn add(document: &mut Value) {
    let components = member(document, "components");
    insert(member(components, "schemas"), "Problem", problem_schema());
    let schemes = member(components, "securitySchemes");
    insert(
        schemes,
        "bearer",
        json!({
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token of `POST /v1/sessions`. The names in a requirement are scopes or roles.",
        }),
    );
    insert(
        schemes,
        "metrics",
        json!({ "type": "http", "scheme": "bearer", "description": "The token of the variable `metrics_token`." }),
    );
    let responses = member(components, "responses");
    for (status, name, description) in PROBLEMS {
        insert(responses, name, problem_response(status, description));
    }
    for item in member(document, "paths").as_object_mut().into_iter().flat_map(Map::values_mut) {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                complete(operation);
            }
        }
    }
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

/// Adds to an operation what the edge may answer, and to its own problems their form.
fn complete(operation: &mut Value) {
    let secured = operation.get("security").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let has_body = operation.get("requestBody").is_some();
    let wants_key = operation.get("parameters").and_then(Value::as_array).is_some_and(|parameters| {
        parameters.iter().any(|parameter| {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            name.eq_ignore_ascii_case("idempotency-key") && parameter.get("required") == Some(&true.into())
        })
    });
    let responses = member(operation, "responses");
    for (status, name, _) in PROBLEMS {
        let applies = match status {
            "401" | "403" => secured,
            "413" | "415" | "422" => has_body,
            "428" => wants_key,
            _ => true,
        };
        if applies && responses.get(status).is_none() {
            insert(responses, status, json!({ "$ref": format!("#/components/responses/{name}") }));
        }
    }
    for (status, response) in responses.as_object_mut().into_iter().flat_map(Map::iter_mut) {
        let is_problem = status.starts_with(['4', '5']) && response.get("$ref").is_none();
        if is_problem && response.get("content").is_none() {
            let description = response.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            *response = problem_response(status, &description);
        }
    }
}

fn problem_response(status: &str, description: &str) -> Value {
    let mut response = json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    if status == "429" || status == "503" {
        let header =
            json!({ "description": "Seconds until it is worth trying again", "schema": { "type": "integer" } });
        insert(member(&mut response, "headers"), "Retry-After", header);
    }
    response
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457). Kinds have members of their own besides these.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "description": "Leads to the description.", "examples": ["/problems/not-found"] },
            "title": { "type": "string", "description": "The same for each occurrence." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "About this occurrence." },
            "instance": { "type": "string", "description": "The trace id, as in `X-Request-Id`." },
            "field": { "type": "string", "description": "Of `invalid`: which value." },
            "why": { "type": "string", "description": "Of `invalid`: why." },
            "policy": { "type": "string", "description": "Of `rate-limited`: which limit." },
        },
    })
}
