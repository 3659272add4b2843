//! Postmark: letters over its public HTTP API.
//!
//! It documents no idempotency keys. Each letter carries our name for it as metadata instead, by which its message search
//! finds what it took: after a lost answer it is asked first, and only what it does not know of is repeated.
//!
//! **Source** <https://postmarkapp.com/developer/api/email-api>, `…/messages-api`, `…/overview#error-codes`.

use super::{Found, Letter, Mail, exchange, post, unusable};
use crate::domain::SendOutcome;
use ::http::{Request, Response};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The name of the metadata that holds our name of a letter; at most 20 characters.
pub const METADATA: &str = "message";

/// A server of Postmark's.
#[derive(Clone)]
pub struct Postmark {
    http: Arc<dyn HttpClient>,
    base: String,
    token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EmailRequest<'a> {
    from: &'a str,
    to: &'a str,
    subject: &'a str,
    text_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    html_body: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Header>,
    metadata: Metadata<'a>,
    message_stream: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Header {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Metadata<'a> {
    message: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EmailAnswer {
    #[serde(default)]
    error_code: i64,
    #[serde(rename = "MessageID")]
    message_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SearchAnswer {
    total_count: u64,
    #[serde(default)]
    messages: Vec<FoundMessage>,
}

#[derive(Deserialize)]
struct FoundMessage {
    #[serde(rename = "MessageID")]
    message_id: Option<String>,
}

impl Postmark {
    /// The server whose token this is, at `base_url` (`https://api.postmarkapp.com`).
    pub fn new(http: Arc<dyn HttpClient>, base_url: &str, token: &str) -> Self {
        Self { http, base: base_url.trim_end_matches('/').to_owned(), token: token.to_owned() }
    }
}

#[async_trait]
impl Mail for Postmark {
    async fn send(&self, letter: &Letter<'_>, timeout: Duration) -> SendOutcome {
        let headers = letter.list_headers().into_iter().map(|(name, value)| Header { name, value }).collect();
        let body = serde_json::to_vec(&EmailRequest {
            from: letter.from,
            to: letter.to,
            subject: letter.subject,
            text_body: letter.text,
            html_body: letter.html,
            headers,
            metadata: Metadata { message: letter.idempotency_key },
            message_stream: "outbound",
        });
        let Ok(body) = body else {
            let reason = "the letter cannot be written as JSON".to_owned();
            return SendOutcome::Rejected { reason, address_is_dead: false };
        };
        let headers = [("accept", "application/json"), ("x-postmark-server-token", self.token.as_str())];
        let url = format!("{}/email", self.base);
        let Some(request) = post(&url, "application/json", &headers, body) else { return unusable() };
        match exchange(&*self.http, request, timeout).await {
            Ok(response) => outcome_of(&response),
            Err(outcome) => outcome,
        }
    }

    async fn find(&self, idempotency_key: &str, timeout: Duration) -> Found {
        let url = format!("{}/messages/outbound?count=1&offset=0&metadata_{METADATA}={idempotency_key}", self.base);
        let request = Request::builder()
            .uri(url)
            .header("accept", "application/json")
            .header("x-postmark-server-token", &self.token)
            .body(Bytes::new());
        let Ok(request) = request else { return Found::CannotTell };
        let Ok(response) = exchange(&*self.http, request, timeout).await else { return Found::NotNow };
        match (response.status().as_u16(), serde_json::from_slice::<SearchAnswer>(response.body())) {
            (200, Ok(answer)) if answer.total_count == 0 => Found::NotThere,
            (200, Ok(answer)) => {
                Found::Taken { provider_id: answer.messages.into_iter().find_map(|found| found.message_id) }
            }
            _ => Found::NotNow,
        }
    }
}

/// What an answer says. Codes that blame the letter or its address end it; those that blame our account or its settings
/// are ours to mend, and another provider may do better.
fn outcome_of(response: &Response<Bytes>) -> SendOutcome {
    let answer = serde_json::from_slice::<EmailAnswer>(response.body()).ok();
    let code = answer.as_ref().map(|answer| answer.error_code);
    let status = response.status().as_u16();
    let reason = match code {
        Some(code) if code != 0 => format!("status {status}, error code {code}"),
        _ => format!("status {status}"),
    };
    match (status, code) {
        (200, None | Some(0)) => SendOutcome::Accepted { provider_id: answer.and_then(|answer| answer.message_id) },
        // 406: the address is inactive, because it bounced, complained or was taken off by hand.
        (422, Some(406)) => SendOutcome::Rejected { reason, address_is_dead: true },
        // 300: an address or header of the letter; 402, 403, 409: its JSON; 411: an attachment.
        (422, Some(300 | 402 | 403 | 409 | 411)) | (413 | 415, _) => {
            SendOutcome::Rejected { reason, address_is_dead: false }
        }
        // 10 the token, 400 and 401 the sender, 405 no credits, 412 and 413 the account, 429 too many.
        (401 | 403 | 404 | 422 | 429, _) => SendOutcome::NotTaken { reason },
        _ => SendOutcome::Lost { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use http_client::{HttpError, ScriptedHttp};
    use serde_json::{Value, json};

    const LETTER: Letter<'_> = Letter {
        from: "Spindrift <no-reply@spindrift.example>",
        to: "ada@example.com",
        subject: "Receipt: 10.99 EUR",
        text: "Hello",
        html: Some("<p>Hello</p>"),
        unsubscribe: Some("https://x.example/u"),
        idempotency_key: "ntf_00x",
        trace: "1",
    };

    fn scripted(status: u16, body: Value) -> ScriptedHttp {
        ScriptedHttp::new(move |_| {
            Ok(::http::Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
        })
    }

    fn send(http: ScriptedHttp) -> SendOutcome {
        block_on(Postmark::new(Arc::new(http), "https://pm.test/", "token").send(&LETTER, Duration::from_secs(5)))
    }

    #[test]
    fn a_letter_is_what_the_documentation_shows() {
        let http = scripted(
            200,
            json!({ "To": "ada@example.com", "SubmittedAt": "2026-01-01T00:00:00Z", "MessageID": "b7bc2f4a", "ErrorCode": 0, "Message": "OK" }),
        );
        assert_eq!(send(http.clone()), SendOutcome::Accepted { provider_id: Some("b7bc2f4a".into()) });
        let asked = http.asked();
        assert_eq!(asked[0].uri(), "https://pm.test/email");
        assert_eq!(asked[0].headers()["x-postmark-server-token"], "token");
        let body: Value = serde_json::from_slice(asked[0].body()).unwrap();
        assert_eq!(
            body,
            json!({
                "From": "Spindrift <no-reply@spindrift.example>", "To": "ada@example.com",
                "Subject": "Receipt: 10.99 EUR", "TextBody": "Hello", "HtmlBody": "<p>Hello</p>",
                "Headers": [
                    { "Name": "List-Unsubscribe", "Value": "<https://x.example/u>" },
                    { "Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click" },
                ],
                "Metadata": { "message": "ntf_00x" }, "MessageStream": "outbound",
            })
        );
    }

    #[test]
    fn each_answer_says_what_may_be_concluded() {
        for (status, code, dead) in [(422, 406, true), (422, 300, false), (422, 402, false), (413, 0, false)] {
            let outcome = send(scripted(status, json!({ "ErrorCode": code, "Message": "x" })));
            let SendOutcome::Rejected { address_is_dead, .. } = outcome else { panic!("{status} {code}: {outcome:?}") };
            assert_eq!(address_is_dead, dead, "{code}");
        }
        for (status, code) in [(401, 10), (422, 400), (422, 405), (422, 412), (429, 429)] {
            let outcome = send(scripted(status, json!({ "ErrorCode": code, "Message": "x" })));
            assert!(matches!(outcome, SendOutcome::NotTaken { .. }), "{status} {code}: {outcome:?}");
        }
        for status in [500, 503, 302, 408] {
            let outcome = send(scripted(status, json!("not what was promised")));
            assert!(matches!(outcome, SendOutcome::Lost { .. }), "{status}: {outcome:?}");
        }
        let refused = ScriptedHttp::new(|_| Err(HttpError::NotSent("refused".into())));
        assert!(matches!(send(refused), SendOutcome::NotTaken { .. }));
    }

    #[test]
    fn after_a_lost_answer_it_is_asked_whether_it_has_the_letter() {
        let find = |http: ScriptedHttp| {
            let postmark = Postmark::new(Arc::new(http.clone()), "https://pm.test", "token");
            (block_on(postmark.find("ntf_00x", Duration::from_secs(5))), http.asked())
        };
        let (found, asked) = find(scripted(200, json!({ "TotalCount": 1, "Messages": [{ "MessageID": "b7" }] })));
        assert_eq!(found, Found::Taken { provider_id: Some("b7".into()) });
        assert_eq!(asked[0].uri(), "https://pm.test/messages/outbound?count=1&offset=0&metadata_message=ntf_00x");
        assert_eq!(find(scripted(200, json!({ "TotalCount": 0, "Messages": [] }))).0, Found::NotThere);
        assert_eq!(find(scripted(500, json!({}))).0, Found::NotNow);
        assert_eq!(find(scripted(200, json!({}))).0, Found::NotNow);
    }
}
