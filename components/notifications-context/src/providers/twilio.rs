//! Twilio: short messages over its public HTTP API, and the signature of what it tells us.
//!
//! It documents no idempotency keys and no search by a name of ours: a lost answer is repeated at most once.
//!
//! **Source** <https://www.twilio.com/docs/messaging/api/message-resource>, `…/usage/security`,
//! `…/messaging/guides/track-outbound-message-status`.

use super::{ShortMessage, Sms, basic, exchange, post, unusable};
use crate::domain::SendOutcome;
use ::http::Response;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use core::time::Duration;
use form_urlencoded::Serializer;
use hmac::{Hmac, KeyInit, Mac};
use http_client::HttpClient;
use serde::Deserialize;
use sha1::Sha1;
use std::sync::Arc;

/// An account of Twilio's.
#[derive(Clone)]
pub struct Twilio {
    http: Arc<dyn HttpClient>,
    endpoint: String,
    authorization: String,
}

#[derive(Deserialize)]
struct Answer {
    sid: Option<String>,
    code: Option<i64>,
}

impl Twilio {
    /// The account with this name (`AC…`) and token, at `base_url` (`https://api.twilio.com`).
    pub fn new(http: Arc<dyn HttpClient>, base_url: &str, account: &str, token: &str) -> Self {
        let base = base_url.trim_end_matches('/');
        let endpoint = format!("{base}/2010-04-01/Accounts/{account}/Messages.json");
        Self { http, endpoint, authorization: basic(account, token) }
    }
}

#[async_trait]
impl Sms for Twilio {
    async fn send(&self, message: &ShortMessage<'_>, timeout: Duration) -> SendOutcome {
        // A name that begins so is a messaging service, which chooses the number.
        let from = if message.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let form = Serializer::new(String::new())
            .append_pair("To", message.to)
            .append_pair(from, message.from)
            .append_pair("Body", message.text)
            .append_pair("StatusCallback", message.notices)
            .finish();
        let headers = [("authorization", self.authorization.as_str()), ("accept", "application/json")];
        let kind = "application/x-www-form-urlencoded";
        let Some(request) = post(&self.endpoint, kind, &headers, form.into_bytes()) else { return unusable() };
        match exchange(&*self.http, request, timeout).await {
            Ok(response) => outcome_of(&response),
            Err(outcome) => outcome,
        }
    }
}

/// What an answer says. Codes that blame the number end it, those that blame our account are ours to mend.
fn outcome_of(response: &Response<Bytes>) -> SendOutcome {
    let answer = serde_json::from_slice::<Answer>(response.body()).ok();
    let code = answer.as_ref().and_then(|answer| answer.code);
    let status = response.status().as_u16();
    let reason = match code {
        Some(code) => format!("status {status}, code {code}"),
        None => format!("status {status}"),
    };
    match (status, code) {
        (200 | 201, _) => SendOutcome::Accepted { provider_id: answer.and_then(|answer| answer.sid) },
        // 21211 no number, 21610 whoever has it answered STOP, 21614 no telephone for messages.
        (400, Some(21211 | 21610 | 21614)) => SendOutcome::Rejected { reason, address_is_dead: true },
        // 21602 and 21617: no text, too long a one; 21612: no way from this sender to this number.
        (400, Some(21602 | 21612 | 21617)) => SendOutcome::Rejected { reason, address_is_dead: false },
        (400 | 401 | 403 | 404 | 429, _) => SendOutcome::NotTaken { reason },
        _ => SendOutcome::Lost { reason },
    }
}

/// What `X-Twilio-Signature` must be: HMAC-SHA-1 under the account's token over the address as Twilio was given it and the
/// members of the form, sorted by name, each name before its value.
pub fn twilio_signature(token: &str, url: &str, form: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = form.iter().collect();
    sorted.sort();
    // HMAC takes keys of any length: there always is one.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use http_client::ScriptedHttp;
    use serde_json::{Value, json};

    const MESSAGE: ShortMessage<'_> = ShortMessage {
        from: "+15005550006",
        to: "+4915112345678",
        text: "Spindrift: your code is 042042 & more",
        notices: "https://x.example/n?message=ntf_00x",
        idempotency_key: "ntf_00x",
        trace: "1",
    };

    fn scripted(status: u16, body: Value) -> ScriptedHttp {
        ScriptedHttp::new(move |_| {
            Ok(::http::Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
        })
    }

    fn send(http: ScriptedHttp) -> SendOutcome {
        let twilio = Twilio::new(Arc::new(http), "https://tw.test", "AC1", "token");
        block_on(twilio.send(&MESSAGE, Duration::from_secs(5)))
    }

    #[test]
    fn a_message_is_what_the_documentation_shows() {
        let http = scripted(201, json!({ "sid": "SM1", "status": "queued", "error_code": null }));
        assert_eq!(send(http.clone()), SendOutcome::Accepted { provider_id: Some("SM1".into()) });
        let asked = http.asked();
        assert_eq!(asked[0].uri(), "https://tw.test/2010-04-01/Accounts/AC1/Messages.json");
        assert_eq!(asked[0].headers()["authorization"], "Basic QUMxOnRva2Vu");
        assert_eq!(asked[0].headers()["content-type"], "application/x-www-form-urlencoded");
        let form: Vec<(String, String)> = form_urlencoded::parse(asked[0].body()).into_owned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            form,
            [
                pair("To", MESSAGE.to),
                pair("From", MESSAGE.from),
                pair("Body", MESSAGE.text),
                pair("StatusCallback", MESSAGE.notices)
            ]
        );
    }

    #[test]
    fn each_answer_says_what_may_be_concluded() {
        for (code, dead) in [(21211, true), (21610, true), (21614, true), (21612, false), (21617, false)] {
            let outcome = send(scripted(400, json!({ "code": code, "message": "x", "status": 400 })));
            let SendOutcome::Rejected { address_is_dead, .. } = outcome else { panic!("{code}: {outcome:?}") };
            assert_eq!(address_is_dead, dead, "{code}");
        }
        for (status, code) in [(401, 20003), (400, 21408), (429, 20429), (404, 20404)] {
            let outcome = send(scripted(status, json!({ "code": code, "message": "x", "status": status })));
            assert!(matches!(outcome, SendOutcome::NotTaken { .. }), "{code}: {outcome:?}");
        }
        for status in [500, 503, 302] {
            assert!(matches!(send(scripted(status, json!({}))), SendOutcome::Lost { .. }), "{status}");
        }
    }

    #[test]
    fn a_signature_is_that_of_the_documentation() {
        // The example that Twilio's own libraries are tested with.
        let form = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("From", "+12349013030"),
            ("To", "+18005551212"),
        ];
        let form: Vec<_> = form.iter().rev().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(twilio_signature("12345", url, &form), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
    }
}
