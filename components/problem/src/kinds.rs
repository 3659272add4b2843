//! The kinds of problem that belong to no context: HTTP itself, identity of the caller, idempotency, availability.
//!
//! Contexts declare their own beside their edge; docs/problems.md has a row for each and a test compares.

use crate::Kind;

/// Declares kinds and the list of them all.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal $slug:literal $title:literal;)*) => {
        $($(#[$doc])* pub const $name: Kind = Kind { slug: $slug, status: $status, title: $title };)*
        /// Every kind declared here.
        pub const SHARED: &[Kind] = &[$($name),*];
    };
}

kinds! {
    /// The request cannot be read: broken JSON, a bad header, a parameter of the wrong form.
    MALFORMED = 400 "malformed" "The request cannot be read.";
    /// No token, or one that does not hold.
    UNAUTHENTICATED = 401 "unauthenticated" "A valid access token is needed.";
    /// The caller must prove more strongly who they are; `required_acr` says how strongly (RFC 9470).
    STEP_UP_REQUIRED = 401 "step-up-required" "A stronger proof of who the caller is is needed.";
    /// The caller is known and may not do this.
    FORBIDDEN = 403 "forbidden" "The caller may not do this.";
    /// Nothing there, or not the caller's: both answer alike.
    NOT_FOUND = 404 "not-found" "There is nothing here for this caller.";
    /// The path exists, the method does not.
    METHOD_NOT_ALLOWED = 405 "method-not-allowed" "The method is not offered here.";
    /// Somebody else changed the object in between, too often to go on.
    CONFLICT = 409 "conflict" "The object changed at the same time.";
    /// A request with the same Idempotency-Key is still being carried out.
    IN_FLIGHT = 409 "in-flight" "The same request is still being carried out.";
    /// The condition of `If-Match` does not hold.
    PRECONDITION_FAILED = 412 "precondition-failed" "The object is not in the state that the condition names.";
    /// The body is larger than the route takes.
    TOO_LARGE = 413 "too-large" "The request is too large.";
    /// The body is not JSON.
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported-media-type" "The body must be application/json.";
    /// The shape is right, a value is not; `field` and `why` say which.
    INVALID = 422 "invalid" "A value is not acceptable.";
    /// The Idempotency-Key was used with another request.
    KEY_REUSED = 422 "idempotency-key-reused" "The Idempotency-Key belongs to another request.";
    /// The route needs an Idempotency-Key.
    KEY_REQUIRED = 428 "idempotency-key-required" "An Idempotency-Key is needed.";
    /// Too many requests; `Retry-After` says when to come back.
    RATE_LIMITED = 429 "rate-limited" "Too many requests.";
    /// The headers are larger than the service takes.
    HEADERS_TOO_LARGE = 431 "headers-too-large" "The request headers are too large.";
    /// A mistake of ours; `instance` finds it in the logs.
    INTERNAL = 500 "internal" "The service made a mistake.";
    /// Another service gave an answer that makes no sense.
    BAD_UPSTREAM = 502 "bad-upstream" "A service behind this one gave no usable answer.";
    /// A dependency is gone or slow, or the service has too much to do; trying again is safe.
    UNAVAILABLE = 503 "unavailable" "The service cannot answer at the moment.";
    /// The deadline passed; whether the request had an effect is unknown, trying again with the same key tells.
    DEADLINE_EXCEEDED = 504 "deadline-exceeded" "The deadline passed before the answer was there.";
}
