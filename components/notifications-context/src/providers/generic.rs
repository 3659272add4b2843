//! A provider with a plain HTTP API, for mail and short messages: the sandbox speaks it, and so can a small adapter in
//! front of anything else.
//!
//! **Shape** `POST <base>/sandbox/v1/mail` and `…/sms` with a bearer key and `Idempotency-Key`; `DELETE …/<key>` deletes.
//! The path is the sandbox's; a deployment's base URL may end in a path of its own.

use super::{Found, Letter, Mail, ShortMessage, Sms, TakenBack, exchange, post, unusable};
use crate::domain::SendOutcome;
use ::http::{Method, Request, StatusCode, header};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One endpoint of such a provider.
#[derive(Clone)]
pub struct GenericProvider {
    http: Arc<dyn HttpClient>,
    endpoint: String,
    authorization: String,
}

#[derive(Serialize)]
struct MailRequest<'a> {
    from: &'a str,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<&'a str>,
    /// Header lines of the letter.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, String>,
    idempotency_key: &'a str,
}

#[derive(Serialize)]
struct SmsRequest<'a> {
    from: &'a str,
    to: &'a str,
    text: &'a str,
    idempotency_key: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
}

impl GenericProvider {
    /// Letters at `base_url` (scheme, host and port), opened with `key`.
    pub fn mail(http: Arc<dyn HttpClient>, base_url: &str, key: &str) -> Self {
        Self::at(http, base_url, "mail", key)
    }

    /// Short messages.
    pub fn sms(http: Arc<dyn HttpClient>, base_url: &str, key: &str) -> Self {
        Self::at(http, base_url, "sms", key)
    }

    fn at(http: Arc<dyn HttpClient>, base_url: &str, what: &str, key: &str) -> Self {
        let endpoint = format!("{}/sandbox/v1/{what}", base_url.trim_end_matches('/'));
        Self { http, endpoint, authorization: format!("Bearer {key}") }
    }

    async fn hand_over(
        &self,
        body: Result<Vec<u8>, serde_json::Error>,
        key: &str,
        trace: &str,
        timeout: Duration,
    ) -> SendOutcome {
        let Ok(body) = body else {
            let reason = "the message cannot be written as JSON".to_owned();
            return SendOutcome::Rejected { reason, address_is_dead: false };
        };
        let headers =
            [("authorization", self.authorization.as_str()), ("idempotency-key", key), ("x-spindrift-trace", trace)];
        let Some(request) = post(&self.endpoint, "application/json", &headers, body) else { return unusable() };
        match exchange(&*self.http, request, timeout).await {
            Ok(response) => outcome_of(response.status(), response.body()),
            Err(outcome) => outcome,
        }
    }

    async fn delete(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
        // The keys are names of messages: nothing in them has to be escaped.
        let request = Request::builder()
            .method(Method::DELETE)
            .uri(format!("{}/{idempotency_key}", self.endpoint))
            .header(header::AUTHORIZATION, &self.authorization)
            .body(Bytes::new());
        let Ok(request) = request else { return TakenBack::Later };
        match self.http.send(request, timeout).await.map(|response| response.status().as_u16()) {
            Ok(200..=299 | 410) => TakenBack::Gone,
            // A provider that has no such call.
            Ok(404 | 405 | 501) => TakenBack::Never,
            Ok(_) | Err(_) => TakenBack::Later,
        }
    }
}

#[async_trait]
impl Mail for GenericProvider {
    async fn send(&self, letter: &Letter<'_>, timeout: Duration) -> SendOutcome {
        let Letter { from, to, subject, text, html, idempotency_key, trace, .. } = *letter;
        let headers = letter.list_headers().into_iter().collect();
        let body = serde_json::to_vec(&MailRequest { from, to, subject, text, html, headers, idempotency_key });
        self.hand_over(body, idempotency_key, trace, timeout).await
    }

    fn keeps_keys(&self) -> bool {
        true
    }

    async fn find(&self, _: &str, _: Duration) -> Found {
        // It is simply asked again.
        Found::CannotTell
    }

    fn deletes(&self) -> bool {
        true
    }

    async fn take_back(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
        self.delete(idempotency_key, timeout).await
    }
}

#[async_trait]
impl Sms for GenericProvider {
    async fn send(&self, message: &ShortMessage<'_>, timeout: Duration) -> SendOutcome {
        let ShortMessage { from, to, text, idempotency_key, trace, .. } = *message;
        let body = serde_json::to_vec(&SmsRequest { from, to, text, idempotency_key });
        self.hand_over(body, idempotency_key, trace, timeout).await
    }

    fn keeps_keys(&self) -> bool {
        true
    }

    fn deletes(&self) -> bool {
        true
    }

    async fn take_back(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
        self.delete(idempotency_key, timeout).await
    }
}

