//! The problems that the edge answers with whatever the route, and the headers of answers.

use serde_json::{Map, Value, json};

/// Which operations may answer with a problem of the edge's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applies {
    /// All.
    Always,
    /// Those that want a token.
    Secured,
    /// Those whose method may carry a body: the edge looks at it whether or not the route wants one.
    MayHaveBody,
    /// Those whose route reads a body.
    ReadsBody,
    /// Those that are guarded by an Idempotency-Key.
    WantsKey,
    /// Those that are counted.
    Limited,
    /// Those whose path names something.
    Named,
}

/// A problem of the edge's: the status, the name of the response, where it applies, what it means.
pub(crate) const PROBLEMS: [(&str, &str, Applies, &str); 14] = [
    (
        "400",
        "Malformed",
        Applies::Always,
        "The request cannot be read: broken JSON, a bad header, a parameter of the wrong form.",
    ),
    ("401", "Unauthenticated", Applies::Secured, "There is no token, or one that does not hold."),
    (
        "403",
        "Forbidden",
        Applies::Secured,
        "The caller is known and lacks a scope or a role, or showed an API key where keys open nothing.",
    ),
    ("404", "NotFound", Applies::Named, "There is nothing here for this caller."),
    ("405", "MethodNotAllowed", Applies::Always, "The path has other methods: `Allow` names them."),
    ("413", "TooLarge", Applies::MayHaveBody, "The body is larger than `limit_bytes`."),
    ("415", "UnsupportedMediaType", Applies::MayHaveBody, "The body is not declared as JSON."),
    ("422", "Invalid", Applies::ReadsBody, "A value is not acceptable: `field` says which, `why` says why."),
    ("428", "IdempotencyKeyRequired", Applies::WantsKey, "The route changes something and wants an Idempotency-Key."),
    (
        "429",
        "RateLimited",
        Applies::Limited,
        "There were too many requests; `policy` names the limit, `Retry-After` says when to come back.",
    ),
    ("431", "HeadersTooLarge", Applies::Always, "The headers are larger than the service takes."),
    ("500", "Internal", Applies::Always, "A mistake of ours; `instance` finds it in the logs."),
    (
        "503",
        "Unavailable",
        Applies::Always,
        "A dependency is gone or slow, or there is too much to do; `Retry-After` says when to repeat.",
    ),
    (
        "504",
        "DeadlineExceeded",
        Applies::Always,
        "The deadline passed before the answer was there; whether there was an effect is unknown.",
    ),
];

/// A response with a problem document, and the headers that belong to its status.
pub(crate) fn response(status: &str, description: &str) -> Value {
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), header("RequestId"));
    let of_status = match status {
        "401" => Some(("WWW-Authenticate", "Challenge")),
        "405" => Some(("Allow", "Allow")),
        "409" => Some(("Retry-After", "WorthWaiting")),
        "429" | "503" => Some(("Retry-After", "RetryAfter")),
        _ => None,
    };
    headers.extend(of_status.map(|(name, component)| (name.to_owned(), header(component))));
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        "headers": headers,
    })
}

/// A header that `components` describes.
pub(crate) fn header(component: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{component}") })
}

/// The headers that answers share.
pub(crate) fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "The trace id: it stands in each log line of the request and in the events that it caused",
            "required": true,
            "schema": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
        },
        "RateLimitPolicy": {
            "description": "Which limits the request was under, such as `\"read.user\";q=6000;w=60`",
            "schema": { "type": "string" },
        },
        "RateLimit": {
            "description": "Where the caller stands, such as `\"read.user\";r=5999;t=1`",
            "schema": { "type": "string" },
        },
        "RetryAfter": {
            "description": "Seconds until it is worth trying again",
            "required": true,
            "schema": { "type": "integer", "minimum": 0 },
        },
        "WorthWaiting": {
            "description": "Seconds until it is worth trying again, where time alone will help",
            "schema": { "type": "integer", "minimum": 0 },
        },
        "Challenge": {
            "description": "How to prove who one is (RFC 6750; of `step-up-required` RFC 9470)",
            "required": true,
            "schema": { "type": "string", "pattern": "^Bearer" },
        },
        "Allow": {
            "description": "The methods that the path has",
            "required": true,
            "schema": { "type": "string", "minLength": 3 },
        },
        "Replayed": {
            "description": "There where the answer was given before, to the same request with the same key",
            "schema": { "type": "string", "enum": ["true"] },
        },
        "Tag": {
            "description": "What tells this answer from others, for `If-None-Match`; left out of large ones",
            "schema": { "type": "string", "pattern": "^(W/)?\"[^\"]*\"$" },
        },
    })
}

/// The one shape of every problem.
pub(crate) fn schema() -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let whole = |about: &str| json!({ "type": "integer", "format": "int64", "description": about });
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457). Kinds have members of their own besides the first five.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {
                "type": "string",
                "description": "Leads to the description.",
                "pattern": "^/problems/[a-z-]+$",
                "examples": ["/problems/not-found"],
            },
            "title": text("The same for each occurrence."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text("About this occurrence."),
            "instance": {
                "type": "string",
                "description": "The trace id, as in `X-Request-Id`.",
                "pattern": "^[0-9a-f]{32}$",
            },
            "field": text("Of `invalid`: which value."),
            "why": text("Of `invalid`: why."),
            "policy": text("Of `rate-limited`: which limit."),
            "limit_bytes": whole("Of `too-large` and `headers-too-large`: the most that is taken."),
            "required_acr": text("Of `step-up-required`: how strongly the caller must prove who they are."),
            "limit_minor": whole("Of `step-up-required`: what may be moved without, in minor units."),
            "currency": text("Of `step-up-required`: the currency of `limit_minor`."),
            "payment_status": text("Of `payment-state`: where the payment stands."),
            "payout_status": text("Of `payout-state`: where the payout stands."),
            "allowed": {
                "type": "array",
                "items": { "type": "string" },
                "description": "Of `payment-state` and `payout-state`: the moves that are open.",
            },
            "reconciliation_status": text("Of `reconciliation-state`: where the reconciliation stands."),
            "next_chunk": whole("Of `reconciliation-state`: the number of the chunk that is next."),
            "awaiting": text("Of `payment-state`: the step whose answer is still awaited."),
            "failure_code": text("Of `acquirer-refused`: the acquirer's word for why."),
            "available_minor": whole("Of `insufficient-funds`: how much there is, in minor units."),
            "dependencies": {
                "type": "array",
                "items": { "type": "object" },
                "description": "Of `unavailable`, of the readiness of the whole: each service as it was found.",
            },
        },
    })
}
