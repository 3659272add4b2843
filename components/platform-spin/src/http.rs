//! Outbound HTTP over the host's client, within a deadline and a size.

use async_trait::async_trait;
use bytes::Bytes;
use core::pin::pin;
use core::time::Duration;
use futures::future::{Either, select};
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use http_client::{HttpClient, HttpError, PeekingClient};
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::{IncomingResponseBody, RequestOptionsExtension};

/// The most bytes that a response may have.
const LIMIT_BYTES: usize = 1024 * 1024;
/// How long the beginning of a body that is not trusted is waited for, once the head is there.
const PEEK: Duration = Duration::from_secs(2);

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

#[async_trait]
impl PeekingClient for SpinHttp {
    async fn send_peeking(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
        most_bytes: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        let mut timer = pin!(spin_sdk::time::sleep(timeout));
        let response = match select(pin!(head(request, timeout)), &mut timer).await {
            Either::Left((answer, _)) => answer?,
            Either::Right(((), _)) => {
                return Err(HttpError::Lost(format!("no answer in {} ms", timeout.as_millis())));
            }
        };
        let (parts, body) = response.into_parts();
        let mut kept = Vec::new();
        // Dropping the body closes the connection, whatever is still on its way.
        select(pin!(beginning(body, most_bytes, &mut kept)), pin!(spin_sdk::time::sleep(PEEK))).await;
        Ok(Response::from_parts(parts, kept.into()))
    }
}

/// One request up to the head of its response; the body is still to be read.
async fn head(mut request: Request<Bytes>, timeout: Duration) -> Result<Response<IncomingResponseBody>, HttpError> {
    // Without its length a body goes out in chunks, even an empty one.
    let length = request.body().len();
    request.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
    if let Some(options) = options(timeout) {
        request.extensions_mut().insert(options);
    }
    spin_sdk::http::send(request.map(Full::new)).await.map_err(|code| classified(&code))
}

/// The beginning of a body, for as long as somebody waits for it.
async fn beginning(mut body: IncomingResponseBody, most_bytes: usize, kept: &mut Vec<u8>) {
    while kept.len() < most_bytes {
        // What ends, breaks off or is no data ends the reading: the head has said what matters.
        let Some(Ok(frame)) = body.frame().await else { return };
        let Some(data) = frame.data_ref() else { continue };
        let room = most_bytes.saturating_sub(kept.len());
        kept.extend(data.iter().take(room));
    }
}

/// One request and its whole response.
async fn exchange(request: Request<Bytes>, timeout: Duration) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = head(request, timeout).await?.into_parts();
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
