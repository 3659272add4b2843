//! Outbound HTTP over the host's client, within a deadline and a size.

use async_trait::async_trait;
use bytes::Bytes;
use core::pin::pin;
use core::time::Duration;
use futures::future::{Either, select};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use http_client::{HttpClient, HttpError};
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

/// The most bytes that a response may have.
const LIMIT_BYTES: usize = 1024 * 1024;

/// Sends requests through the host, which lets only the manifest's `allowed_outbound_hosts` pass.
///
/// A peer's name such as `users.spin.internal` that no component answers traps the caller on stock Spin: peers' URLs
/// come from variables that the operator sets.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinHttp;

#[async_trait]
impl HttpClient for SpinHttp {
    async fn send(&self, request: Request<Bytes>, timeout: Duration) -> Result<Response<Bytes>, HttpError> {
        let call = pin!(exchange(request, timeout));
        let timer = pin!(spin_sdk::time::sleep(timeout));
        match select(call, timer).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(HttpError::Lost(format!("no answer in {} ms", timeout.as_millis()))),
        }
    }
}

/// One request and its whole response.
async fn exchange(mut request: Request<Bytes>, timeout: Duration) -> Result<Response<Bytes>, HttpError> {
    // Without its length a body goes out in chunks, even an empty one.
    let length = request.body().len();
    request.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
    if let Some(options) = options(timeout) {
        request.extensions_mut().insert(options);
    }
    let response = spin_sdk::http::send(request.map(Full::new)).await.map_err(|code| classified(&code))?;
    let (parts, body) = response.into_parts();
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > LIMIT_BYTES) {
        return Err(HttpError::TooLarge { limit_bytes: LIMIT_BYTES });
    }
    match Limited::new(body, LIMIT_BYTES).collect().await {
        Ok(collected) => Ok(Response::from_parts(parts, collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge { limit_bytes: LIMIT_BYTES }),
        Err(error) => Err(HttpError::Lost(error.to_string())),
    }
}

/// The host's own time-outs: each defaults to ten minutes, and a connection that nobody waits for holds a socket.
fn options(timeout: Duration) -> Option<RequestOptionsExtension> {
    let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    let options = RequestOptions::new();
    options.set_connect_timeout(Some(timeout_ns)).ok()?;
    options.set_first_byte_timeout(Some(timeout_ns)).ok()?;
    options.set_between_bytes_timeout(Some(timeout_ns)).ok()?;
    Some(RequestOptionsExtension(options))
}

/// What a failure says of the request's effect: only what fails before the first byte is sent had none.
fn classified(code: &ErrorCode) -> HttpError {
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_)
        | ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong => HttpError::NotSent(code.to_string()),
        _ => HttpError::Lost(code.to_string()),
    }
}
