//! What every route and every event is: the documents of both, and a page to read and try the routes.
//!
//! All are embedded as `build.rs` prepared them: compressed once and for all, with a strong tag. Answers of JSON are
//! not compressed on the way: they are small, compressing would cost more than sending them, and a secret beside what a
//! stranger chose must not be compressed together (BREACH).

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};

/// One document in both forms.
struct Document {
    plain: &'static [u8],
    gzip: &'static [u8],
    /// The tag of the plain form; the compressed one has a tag of its own, because its bytes differ.
    tag: &'static str,
    kind: &'static str,
}

macro_rules! document {
    ($name:literal, $kind:literal) => {
        Document {
            plain: include_bytes!(concat!(env!("OUT_DIR"), "/", $name)),
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
            tag: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".tag")),
            kind: $kind,
        }
    };
}

const OPENAPI: Document = document!("openapi.json", "application/json");
const ASYNCAPI: Document = document!("asyncapi.json", "application/json");
const PAGE: Document = document!("docs.html", "text/html; charset=utf-8");
/// Style and script of the page itself, by their hashes; calls to this system; nothing from elsewhere.
const PAGE_POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.policy"));

/// The API's document
///
/// OpenAPI 3.1, generated from the code.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "front desk",
    responses((status = 200, description = "The document", body = serde_json::Value)),
)]
pub(crate) async fn openapi(headers: HeaderMap) -> Response {
    answer(&OPENAPI, &headers)
}

/// The document of all events
///
/// AsyncAPI 3.0, generated from the code. `dataschema` of an event leads into it.
#[utoipa::path(
    get, path = "/asyncapi.json", operation_id = "get_asyncapi", tag = "front desk",
    responses((status = 200, description = "The document", body = serde_json::Value)),
)]
pub(crate) async fn asyncapi(headers: HeaderMap) -> Response {
    answer(&ASYNCAPI, &headers)
}

/// The API's document as a page
///
/// To read, and to send requests from. It brings all it needs and asks no other host.
#[utoipa::path(
    get, path = "/docs", operation_id = "get_documentation", tag = "front desk",
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
)]
pub(crate) async fn page(headers: HeaderMap) -> Response {
    let mut response = answer(&PAGE, &headers);
    if let Ok(policy) = HeaderValue::from_str(PAGE_POLICY) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn answer(document: &Document, headers: &HeaderMap) -> Response {
    let compressed = takes_gzip(headers);
    let (bytes, suffix) = if compressed { (document.gzip, "-gzip") } else { (document.plain, "") };
    let mut response = bytes.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(document.kind));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // It changes with each deployment and with nothing else: asking costs a 304.
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    if compressed {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}{suffix}\"", document.tag)) {
        answer.insert(header::ETAG, tag);
    }
    response
}

/// Whether `Accept-Encoding` names gzip with a weight above zero (RFC 9110, 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
        is_gzip && weight.is_some_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn accepting(encodings: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(encodings).unwrap());
        headers
    }

    #[test]
    fn gzip_goes_to_those_who_take_it_under_a_tag_of_its_own() {
        for (encodings, compressed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
            ("gzip;q=x", false),
        ] {
            let response = answer(&OPENAPI, &accepting(encodings));
            assert_eq!(response.headers().contains_key("content-encoding"), compressed, "{encodings}");
            let tag = response.headers()["etag"].to_str().unwrap();
            assert_eq!(tag.ends_with("-gzip\""), compressed, "{tag}");
            assert_eq!(response.headers()["vary"], "accept-encoding");
        }
        assert!(OPENAPI.gzip.len() * 3 < OPENAPI.plain.len(), "it is not worth the second form");
    }

    #[tokio::test]
    async fn the_page_may_run_its_own_script_and_load_nothing() {
        use base64::Engine as _;
        let response = page(HeaderMap::new()).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let html = std::str::from_utf8(PAGE.plain).unwrap();
        for (element, directive) in [("script", "script-src"), ("style", "style-src")] {
            assert_eq!(html.matches(&format!("<{element}")).count(), 1, "one {element}, whose hash is in the policy");
            let inside =
                html.split_once(&format!("<{element}>")).unwrap().1.split_once(&format!("</{element}>")).unwrap().0;
            let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(inside.as_bytes()));
            assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{policy}");
        }
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for foreign in ["http://", "https://", "src=", "@import", "url(", " style=", "onclick", "innerHTML"] {
            assert!(!html.contains(foreign), "the page holds `{foreign}`");
        }
    }
}
