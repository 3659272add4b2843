//! Every failure leaves as a problem document that names its trace.

use crate::limits;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use principal::TraceId;
use problem::{
    CONFLICT, FORBIDDEN, INTERNAL, INVALID, Kind, MALFORMED, METHOD_NOT_ALLOWED, NOT_FOUND, Problem, TOO_LARGE,
    UNAUTHENTICATED, UNAVAILABLE, UNSUPPORTED_MEDIA_TYPE,
};

/// Gives a failure its problem document and the document its `instance`; other answers pass unchanged.
///
/// A failure without a document comes from an extractor of the router's: it is replaced, because its text was not
/// written for the caller.
pub(crate) fn finish(mut response: Response, trace: TraceId) -> (Response, Option<Problem>) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return (response, None);
    }
    match response.extensions_mut().remove::<Problem>() {
        Some(problem) if problem.has_instance() => (response, Some(problem)),
        Some(problem) => {
            let problem = problem.instance(trace.to_string());
            replace_body(&mut response, problem.to_json().to_string());
            (response, Some(problem))
        }
        None if is_document(&response) => (response, None),
        None => {
            let problem = Problem::new(kind_of(status)).instance(trace.to_string());
            let mut answer = problem.clone().into_response();
            answer.extensions_mut().remove::<Problem>();
            if let Some(note) = response.extensions_mut().remove::<limits::Note>() {
                answer.extensions_mut().insert(note);
            }
            for name in [header::ALLOW, limits::POLICY, limits::STANDING] {
                if let Some(value) = response.headers_mut().remove(&name) {
                    answer.headers_mut().insert(name, value);
                }
            }
            (answer, Some(problem))
        }
    }
}

fn replace_body(response: &mut Response, body: String) {
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
}

/// A document that came through from elsewhere: a replayed answer, for example.
fn is_document(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/problem+json") || kind.starts_with("application/json")
}

/// The kind that a bare status stands for.
fn kind_of(status: StatusCode) -> Kind {
    match status.as_u16() {
        401 => UNAUTHENTICATED,
        403 => FORBIDDEN,
        404 => NOT_FOUND,
        405 => METHOD_NOT_ALLOWED,
        409 => CONFLICT,
        413 => TOO_LARGE,
        415 => UNSUPPORTED_MEDIA_TYPE,
        422 => INVALID,
        503 => UNAVAILABLE,
        400..=499 => MALFORMED,
        _ => INTERNAL,
    }
}
