//! The API as these commands call it.
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use journey::{Answer, Api};
use serde_json::Value;

use super::SystemFlags;

/// Where the API begins.
const ROOT: &str = "/v1/operations";
/// How often a request is sent again that may be answered otherwise in a moment, and how long to wait in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

/// Who asks, and where.
pub struct Desk {
    api: Api,
    token: String,
    run: String,
    /// Whether JSON is wanted.
    pub json: bool,
}

impl Desk {
    /// The desk of a system.
    ///
    /// # Errors
    /// When there is no token.
    pub fn new(system: &SystemFlags) -> anyhow::Result<Self> {
        ensure!(
            !system.token.is_empty(),
            "an administrator's access token is needed: --token, or SPINDRIFT_TOKEN (docs/events.md says how to get one)"
        );
        Ok(Self {
            api: Api::new(&system.url),
            token: system.token.clone(),
            run: crate::demo::somebody()?,
            json: system.json,
        })
    }

    /// Reads below `/v1/operations`.
    ///
    /// # Errors
    /// When it is not answered with 200.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.insist(|| self.api.get(&format!("{ROOT}{path}"), Some(&self.token)))
    }

    /// Does something, under a key of this run: sent again after a lost answer it is the same act.
    ///
    /// # Errors
    /// When it is not answered with 200.
    pub fn act(&self, path: &str, body: &Value, number: usize) -> anyhow::Result<Value> {
        let key = format!("events-{}-{number}", self.run);
        self.insist(|| self.api.post(&format!("{ROOT}{path}"), body, Some(&self.token), Some(&key)))
    }

    /// Prints a document.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, document: &Value) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string_pretty(document).context("writing JSON")?);
        Ok(())
    }

    fn insist(&self, send: impl Fn() -> anyhow::Result<Answer>) -> anyhow::Result<Value> {
        let mut failures = 0;
        loop {
            let failure = match send() {
                Ok(answer) if answer.status == 200 => return Ok(answer.json),
                Ok(answer) if is_passing(&answer) => anyhow::anyhow!("{} answered {}", answer.request, answer.text),
                Ok(answer) => bail!("{} answered {}: {}", answer.request, answer.status, told(&answer)),
                Err(error) => error,
            };
            failures += 1;
            if failures == TRIES {
                return Err(failure);
            }
            std::thread::sleep(PAUSE * failures);
        }
    }
}

/// Whether the same request may be answered otherwise in a moment.
fn is_passing(answer: &Answer) -> bool {
    let kind = answer.json.get("type").and_then(Value::as_str).unwrap_or_default();
    matches!(answer.status, 429 | 503 | 504) || kind.ends_with("/conflict")
}

/// A problem in one line, with what to do where the token is the matter.
fn told(answer: &Answer) -> String {
    let word = |name: &str| answer.json.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut text = word("title").to_owned();
    for part in [word("detail"), word("field"), word("why")].into_iter().filter(|part| !part.is_empty()) {
        text.push(' ');
        text.push_str(part);
    }
    match answer.status {
        401 => format!("{text} (the token has expired, or is another system's: log in again)"),
        403 => format!("{text} (log in as an administrator)"),
        _ => text,
    }
}

/// A text member, empty where there is none.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A number, 0 where there is none.
pub fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// The items of a page.
pub fn items(page: &Value) -> &[Value] {
    page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