/// What a status says. Only statuses that blame this very message end it: a wrong key or address is ours to mend.
fn outcome_of(status: StatusCode, body: &[u8]) -> SendOutcome {
    let reason = format!("status {}", status.as_u16());
    match status.as_u16() {
        200..=299 => SendOutcome::Accepted {
            provider_id: serde_json::from_slice::<Answer>(body).ok().and_then(|answer| answer.id),
        },
        410 => SendOutcome::Rejected { reason, address_is_dead: true },
        400 | 413 | 422 => SendOutcome::Rejected { reason, address_is_dead: false },
        408 | 409 | 500..=599 => SendOutcome::Lost { reason },
        _ => SendOutcome::NotTaken { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use http_client::{HttpError, ScriptedHttp};

    const LETTER: Letter<'_> = Letter {
        from: "Spindrift <no-reply@spindrift.example>",
        to: "ada@example.com",
        subject: "Welcome",
        text: "Hello",
        html: Some("<p>Hello</p>"),
        unsubscribe: Some("https://x.example/u"),
        idempotency_key: "ntf_00x",
        trace: "11111111111111111111111111111111",
    };

    fn send(http: ScriptedHttp) -> SendOutcome {
        let mailbox = GenericProvider::mail(Arc::new(http), "http://127.0.0.1:3000/", "s3cret");
        block_on(Mail::send(&mailbox, &LETTER, Duration::from_secs(5)))
    }

    fn answer(status: u16, body: &'static str) -> SendOutcome {
        send(ScriptedHttp::new(move |_| {
            Ok(::http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        }))
    }

    #[test]
    fn the_request_carries_the_key_of_the_message_and_of_the_provider() {
        let http = ScriptedHttp::new(|_| Ok(::http::Response::new(Bytes::from_static(br#"{"id":"mail_1"}"#))));
        let taken = send(http.clone());
        assert_eq!(taken, SendOutcome::Accepted { provider_id: Some("mail_1".into()) });
        let asked = http.asked();
        assert_eq!(asked[0].uri(), "http://127.0.0.1:3000/sandbox/v1/mail");
        assert_eq!(asked[0].headers()["authorization"], "Bearer s3cret");
        assert_eq!(asked[0].headers()["idempotency-key"], "ntf_00x");
        let body: serde_json::Value = serde_json::from_slice(asked[0].body()).unwrap();
        assert_eq!(body["idempotency_key"], "ntf_00x");
        assert_eq!((body["to"].as_str(), body["html"].as_str()), (Some("ada@example.com"), Some("<p>Hello</p>")));
        assert_eq!(body["headers"]["List-Unsubscribe"], "<https://x.example/u>");
        assert_eq!(body["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    }

    #[test]
    fn a_short_message_goes_the_same_way() {
        let http = ScriptedHttp::new(|_| Ok(::http::Response::new(Bytes::from_static(br#"{"id":"sms_1"}"#))));
        let provider = GenericProvider::sms(Arc::new(http.clone()), "http://127.0.0.1:3000", "s3cret");
        let message = ShortMessage {
            from: "Spindrift",
            to: "+4915112345678",
            text: "Hello",
            notices: "",
            idempotency_key: "ntf_00x",
            trace: "1",
        };
        let taken = block_on(Sms::send(&provider, &message, Duration::from_secs(5)));
        assert_eq!(taken, SendOutcome::Accepted { provider_id: Some("sms_1".into()) });
        let asked = http.asked();
        assert_eq!(asked[0].uri().path(), "/sandbox/v1/sms");
        let body: serde_json::Value = serde_json::from_slice(asked[0].body()).unwrap();
        assert_eq!((body["to"].as_str(), body["text"].as_str()), (Some("+4915112345678"), Some("Hello")));
    }

    #[test]
    fn each_status_says_what_may_be_concluded() {
        assert_eq!(answer(201, "no json"), SendOutcome::Accepted { provider_id: None });
        for (status, dead) in [(400, false), (410, true), (413, false), (422, false)] {
            let reason = format!("status {status}");
            assert_eq!(answer(status, ""), SendOutcome::Rejected { reason, address_is_dead: dead });
        }
        for status in [408, 409, 500, 503] {
            assert!(matches!(answer(status, ""), SendOutcome::Lost { .. }), "{status}");
        }
        for status in [301, 401, 403, 404, 429] {
            assert!(matches!(answer(status, ""), SendOutcome::NotTaken { .. }), "{status}");
        }
    }

    #[test]
    fn a_letter_is_taken_back_under_its_key_where_the_provider_can() {
        for (status, outcome) in [
            (204, TakenBack::Gone),
            (410, TakenBack::Gone),
            (404, TakenBack::Never),
            (405, TakenBack::Never),
            (401, TakenBack::Later),
            (503, TakenBack::Later),
        ] {
            let http =
                ScriptedHttp::new(move |_| Ok(::http::Response::builder().status(status).body(Bytes::new()).unwrap()));
            let mailbox = GenericProvider::mail(Arc::new(http.clone()), "http://127.0.0.1:3000/", "s3cret");
            assert_eq!(block_on(Mail::take_back(&mailbox, "ntf_00x", Duration::from_secs(5))), outcome, "{status}");
            let asked = http.asked();
            assert_eq!((asked[0].method(), asked[0].uri().path()), (&Method::DELETE, "/sandbox/v1/mail/ntf_00x"));
            assert_eq!(asked[0].headers()["authorization"], "Bearer s3cret");
        }
    }

    #[test]
    fn a_request_that_never_left_and_a_lost_answer_differ() {
        assert!(matches!(
            send(ScriptedHttp::new(|_| Err(HttpError::NotSent("refused".into())))),
            SendOutcome::NotTaken { .. }
        ));
        assert!(matches!(send(ScriptedHttp::new(|_| Err(HttpError::Lost("reset".into())))), SendOutcome::Lost { .. }));
    }
}
