//! Problem documents: the one shape of every error on the wire (RFC 9457).
//!
//! What lives here: the document, the kinds that belong to no context, and the way into an HTTP response. What does
//! not: which error becomes which problem; that is one exhaustive match at each context's edge.

mod kinds;

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
pub struct Problem {
    kind: Kind,
    detail: Option<String>,
    instance: Option<String>,
    retry_after_s: Option<u32>,
    challenge: Option<&'static str>,
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of this kind, without detail.
    pub fn new(kind: Kind) -> Self {
        Self { kind, detail: None, instance: None, retry_after_s: None, challenge: None, members: Map::new() }
    }

    /// Adds what the caller may know about this occurrence; never a secret and never an internal cause.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the occurrence: the trace id. The edge does it for every problem that has none.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Says when to come back, in seconds; belongs on every 429 and 503.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Adds a `WWW-Authenticate` challenge; belongs on every 401 (RFC 9110, 11.6.1).
    #[must_use]
    pub fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// Adds a member of the kind's own, in snake_case.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document as it goes over the wire.
    pub fn to_json(&self) -> Value {
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("/problems/{}", self.kind.slug).into());
        document.insert("title".to_owned(), self.kind.title.into());
        document.insert("status".to_owned(), self.kind.status.into());
        if let Some(detail) = &self.detail {
            document.insert("detail".to_owned(), detail.as_str().into());
        }
        if let Some(instance) = &self.instance {
            document.insert("instance".to_owned(), instance.as_str().into());
        }
        for (name, value) in &self.members {
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
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
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
    fn the_response_carries_its_headers() {
        let response = Problem::new(UNAVAILABLE).retry_after_s(2).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}
