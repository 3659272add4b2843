//! The body of a request: its content type and its size, before anything inside sees it.

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use problem::{MALFORMED, Problem, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE};

/// How deep arrays and objects of a body may lie in each other.
const MOST_DEPTH: u32 = 32;

/// Reads the body, at most `limit_bytes`; nothing beyond the limit is ever held in memory.
///
/// A method whose body has no meaning (RFC 9110, 9.3) is not read at all: that saves the call to the host.
///
/// # Errors
/// 413 when it is too large, 415 when there is one that is not JSON and no form where those are taken, 400 when it breaks
/// off or is nested too deeply.
pub(crate) async fn read(parts: &Parts, body: Body, limit_bytes: usize, takes_forms: bool) -> Result<Bytes, Problem> {
    let declared = declared_bytes(&parts.headers)?;
    let meaningless = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    if meaningless || declared == Some(0) {
        return Ok(Bytes::new());
    }
    if declared.is_some_and(|bytes| bytes > limit_bytes as u64) {
        return Err(too_large(limit_bytes));
    }
    let json = is_json(&parts.headers);
    let expected = json || (takes_forms && is_form(&parts.headers));
    if declared.is_some() && !expected {
        return Err(Problem::new(UNSUPPORTED_MEDIA_TYPE));
    }
    let bytes = match Limited::new(body, limit_bytes).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large(limit_bytes)),
        Err(error) => return Err(Problem::new(MALFORMED).detail("the body breaks off").caused_by(error.as_ref())),
    };
    if !bytes.is_empty() && !expected {
        return Err(Problem::new(UNSUPPORTED_MEDIA_TYPE));
    }
    if json && is_too_deep(&bytes) {
        return Err(Problem::new(MALFORMED).detail(format!("the body is nested deeper than {MOST_DEPTH} levels")));
    }
    Ok(bytes)
}

/// Whether brackets outside strings open more often than they close by more than [`MOST_DEPTH`]. What is no JSON is left
/// to the decoder.
fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0u32, false, false);
    for byte in json {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return true;
        }
    }
    false
}

fn too_large(limit_bytes: usize) -> Problem {
    Problem::new(TOO_LARGE).member("limit_bytes", limit_bytes)
}

/// What `Content-Length` says, where it is there.
fn declared_bytes(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else {
        return Ok(None);
    };
    let bytes = value.to_str().ok().and_then(|text| text.parse().ok());
    bytes.map(Some).ok_or_else(|| Problem::new(MALFORMED).detail("Content-Length is not a number"))
}

/// A form of a page, or of a program that plays one: `application/x-www-form-urlencoded`, or `multipart/form-data`, which
/// nobody here takes apart. **Source** RFC 8058, 3.2.
fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/x-www-form-urlencoded", "multipart/form-data"].iter().any(|form| kind.eq_ignore_ascii_case(form))
}

/// `application/json` or `application/<anything>+json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};

    async fn status(request: http::request::Builder, body: Body) -> Result<usize, u16> {
        let (parts, body) = request.body(body).unwrap().into_parts();
        read(&parts, body, 8, false).await.map(|bytes| bytes.len()).map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn a_form_is_read_where_the_route_takes_one_and_nowhere_else() {
        let sent = |kind: &'static str, takes_forms| async move {
            let request = Request::post("/").header("content-type", kind).body(Body::from("a=b")).unwrap();
            let (parts, body) = request.into_parts();
            read(&parts, body, 8, takes_forms).await.map_err(|problem| problem.status().as_u16())
        };
        for kind in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            "multipart/form-data; boundary=x",
        ] {
            assert_eq!(sent(kind, true).await, Ok(Bytes::from_static(b"a=b")), "{kind}");
            assert_eq!(sent(kind, false).await, Err(415), "{kind}");
        }
        assert_eq!(sent("text/plain", true).await, Err(415));
        assert_eq!(sent("application/json", true).await, Ok(Bytes::from_static(b"a=b")));
    }

    fn post() -> http::request::Builder {
        Request::post("/").header("content-type", "application/json")
    }

    /// A body of unknown size, in pieces.
    fn streamed(pieces: &'static [&'static str]) -> Body {
        let pieces = pieces.iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())));
        Body::from_stream(futures::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_and_a_larger_one_refused() {
        assert_eq!(status(post().header("content-length", 8), Body::from("12345678")).await, Ok(8));
        assert_eq!(status(post().header("content-length", 9), Body::from("123456789")).await, Err(413));
        assert_eq!(status(post(), streamed(&["1234", "5678"])).await, Ok(8));
        assert_eq!(status(post(), streamed(&["1234", "5678", "9"])).await, Err(413));
        assert_eq!(status(post().header("content-length", 2), Body::from("123456789")).await, Err(413), "a lie");
    }

    #[tokio::test]
    async fn only_json_is_taken() {
        for (kind, expected) in [
            ("application/json", Ok(2)),
            ("Application/JSON; charset=utf-8", Ok(2)),
            ("application/merge-patch+json", Ok(2)),
            ("text/plain", Err(415)),
            ("application/jsonp", Err(415)),
            ("application/x-www-form-urlencoded", Err(415)),
            ("text/x+json", Err(415)),
        ] {
            let request = || Request::post("/").header("content-type", HeaderValue::from_static(kind));
            assert_eq!(status(request(), Body::from("{}")).await, expected, "{kind}");
            assert_eq!(status(request().header("content-length", 2), Body::from("{}")).await, expected, "{kind}");
        }
        assert_eq!(status(Request::post("/"), Body::from("{}")).await, Err(415));
        assert_eq!(status(Request::post("/"), Body::empty()).await, Ok(0));
        assert_eq!(status(Request::post("/").header("content-length", 0), Body::empty()).await, Ok(0));
    }

    #[test]
    fn nesting_ends_at_the_32nd_level() {
        let nested = |open: &str, close: &str, levels| open.repeat(levels) + "1" + &close.repeat(levels);
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = 32 / open.matches(['[', '{']).count();
            assert!(!is_too_deep(nested(open, close, levels).as_bytes()), "{open}");
            assert!(is_too_deep(nested(open, close, levels + 1).as_bytes()), "{open}");
        }
        assert!(!is_too_deep(format!("[\"{}\"]", "[".repeat(100)).as_bytes()), "brackets in a string are none");
        assert!(!is_too_deep(format!("[\"\\\"{}\"]", "{".repeat(100)).as_bytes()), "an escaped quote ends no string");
        assert!(
            is_too_deep(format!("[\"\\\\\",{}", "[".repeat(32)).as_bytes()),
            "an escaped backslash escapes nothing"
        );
        assert!(!is_too_deep("[],".repeat(1_000).as_bytes()));
    }

    #[tokio::test]
    async fn a_body_without_meaning_is_not_read() {
        assert_eq!(status(Request::get("/"), streamed(&["123456789"])).await, Ok(0));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_malformed() {
        let broken = Body::from_stream(futures::stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
        ]));
        assert_eq!(status(post(), broken).await, Err(400));
    }
}
