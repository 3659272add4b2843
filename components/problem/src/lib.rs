//! Problem documents: the one shape of every error on the wire (RFC 9457).
//!
//! What lives here: the document, the kinds that belong to no context, the way into an HTTP response, and the JSON
//! extractor whose refusals are problems. What does not: which error becomes which problem; that is one exhaustive match at each context's edge.

mod json;
mod kinds;

pub use json::Json;
pub use kinds::*;

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

/// One kind of problem: a row of docs/problems.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The last segment of the `type` URI, stable for ever, such as `payment-state`.
    pub slug: &'static str,
    /// The HTTP status (RFC 9110).
    pub status: u16,
    /// A short sentence, the same for each occurrence.
    pub title: &'static str,
}

/// One occurrence of a problem.
///
/// **Shape** `application/problem+json`: `type` (`/problems/<slug>`), `title`, `status`, `detail`, `instance` (the
/// trace id) and members of the kind's own in snake_case.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Occurrence>);

/// Boxed, because a problem is the rare half of many results.
#[derive(Debug, Clone, PartialEq)]
struct Occurrence {
    kind: Kind,
    detail: Option<String>,
    instance: Option<String>,
    retry_after_s: Option<u32>,
    challenge: Option<&'static str>,
    cause: Option<String>,
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of this kind, without detail.
    pub fn new(kind: Kind) -> Self {
        Self(Box::new(Occurrence {
            kind,
            detail: None,
            instance: None,
            retry_after_s: None,
            challenge: None,
            cause: None,
            members: Map::new(),
        }))
    }

    /// Adds what the caller may know about this occurrence; never a secret and never an internal cause.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names the occurrence: the trace id. The edge does it for every problem that has none.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.0.instance = Some(instance.into());
        self
    }

    /// Says when to come back, in seconds; belongs on every 429 and 503.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Adds a `WWW-Authenticate` challenge; belongs on every 401 (RFC 9110, 11.6.1).
    #[must_use]
    pub fn challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// Adds a member of the kind's own, in snake_case.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Keeps the error behind it, with its chain of sources, for the one log line that the edge writes; it never goes
    /// over the wire.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn core::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            chain.push_str(": ");
            chain.push_str(&error.to_string());
            source = error.source();
        }
        self.0.cause = Some(chain);
        self
    }

    /// The chain of errors behind it, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Whether this occurrence has its name already.
    pub fn has_instance(&self) -> bool {
        self.0.instance.is_some()
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document as it goes over the wire.
    pub fn to_json(&self) -> Value {
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("/problems/{}", self.0.kind.slug).into());
        document.insert("title".to_owned(), self.0.kind.title.into());
        document.insert("status".to_owned(), self.0.kind.status.into());
        if let Some(detail) = &self.0.detail {
            document.insert("detail".to_owned(), detail.as_str().into());
        }
        if let Some(instance) = &self.0.instance {
            document.insert("instance".to_owned(), instance.as_str().into());
        }
        for (name, value) in &self.0.members {
            document.entry(name.as_str()).or_insert_with(|| value.clone());
        }
        Value::Object(document)
    }
}

impl IntoResponse for Problem {
    /// The response, with its problem in the extensions so that outer layers can name the occurrence and log it.
    fn into_response(self) -> Response {
        let body = self.to_json().to_string();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.0.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_cannot_replace_a_standard_one() {
        let document = Problem::new(NOT_FOUND).member("status", 200).member("resource", "payment").to_json();
        assert_eq!(document["status"], 404);
        assert_eq!(document["resource"], "payment");
        assert_eq!(document["type"], "/problems/not-found");
    }

    #[test]
    fn the_cause_is_kept_for_the_log_and_never_sent() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl std::fmt::Display for Outer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("no number")
            }
        }
        impl std::error::Error for Outer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let problem = Problem::new(INTERNAL).caused_by(&Outer("x".parse::<u8>().unwrap_err()));
        assert_eq!(problem.cause(), Some("no number: invalid digit found in string"));
        assert!(!problem.to_json().to_string().contains("digit"));
    }

    #[test]
    fn the_response_carries_its_headers() {
        let response = Problem::new(UNAVAILABLE).retry_after_s(2).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}
