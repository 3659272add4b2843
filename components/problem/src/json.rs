//! JSON in and out: an extractor whose refusals are problem documents, and a response.

use crate::{INTERNAL, INVALID, MALFORMED, Problem, TOO_LARGE};
use axum_core::extract::{FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// A JSON body.
///
/// As an extractor: broken JSON is 400 `malformed`, well-formed JSON with wrong data is 422 `invalid` with the members
/// `field` (the path, such as `amount.currency`) and `why`. The edge has checked size and content type. As a response:
/// `application/json` with status 200.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Json<T> {
    /// Reads a document.
    ///
    /// # Errors
    /// 400 `malformed` or 422 `invalid`, as the type's documentation says.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        let mut decoder = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
            let path = error.path().to_string();
            refusal(&path, error.inner())
        })?;
        decoder.end().map_err(|error| refusal("", &error))?;
        Ok(Self(value))
    }
}

/// The problem of one decoding error at one path.
fn refusal(path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    // The decoder appends " at line 1 column 7"; the path says it better.
    let what = text.split(" at line ").next().unwrap_or_default();
    match error.classify() {
        Category::Data => {
            let member = ["missing field `", "unknown field `", "duplicate field `"]
                .iter()
                .find_map(|prefix| what.strip_prefix(prefix))
                .and_then(|rest| rest.split('`').next());
            Problem::new(INVALID).member("field", field(path, member)).member("why", what)
        }
        Category::Syntax | Category::Eof | Category::Io => Problem::new(MALFORMED).detail(format!(
            "the body is not JSON: {what} at line {}, column {}",
            error.line(),
            error.column()
        )),
    }
}

/// The path of the value, and of its member where the error is about one.
fn field(path: &str, member: Option<&str>) -> String {
    // The decoder's names for the document itself and for a place it cannot name.
    let path = if path == "." || path == "?" { "" } else { path.trim_end_matches(".?") };
    match member {
        // An unknown or duplicate member is in the path already.
        Some(member) if path == member || path.ends_with(&format!(".{member}")) => path.to_owned(),
        Some(member) if path.is_empty() => member.to_owned(),
        Some(member) => format!("{path}.{member}"),
        None => path.to_owned(),
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(TOO_LARGE)
            } else {
                Problem::new(MALFORMED).detail("the body cannot be read")
            }
        })?;
        if is_list(&bytes) {
            // The decoder takes a list of values for a record of members; a document that says so is not one of ours.
            Json::<serde::de::IgnoredAny>::from_bytes(&bytes)?;
            return Err(Problem::new(INVALID).member("field", "").member("why", "the body is a list, not an object"));
        }
        Self::from_bytes(&bytes)
    }
}

/// Whether the document begins as a list.
fn is_list(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let mut response = Response::new(bytes.into());
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => Problem::new(INTERNAL).caused_by(&error).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::task::{Context, Poll, Waker};
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Amount {
        minor: u32,
        currency: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        amount: Amount,
        tags: Vec<String>,
    }

    fn problem(text: &str) -> serde_json::Value {
        Json::<Body>::from_bytes(text.as_bytes()).unwrap_err().to_json()
    }

    #[test]
    fn well_formed_json_with_wrong_data_names_the_field_and_why() {
        for (text, field, why) in [
            (
                r#"{"amount":{"minor":-1,"currency":"EUR"},"tags":[]}"#,
                "amount.minor",
                "invalid value: integer `-1`, expected u32",
            ),
            (
                r#"{"amount":{"minor":1.5,"currency":"EUR"},"tags":[]}"#,
                "amount.minor",
                "invalid type: floating point `1.5`, expected u32",
            ),
            (r#"{"amount":{"minor":1},"tags":[]}"#, "amount.currency", "missing field `currency`"),
            (r#"{"amount":{"minor":1,"currency":"EUR"}}"#, "tags", "missing field `tags`"),
            (
                r#"{"amount":{"minor":1,"currency":"EUR"},"tags":["a",2]}"#,
                "tags[1]",
                "invalid type: integer `2`, expected a string",
            ),
            (
                r#"{"amount":{"minor":1,"minor":2,"currency":"EUR"},"tags":[]}"#,
                "amount.minor",
                "duplicate field `minor`",
            ),
            (r#"{"sum":1}"#, "sum", "unknown field `sum`, expected `amount` or `tags`"),
            ("[]", "", "invalid length 0, expected struct Body with 2 elements"),
            ("7", "", "invalid type: integer `7`, expected struct Body"),
        ] {
            let document = problem(text);
            assert_eq!(document["status"], 422, "{text}");
            assert_eq!(document["field"], field, "{text}");
            assert_eq!(document["why"], why, "{text}");
        }
    }

    #[test]
    fn broken_json_is_malformed() {
        for text in ["", "{", "{]", "nul", r#"{"amount":"#, "\u{feff}{}"] {
            assert_eq!(problem(text)["status"], 400, "{text}");
        }
        let deep = "[".repeat(10_000);
        let refused = Json::<serde_json::Value>::from_bytes(deep.as_bytes()).unwrap_err();
        assert_eq!(refused.kind(), MALFORMED, "nesting is bounded");
        let trailing = r#"{"amount":{"minor":1,"currency":"EUR"},"tags":[]} {}"#;
        assert_eq!(problem(trailing)["detail"], "the body is not JSON: trailing characters at line 1, column 51");
    }

    #[tokio::test]
    async fn a_request_body_is_read() {
        let request = Request::new(r#"{"minor":1,"currency":"EUR"}"#.into());
        let Json(amount) = Json::<Amount>::from_request(request, &()).await.unwrap();
        assert_eq!(amount, Amount { minor: 1, currency: "EUR".to_owned() });
    }

    #[test]
    fn a_response_says_what_it_is() {
        let response = Json(vec![1]).into_response();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    /// What a request with this body is refused with. The body is in memory: nothing is waited for.
    fn refused(body: &'static str) -> Option<(u16, String)> {
        let request = Request::new(body.into());
        let mut reading = core::pin::pin!(Json::<Amount>::from_request(request, &()));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read.err().map(|problem| (problem.status().as_u16(), problem.to_json().to_string())),
            Poll::Pending => panic!("a body in memory waits for nothing"),
        }
    }

    #[test]
    fn a_list_is_no_record_even_if_its_values_would_do() {
        assert_eq!(refused(r#"{"minor":5,"currency":"EUR"}"#), None);
        for list in [r#"[5,"EUR"]"#, " \n[5, \"EUR\"]", "[null,null]", "[]"] {
            let (status, document) = refused(list).unwrap();
            assert_eq!(status, 422, "{list}");
            assert!(document.contains("a list, not an object"), "{document}");
        }
        assert_eq!(refused("[5,").unwrap().0, 400, "what is no JSON stays what it is");
    }
}
