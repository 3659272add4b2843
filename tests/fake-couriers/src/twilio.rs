//! One account of Twilio's: sending, and the signed notice of what became of a message.

use crate::{Fault, lock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::http::{Asked, HttpServer, Reaction, Told, send};

/// The name of the account.
pub const ACCOUNT: &str = "ACofTheTests";
/// Its token.
pub const AUTH_TOKEN: &str = "twilio-token-of-the-tests";

#[derive(Default)]
struct State {
    sent: Vec<BTreeMap<String, String>>,
    fault: Option<Fault>,
}

/// A running Twilio. Dropping it ends it.
pub struct FakeTwilio {
    server: HttpServer,
    state: Arc<Mutex<State>>,
}

impl FakeTwilio {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// There is none.
    pub fn start() -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let there = Arc::clone(&state);
        let server = HttpServer::start(move |asked| react(&there, &asked))?;
        Ok(Self { server, state })
    }

    /// Where it is, for the variable `twilio_url`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What befalls the next message.
    pub fn next(&self, fault: Fault) {
        lock(&self.state).fault = Some(fault);
    }

    /// The messages to a number that it took, oldest first: each the form that it was sent.
    #[must_use]
    pub fn to(&self, number: &str) -> Vec<BTreeMap<String, String>> {
        let is_to = |form: &&BTreeMap<String, String>| form.get("To").is_some_and(|to| to == number);
        lock(&self.state).sent.iter().filter(is_to).cloned().collect()
    }

    /// Tells what became of a message at the address that it was sent with, signed with this token; the status of the
    /// answer. The address is the public one: what it leads to is at `to`.
    ///
    /// # Errors
    /// There is no answer, or the message has no address.
    pub fn tell(
        &self,
        message: &BTreeMap<String, String>,
        status: &str,
        code: &str,
        token: &str,
        to: SocketAddr,
    ) -> io::Result<u16> {
        let url = message.get("StatusCallback").cloned().unwrap_or_default();
        let target = url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).ok_or(io::ErrorKind::InvalidInput)?;
        let number = message.get("To").cloned().unwrap_or_default();
        let form: BTreeMap<&str, &str> = [
            ("AccountSid", ACCOUNT),
            ("MessageSid", "SM1"),
            ("MessageStatus", status),
            ("ErrorCode", code),
            ("To", number.as_str()),
        ]
        .into();
        let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput)?;
        mac.update(url.as_bytes());
        form.iter().for_each(|(name, value)| {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        });
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let headers = vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded; charset=UTF-8".to_owned()),
            ("x-twilio-signature".to_owned(), signature),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish().into_bytes();
        Ok(send(to, &Asked { method: "POST".to_owned(), target, headers, body })?.status)
    }
}

fn refused(status: u16, code: u32) -> Reaction {
    let answer = json!({ "code": code, "message": "refused", "more_info": "", "status": status });
    Reaction::Answer(Told::json(status, answer.to_string()))
}

fn react(state: &Mutex<State>, asked: &Asked) -> Reaction {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{AUTH_TOKEN}")));
    if asked.header("authorization") != Some(&credentials) {
        return refused(401, 20003);
    }
    if asked.method != "POST" || asked.path() != format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json") {
        return refused(404, 20404);
    }
    if asked.header("content-type") != Some("application/x-www-form-urlencoded") {
        return refused(400, 20001);
    }
    let form: BTreeMap<String, String> = form_urlencoded::parse(&asked.body).into_owned().collect();
    let has = |name: &str| form.get(name).is_some_and(|value| !value.is_empty());
    if !form.get("To").is_some_and(|to| to.starts_with('+')) {
        return refused(400, 21211);
    }
    if !has("Body") {
        return refused(400, 21602);
    }
    if !has("From") && !has("MessagingServiceSid") {
        return refused(400, 21603);
    }
    let fault = lock(state).fault.take();
    if fault == Some(Fault::TooMany) {
        return refused(429, 20429);
    }
    let sid = format!("SM{:032}", lock(state).sent.len());
    lock(state).sent.push(form);
    match fault {
        Some(Fault::AnswerLost) => return Reaction::Cut,
        Some(Fault::Slow(duration)) => std::thread::sleep(duration),
        Some(Fault::TooMany) | None => {}
    }
    let answer = json!({ "sid": sid, "status": "queued", "error_code": null, "num_segments": "1" });
    Reaction::Answer(Told::json(201, answer.to_string()))
}
