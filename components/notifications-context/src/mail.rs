//! Port: e-mail, and its adapter to the mailbox of the sandbox.

use crate::domain::MailOutcome;
use ::http::{Method, Request, StatusCode, header};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http_client::{HttpClient, HttpError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One e-mail, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Plain text.
    pub text: &'a str,
    /// The same for each try of one message.
    pub idempotency_key: &'a str,
    /// The trace of what caused it: 32 hexadecimal digits.
    pub trace: &'a str,
}

/// A provider of e-mail.
///
/// **Invariant** a provider delivers one letter a key, however often it is asked, for at least a day: that is what
/// makes a second try after a lost answer safe. A provider without such keys needs another message state machine.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Hands over one letter within `timeout`; every failure is an outcome.
    async fn send(&self, letter: &Letter<'_>, timeout: Duration) -> MailOutcome;

    /// Deletes a letter that was handed over under this key, where the provider can: its owner was erased.
    async fn take_back(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
        let _ = (idempotency_key, timeout);
        TakenBack::Never
    }
}

/// What became of a letter that was to be deleted at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// It is gone there, or was never there.
    Gone,
    /// The provider keeps what it was given.
    Never,
    /// It has no answer now.
    Later,
}

/// The mailbox of the sandbox: `POST <base>/sandbox/v1/mail` with a bearer key.
#[derive(Clone)]
pub struct SandboxMailbox {
    http: Arc<dyn HttpClient>,
    endpoint: String,
    authorization: String,
}

#[derive(Serialize)]
struct MailRequest<'a> {
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    idempotency_key: &'a str,
}

#[derive(Deserialize)]
struct MailAnswer {
    id: Option<String>,
}

impl SandboxMailbox {
    /// A mailbox at `base_url` (scheme, host and port), opened with `key`.
    pub fn new(http: Arc<dyn HttpClient>, base_url: &str, key: &str) -> Self {
        Self {
            http,
            endpoint: format!("{}/sandbox/v1/mail", base_url.trim_end_matches('/')),
            authorization: format!("Bearer {key}"),
        }
    }
}

#[async_trait]
impl Mail for SandboxMailbox {
    async fn send(&self, letter: &Letter<'_>, timeout: Duration) -> MailOutcome {
        let Letter { to, subject, text, idempotency_key, trace } = *letter;
        let body = match serde_json::to_vec(&MailRequest { to, subject, text, idempotency_key }) {
            Ok(body) => Bytes::from(body),
            Err(_) => return MailOutcome::Rejected { reason: "the letter cannot be written as JSON".to_owned() },
        };
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.endpoint)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, &self.authorization)
            .header("idempotency-key", idempotency_key)
            .header("x-spindrift-trace", trace)
            .body(body);
        let Ok(request) = request else {
            return MailOutcome::NotTaken { reason: "the address or key of the provider is not usable".to_owned() };
        };
        match self.http.send(request, timeout).await {
            Ok(response) => outcome_of(response.status(), response.body()),
            Err(HttpError::NotSent(_)) => MailOutcome::NotTaken { reason: "the provider cannot be reached".to_owned() },
            Err(HttpError::Lost(_) | HttpError::TooLarge { .. }) => {
                MailOutcome::Lost { reason: "the answer was lost".to_owned() }
            }
        }
    }

    async fn take_back(&self, idempotency_key: &str, timeout: Duration) -> TakenBack {
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

/// What a status says. Only statuses that blame this very letter end it: a wrong key or address is ours to mend.
fn outcome_of(status: StatusCode, body: &[u8]) -> MailOutcome {
    let reason = format!("status {}", status.as_u16());
    match status.as_u16() {
        200..=299 => MailOutcome::Accepted {
            provider_id: serde_json::from_slice::<MailAnswer>(body).ok().and_then(|answer| answer.id),
        },
        400 | 410 | 413 | 422 => MailOutcome::Rejected { reason },
        408 | 409 | 500..=599 => MailOutcome::Lost { reason },
        _ => MailOutcome::NotTaken { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use http_client::ScriptedHttp;

    const LETTER: Letter<'_> = Letter {
        to: "ada@example.com",
        subject: "Welcome",
        text: "Hello",
        idempotency_key: "ntf_00x",
        trace: "11111111111111111111111111111111",
    };

    fn send(http: ScriptedHttp) -> MailOutcome {
        let mailbox = SandboxMailbox::new(Arc::new(http), "http://127.0.0.1:3000/", "s3cret");
        block_on(mailbox.send(&LETTER, Duration::from_secs(5)))
    }

    fn answer(status: u16, body: &'static str) -> MailOutcome {
        send(ScriptedHttp::new(move |_| {
            Ok(::http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        }))
    }

    #[test]
    fn the_request_carries_the_key_of_the_message_and_of_the_provider() {
        let http = ScriptedHttp::new(|_| Ok(::http::Response::new(Bytes::from_static(br#"{"id":"mail_1"}"#))));
        let taken = send(http.clone());
        assert_eq!(taken, MailOutcome::Accepted { provider_id: Some("mail_1".into()) });
        let asked = http.asked();
        assert_eq!(asked[0].uri(), "http://127.0.0.1:3000/sandbox/v1/mail");
        assert_eq!(asked[0].headers()["authorization"], "Bearer s3cret");
        assert_eq!(asked[0].headers()["idempotency-key"], "ntf_00x");
        let body: serde_json::Value = serde_json::from_slice(asked[0].body()).unwrap();
        assert_eq!(body["idempotency_key"], "ntf_00x");
        assert_eq!(body["to"], "ada@example.com");
    }

    #[test]
    fn each_status_says_what_may_be_concluded() {
        assert_eq!(answer(201, "no json"), MailOutcome::Accepted { provider_id: None });
        for status in [400, 410, 413, 422] {
            assert!(matches!(answer(status, ""), MailOutcome::Rejected { .. }), "{status}");
        }
        for status in [408, 409, 500, 503] {
            assert!(matches!(answer(status, ""), MailOutcome::Lost { .. }), "{status}");
        }
        for status in [301, 401, 403, 404, 429] {
            assert!(matches!(answer(status, ""), MailOutcome::NotTaken { .. }), "{status}");
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
            let mailbox = SandboxMailbox::new(Arc::new(http.clone()), "http://127.0.0.1:3000/", "s3cret");
            assert_eq!(block_on(mailbox.take_back("ntf_00x", Duration::from_secs(5))), outcome, "{status}");
            let asked = http.asked();
            assert_eq!((asked[0].method(), asked[0].uri().path()), (&Method::DELETE, "/sandbox/v1/mail/ntf_00x"));
            assert_eq!(asked[0].headers()["authorization"], "Bearer s3cret");
        }
    }

    #[test]
    fn a_request_that_never_left_and_a_lost_answer_differ() {
        assert!(matches!(
            send(ScriptedHttp::new(|_| Err(HttpError::NotSent("refused".into())))),
            MailOutcome::NotTaken { .. }
        ));
        assert!(matches!(send(ScriptedHttp::new(|_| Err(HttpError::Lost("reset".into())))), MailOutcome::Lost { .. }));
    }
}
