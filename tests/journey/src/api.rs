//! Blocking HTTP to one system, with the answer as JSON.

use crate::Step;
use anyhow::Context as _;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How often a 503 or a 429 is tried again, and how long the client waits in between.
const PATIENCE: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A system's public entry.
#[derive(Clone)]
pub struct Api {
    base: String,
    agent: ureq::Agent,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `METHOD /path`.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub json: Value,
    /// Whether the answer is a replay of an earlier one.
    pub replayed: bool,
    /// After how many seconds the client is asked to come back.
    pub retry_after_s: Option<u64>,
    /// How long the exchange took.
    pub took: Duration,
}

impl Answer {
    /// Fails unless the status is the expected one, showing the answer.
    ///
    /// # Errors
    /// When it is another.
    pub fn expect(self, status: u16) -> anyhow::Result<Self> {
        anyhow::ensure!(
            self.status == status,
            "{} answered {} instead of {status}: {}",
            self.request,
            self.status,
            self.text
        );
        Ok(self)
    }

    /// A text member of the answer.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn text_of(&self, member: &str) -> anyhow::Result<String> {
        self.json
            .get(member)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .with_context(|| format!("{} answered without `{member}`: {}", self.request, self.text))
    }

    /// The step that this answer ends.
    pub fn step(&self, what: &'static str, answer: impl Into<String>) -> Step {
        Step {
            what,
            request: self.request.clone(),
            status: self.status,
            answer: answer.into(),
            took: self.took,
            is_effect: false,
        }
    }
}

impl Api {
    /// The system at a URL such as `http://127.0.0.1:3000`.
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent();
        Self { base: base.trim_end_matches('/').to_owned(), agent }
    }

    /// Asks whether every dependency is there.
    ///
    /// # Errors
    /// When one is not.
    pub fn ready(&self) -> anyhow::Result<Step> {
        let answer = self.try_get("/readyz", None)?.expect(200)?;
        Ok(answer.step("ask whether everything is ready", "ready"))
    }

    /// Asks a few times, a while apart: a machine that has just started everything is busy.
    ///
    /// # Errors
    /// When something is not ready at the last try.
    pub fn soon_ready(&self) -> anyhow::Result<Step> {
        for _ in 0..PATIENCE {
            if let Ok(step) = self.ready() {
                return Ok(step);
            }
            std::thread::sleep(PAUSE);
        }
        self.ready()
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&self, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
        patiently(|| self.try_get(path, token))
    }

    /// Sends a POST with a JSON body.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&self, path: &str, body: &Value, token: Option<&str>, key: Option<&str>) -> anyhow::Result<Answer> {
        patiently(|| self.try_post(path, body, token, key))
    }

    /// Sends a PUT with a JSON body, which may be sent again as it is.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn put(&self, path: &str, body: &Value, token: Option<&str>) -> anyhow::Result<Answer> {
        patiently(|| self.put_once(path, body, token))
    }

    fn put_once(&self, path: &str, body: &Value, token: Option<&str>) -> anyhow::Result<Answer> {
        let mut request = self.agent.put(format!("{}{path}", self.base)).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let start = now();
        let response =
            request.send(body.to_string().as_str()).with_context(|| format!("PUT {path} was not answered"))?;
        read(format!("PUT {path}"), response, start)
    }

    /// Sends a DELETE.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn delete(&self, path: &str, token: Option<&str>, key: &str) -> anyhow::Result<Answer> {
        patiently(|| {
            let mut request = self.agent.delete(format!("{}{path}", self.base)).header("idempotency-key", key);
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let start = now();
            let response = request.call().with_context(|| format!("DELETE {path} was not answered"))?;
            read(format!("DELETE {path}"), response, start)
        })
    }

    /// Sends a GET once, whatever the answer is.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn try_get(&self, path: &str, token: Option<&str>) -> anyhow::Result<Answer> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let start = now();
        let response = request.call().with_context(|| format!("GET {path} was not answered"))?;
        read(format!("GET {path}"), response, start)
    }

    /// Sends a POST once, whatever the answer is.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn try_post(&self, path: &str, body: &Value, token: Option<&str>, key: Option<&str>) -> anyhow::Result<Answer> {
        let mut request = self.agent.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let start = now();
        let response =
            request.send(body.to_string().as_str()).with_context(|| format!("POST {path} was not answered"))?;
        read(format!("POST {path}"), response, start)
    }
}

/// Does as a careful client does with a 503 or a 429, which say that trying again is safe: a few times, as much later as it is
/// told.
fn patiently(exchange: impl Fn() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
    for _ in 0..PATIENCE {
        let answer = exchange()?;
        if !matches!(answer.status, 429 | 503) {
            return Ok(answer);
        }
        let told = answer.retry_after_s.map(Duration::from_secs).filter(|_| answer.status == 429);
        std::thread::sleep(told.unwrap_or(PAUSE).min(LONGEST_PAUSE));
    }
    exchange()
}

#[expect(clippy::disallowed_methods, reason = "a client outside the system measures with its own clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn read(request: String, mut response: ureq::http::Response<ureq::Body>, start: Instant) -> anyhow::Result<Answer> {
    let status = response.status().as_u16();
    let replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
    let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after_s = after.and_then(|text| text.parse().ok());
    let text = response.body_mut().read_to_string().with_context(|| format!("the body of {request} broke off"))?;
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Answer { request, status, text, json, replayed, retry_after_s, took: start.elapsed() })
}
