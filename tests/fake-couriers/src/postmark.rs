//! One server of Postmark's: sending, searching, and the notice of a bounce.

#![expect(clippy::indexing_slicing, reason = "an absent member of JSON reads as null")]

use crate::{Fault, lock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::http::{Asked, HttpServer, Reaction, Told, send};

/// The token of the server.
pub const TOKEN: &str = "postmark-token-of-the-tests";

#[derive(Default)]
struct State {
    sent: Vec<Value>,
    fault: Option<Fault>,
    turned_away: Vec<String>,
}

/// A running Postmark. Dropping it ends it.
pub struct FakePostmark {
    server: HttpServer,
    state: Arc<Mutex<State>>,
}

impl FakePostmark {
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

    /// Where it is, for the variable `postmark_url`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What befalls the next letter.
    pub fn next(&self, fault: Fault) {
        lock(&self.state).fault = Some(fault);
    }

    /// From now on there are always too many letters to this address.
    pub fn turn_away(&self, address: &str) {
        lock(&self.state).turned_away.push(address.to_owned());
    }

    /// The letters to an address that it took, oldest first.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Value> {
        lock(&self.state).sent.iter().filter(|letter| letter.get("To") == Some(&json!(address))).cloned().collect()
    }

    /// Tells that a letter came back for good, with this password; the status of the answer.
    ///
    /// # Errors
    /// There is no answer.
    pub fn bounce(&self, letter: &Value, to: SocketAddr, path: &str, password: &str) -> io::Result<u16> {
        let member = |name: &str| letter.get(name).cloned().unwrap_or_default();
        let notice = json!({
            "RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce",
            "MessageID": member("MessageID"), "Metadata": member("Metadata"), "Email": member("To"),
            "BouncedAt": "2026-01-01T00:00:00Z", "DumpAvailable": true, "Inactive": true, "CanActivate": true,
            "MessageStream": "outbound",
        });
        let credentials = STANDARD.encode(format!("spindrift:{password}"));
        let headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("authorization".to_owned(), format!("Basic {credentials}")),
        ];
        let body = notice.to_string().into_bytes();
        let asked = Asked { method: "POST".to_owned(), target: path.to_owned(), headers, body };
        Ok(send(to, &asked)?.status)
    }
}

fn refused(status: u16, code: u32) -> Reaction {
    Reaction::Answer(Told::json(status, json!({ "ErrorCode": code, "Message": "refused" }).to_string()))
}

fn react(state: &Mutex<State>, asked: &Asked) -> Reaction {
    if asked.header("x-postmark-server-token") != Some(TOKEN) || asked.header("accept") != Some("application/json") {
        return refused(401, 10);
    }
    match (asked.method.as_str(), asked.path()) {
        ("POST", "/email") => take(state, asked),
        ("GET", "/messages/outbound") => search(state, asked),
        _ => refused(404, 0),
    }
}

fn take(state: &Mutex<State>, asked: &Asked) -> Reaction {
    if asked.header("content-type") != Some("application/json") {
        return refused(415, 409);
    }
    let Ok(Value::Object(mut letter)) = serde_json::from_slice(&asked.body) else { return refused(422, 402) };
    let text = |name: &str| letter.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_letter = text("From").contains('@') && text("To").contains('@') && !text("TextBody").is_empty();
    let headers = letter.get("Headers").and_then(Value::as_array).cloned().unwrap_or_default();
    let are_headers = headers.iter().all(|header| header["Name"].is_string() && header["Value"].is_string());
    if !is_letter || !are_headers || text("MessageStream") != "outbound" {
        return refused(422, 300);
    }
    let fault = lock(state).fault.take();
    if fault == Some(Fault::TooMany) || lock(state).turned_away.contains(&text("To")) {
        return refused(429, 429);
    }
    let (to, id) = (text("To"), format!("postmark-{}", lock(state).sent.len()));
    letter.insert("MessageID".to_owned(), json!(id));
    lock(state).sent.push(Value::Object(letter));
    match fault {
        Some(Fault::AnswerLost) => return Reaction::Cut,
        Some(Fault::Slow(duration)) => std::thread::sleep(duration),
        Some(Fault::TooMany) | None => {}
    }
    let answer =
        json!({ "To": to, "SubmittedAt": "2026-01-01T00:00:00Z", "MessageID": id, "ErrorCode": 0, "Message": "OK" });
    Reaction::Answer(Told::json(200, answer.to_string()))
}

fn search(state: &Mutex<State>, asked: &Asked) -> Reaction {
    let query: Vec<(String, String)> = form_urlencoded::parse(asked.query().as_bytes()).into_owned().collect();
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    if value("count").is_none() || value("offset").is_none() {
        return refused(422, 600);
    }
    let wanted: Vec<(&str, &str)> =
        query.iter().filter_map(|(name, value)| Some((name.strip_prefix("metadata_")?, value.as_str()))).collect();
    let fits = |letter: &&Value| wanted.iter().all(|(name, value)| letter["Metadata"][*name] == **value);
    let found: Vec<Value> = lock(state).sent.iter().filter(fits).cloned().collect();
    let answer = json!({ "TotalCount": found.len(), "Messages": found });
    Reaction::Answer(Told::json(200, answer.to_string()))
}
