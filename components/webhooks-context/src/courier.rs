//! Port: hands one request to an endpoint; and the courier that does so over HTTP.
//!
//! The status decides. Of the answer's body the first kilobyte is read, without decompression; whoever sends more, slowly or
//! without end is not listened to.

use crate::domain::{Ending, MAX_ANSWER_BYTES, bounded, redacted};
use ambient::{Clock, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request};
use http_client::{HttpError, PeekingClient};
use std::sync::Arc;

/// How long an endpoint may take. **Source** Standard Webhooks 1.0: 15 to 30 seconds.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// Who sends.
const AGENT: &str = "Spindrift-Webhooks/1 (+https://www.standardwebhooks.com/)";
/// The most characters of what the host says of a failure.
const MAX_DETAIL_BYTES: usize = 200;
/// The most characters of a content type.
const MAX_TYPE_BYTES: usize = 100;

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Parcel<'a> {
    /// Where to.
    pub url: &'a str,
    /// The `webhook-id`.
    pub id: &'a str,
    /// The `webhook-timestamp`, in whole seconds.
    pub at: Timestamp,
    /// The `webhook-signature`.
    pub signature: &'a str,
    /// The bytes.
    pub body: &'a str,
}

/// Hands requests to endpoints.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Sends one request; how it ended, within [`TIMEOUT`].
    async fn deliver(&self, parcel: &Parcel<'_>) -> Ending;
}

/// The courier over HTTP.
pub struct HttpCourier {
    http: Arc<dyn PeekingClient>,
    clock: Arc<dyn Clock>,
}

impl HttpCourier {
    /// A courier with this client.
    pub fn new(http: Arc<dyn PeekingClient>, clock: Arc<dyn Clock>) -> Self {
        Self { http, clock }
    }
}

#[async_trait]
impl Courier for HttpCourier {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Ending {
        let request = Request::post(parcel.url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-id", parcel.id)
            .header("webhook-timestamp", parcel.at.unix_s())
            .header("webhook-signature", parcel.signature)
            .body(Bytes::copy_from_slice(parcel.body.as_bytes()));
        let request = match request {
            Ok(request) => request,
            Err(error) => return failed("not_sent", &error.to_string()),
        };
        match self.http.send_peeking(request, TIMEOUT, MAX_ANSWER_BYTES).await {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                Ending::Answered {
                    status: parts.status.as_u16(),
                    content_type: kind.map(|kind| bounded(kind.to_owned(), MAX_TYPE_BYTES)),
                    body: redacted(&body),
                    retry_after: retry_after(&parts.headers, self.clock.now()),
                }
            }
            Err(HttpError::NotSent(detail)) => failed("not_sent", &detail),
            Err(error @ (HttpError::Lost(_) | HttpError::TooLarge { .. })) => failed("lost", &error.to_string()),
        }
    }
}

fn failed(why: &'static str, detail: &str) -> Ending {
    Ending::Failed { why, detail: bounded(detail.to_owned(), MAX_DETAIL_BYTES) }
}

/// What an answer asks for: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    Some(http_date(text)?.since(now))
}

/// An IMF-fixdate such as `Thu, 01 Jan 2026 00:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)?.saturating_add(1);
    if words.next() != Some("GMT") || words.next().is_some() {
        return None;
    }
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::FixedClock;
    use futures::executor::block_on;
    use http_client::ScriptedHttp;

    fn now() -> Timestamp {
        "2026-01-01T00:00:00.000Z".parse().unwrap()
    }

    fn ask(http: &ScriptedHttp) -> Ending {
        let courier = HttpCourier::new(Arc::new(http.clone()), Arc::new(FixedClock::at("2026-01-01T00:00:00.000Z")));
        let parcel = Parcel {
            url: "https://hooks.example.com/in?x=1",
            id: "msg_1",
            at: now(),
            signature: "v1,abc v1,def",
            body: r#"{"type":"t"}"#,
        };
        block_on(courier.deliver(&parcel))
    }

    #[test]
    fn a_request_carries_the_headers_of_the_standard() {
        let http = ScriptedHttp::new(|_| Ok(http::Response::new(Bytes::from_static(b"thanks"))));
        let ending = ask(&http);
        assert!(ending.is_success());
        let [asked] = &http.asked()[..] else { panic!("one request") };
        assert_eq!(
            (asked.method().as_str(), asked.uri().to_string().as_str()),
            ("POST", "https://hooks.example.com/in?x=1")
        );
        let header = |name: &str| asked.headers()[name].to_str().unwrap();
        assert_eq!(header("webhook-id"), "msg_1");
        assert_eq!(header("webhook-timestamp"), "1767225600");
        assert_eq!(header("webhook-signature"), "v1,abc v1,def");
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(asked.body().as_ref(), br#"{"type":"t"}"#);
    }

    #[test]
    fn an_answer_is_kept_in_part_and_a_redirect_is_an_answer() {
        let http = ScriptedHttp::new(|_| {
            Ok(http::Response::builder()
                .status(302)
                .header("location", "http://169.254.169.254/")
                .header("content-type", "text/plain")
                .header("retry-after", "120")
                .body(Bytes::from(vec![b'x'; 5000]))
                .unwrap())
        });
        let Ending::Answered { status, content_type, body, retry_after } = ask(&http) else { panic!("no answer") };
        assert_eq!((status, content_type.as_deref(), body.len()), (302, Some("text/plain"), MAX_ANSWER_BYTES));
        assert_eq!((retry_after, http.asked().len()), (Some(Duration::from_secs(120)), 1));
    }

    #[test]
    fn no_answer_is_sorted_by_whether_anything_was_sent() {
        for (error, word) in [
            (HttpError::NotSent("DestinationIpProhibited".into()), "not_sent"),
            (HttpError::Lost("no answer in 15000 ms".into()), "lost"),
        ] {
            let http = ScriptedHttp::new(move |_| Err(error.clone()));
            assert_eq!(ask(&http).word(), word);
        }
    }

    #[test]
    fn a_wait_is_told_in_seconds_or_by_a_date() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("3600", Some(3600)),
            ("99999999999999999999", Some(u64::from(u32::MAX))),
            ("Thu, 01 Jan 2026 00:01:00 GMT", Some(60)),
            ("Wed, 31 Dec 2025 00:00:00 GMT", Some(0)),
            ("Thu, 01 Jan 2026 00:01:00 CET", None),
            ("Thu, 99 Jan 2026 00:01:00 GMT", None),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", text.parse().unwrap());
            assert_eq!(retry_after(&headers, now()), wanted.map(Duration::from_secs), "{text}");
        }
    }
}
