//! Answers that the caller has already: `ETag`, `If-None-Match`, 304. **Source** RFC 9110, 8.8.3, 13.1.2 and 15.4.5.
//!
//! A route that reads one record sets a strong tag from the record's version; other small answers get a weak one from
//! their bytes. It saves the transfer, not the work: the route has run.

use axum::body::Body;
use axum::response::Response;
use core::hash::Hasher;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use std::hash::DefaultHasher;

/// Up to which size an answer is worth a hash.
const MOST_HASHED_BYTES: u64 = 16 * 1024;

/// What a request says about the answer that it has.
pub(crate) struct Condition {
    method: Method,
    has: Vec<HeaderValue>,
}

impl Condition {
    pub(crate) fn of(parts: &Parts) -> Self {
        let has = parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect();
        Self { method: parts.method.clone(), has }
    }

    /// Gives an answer its tag and takes its body away where the caller has it.
    pub(crate) async fn finish(self, answer: Response) -> Response {
        let reads = self.method == Method::GET || self.method == Method::HEAD;
        if !reads || answer.status() != StatusCode::OK {
            return answer;
        }
        let mut answer = if self.method == Method::GET { tagged(answer).await } else { answer };
        let Some(tag) = answer.headers().get(header::ETAG) else {
            return answer;
        };
        if self.has.iter().any(|line| names(line, tag)) {
            answer = not_modified(answer.headers());
        }
        answer
    }
}

/// Adds a weak tag to a small whole answer that has none.
async fn tagged(answer: Response) -> Response {
    let bytes = answer.body().size_hint().exact();
    let small = bytes.is_some_and(|bytes| (1..=MOST_HASHED_BYTES).contains(&bytes));
    if !small || answer.headers().contains_key(header::ETAG) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    // A body of known size is in memory: this waits for nothing and cannot fail.
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    if let Ok(tag) = HeaderValue::from_str(&format!("W/\"{:016x}\"", hasher.finish())) {
        parts.headers.insert(header::ETAG, tag);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether a line of `If-None-Match` names the tag; weak and strong ones compare alike here.
fn names(line: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(line), Ok(tag)) = (line.to_str(), tag.to_str()) else {
        return false;
    };
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    line.trim() == "*" || line.split(',').any(|own| opaque(own.trim()) == opaque(tag))
}

/// 304 with what a cache has to know.
fn not_modified(headers: &HeaderMap) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    for name in [header::CACHE_CONTROL, header::CONTENT_LOCATION, header::ETAG, header::EXPIRES, header::VARY] {
        for value in headers.get_all(&name) {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn finished(method: Method, has: &[&'static str], tag: Option<&'static str>) -> Response {
        let condition = Condition { method, has: has.iter().map(|text| HeaderValue::from_static(text)).collect() };
        let mut answer = Response::new(Body::from("{}"));
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(tag) = tag {
            answer.headers_mut().insert(header::ETAG, HeaderValue::from_static(tag));
        }
        condition.finish(answer).await
    }

    #[tokio::test]
    async fn who_names_the_tag_gets_no_body() {
        for (has, status) in [
            (&["\"1.3\""][..], 304),
            (&["W/\"1.3\""], 304),
            (&["\"1.2\", \"1.3\""], 304),
            (&["\"1.2\"", "\"1.3\""], 304),
            (&["*"], 304),
            (&["\"1.2\""], 200),
            (&["1.3"], 200),
            (&[""], 200),
            (&[], 200),
        ] {
            let answer = finished(Method::GET, has, Some("\"1.3\"")).await;
            assert_eq!(answer.status().as_u16(), status, "{has:?}");
            assert_eq!(
                (&answer.headers()["etag"], &answer.headers()["cache-control"]),
                (&"\"1.3\"".parse().unwrap(), &"no-store".parse().unwrap())
            );
        }
        assert_eq!(finished(Method::HEAD, &["\"1.3\""], Some("\"1.3\"")).await.status(), 304);
        assert_eq!(finished(Method::POST, &["\"1.3\""], Some("\"1.3\"")).await.status(), 200);
    }

    #[tokio::test]
    async fn a_small_answer_has_a_weak_tag_of_its_bytes() {
        let first = finished(Method::GET, &[], None).await;
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), "{}");
        let again = finished(Method::GET, &[], None).await;
        assert_eq!(again.headers()["etag"].to_str().unwrap(), tag);
        assert!(!finished(Method::HEAD, &[], None).await.headers().contains_key("etag"), "its body is not there");
    }
}
