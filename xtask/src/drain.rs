//! `cargo xtask drain`: what a Redis trigger does once a second, over HTTP, for platforms that have none (docs/events.md).
//!
//! Each context has `POST /internal/<context>/drain`, which runs one bounded round of its worker. What is here: the token, the
//! calls, what was answered. What is not: any of the work.
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ambient::{Clock as _, SystemClock};
use anyhow::{Context as _, ensure};
use clap::Args;
use journey::Api;
use serde_json::{Value, json};
use service_token::{LEAST_KEY_BYTES, ServiceTokens};

use crate::narration::Stopwatch;
use crate::up::secrets::Secrets;
use crate::up::state::SECRETS;
use crate::workspace::Workspace;

/// The contexts that have a worker, in the order in which their events go on.
const CONTEXTS: [&str; 6] = ["users", "payments", "notifications", "queries", "webhooks", "operations"];
/// The variable of the manifest that holds the key of service tokens.
const KEY: &str = "service_token_key";
/// The time between the beginnings of two calls.
const INTERVAL: Duration = Duration::from_secs(1);

/// Flags of `drain`.
#[derive(Debug, Args)]
pub struct DrainFlags {
    /// Whose workers: `users`, `payments`, … All of them where none is named.
    #[arg(value_parser = CONTEXTS)]
    pub contexts: Vec<String>,
    /// Go on, each once a second, until Ctrl-C.
    #[arg(long, short)]
    pub watch: bool,
    /// Print one JSON document a call.
    #[arg(long)]
    pub json: bool,
    /// The public entry of a system that is up.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The state folder of the local system, whose key signs.
    #[arg(long, default_value = ".spindrift")]
    pub state: PathBuf,
    /// The key of another system: the value of its variable `service_token_key`.
    #[arg(long, env = "SPINDRIFT_SERVICE_TOKEN_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

/// Calls the drains.
///
/// # Errors
/// When there is no key. A call that fails is printed, and ends the command with a failure unless it watches.
pub fn run(workspace: &Workspace, flags: &DrainFlags) -> anyhow::Result<ExitCode> {
    let key = match &flags.key {
        Some(key) => key.clone(),
        None => {
            let secrets = Secrets::load(&workspace.root.join(&flags.state).join(SECRETS))?;
            secrets.variables.get(KEY).cloned().context("the folder has no key of service tokens yet")?
        }
    };
    ensure!(key.len() >= LEAST_KEY_BYTES, "a key of service tokens has at least {LEAST_KEY_BYTES} bytes");
    let caller = Caller { api: Api::new(&flags.url), tokens: ServiceTokens::new(key.as_bytes()), json: flags.json };
    let contexts: Vec<&str> =
        if flags.contexts.is_empty() { CONTEXTS.into() } else { flags.contexts.iter().map(String::as_str).collect() };
    if flags.watch {
        // Each for itself: one that sends to a slow receiver holds up no other.
        std::thread::scope(|scope| {
            for context in contexts {
                scope.spawn(|| caller.call_again_and_again(context));
            }
        });
        return Ok(ExitCode::SUCCESS);
    }
    let failures = contexts.into_iter().filter(|context| !caller.call(context).tell(flags.json)).count();
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who calls, with which key.
struct Caller {
    api: Api,
    tokens: ServiceTokens,
    json: bool,
}

impl Caller {
    /// One call.
    fn call(&self, context: &str) -> Called {
        let token = self.tokens.issue(context, SystemClock.now());
        let answer = self.api.post(&format!("/internal/{context}/drain"), &json!({}), Some(&token), None);
        let (status, answer) = match answer {
            Ok(answer) => (answer.status, answer.json),
            Err(error) => (0, json!({ "title": format!("{error:#}") })),
        };
        Called { context: context.to_owned(), status, answer }
    }

    fn call_again_and_again(&self, context: &str) {
        loop {
            let stopwatch = Stopwatch::start();
            let called = self.call(context);
            if self.json || called.has_news() {
                called.tell(self.json);
            }
            std::thread::sleep(INTERVAL.saturating_sub(stopwatch.elapsed()));
        }
    }
}

/// What one call came to.
struct Called {
    context: String,
    /// The HTTP status; 0 where there was no answer.
    status: u16,
    answer: Value,
}

impl Called {
    /// Whether anything was done, or could not be.
    fn has_news(&self) -> bool {
        let is_something = |value: &Value| match value {
            Value::Bool(is_so) => *is_so,
            Value::Number(number) => number.as_u64() != Some(0),
            Value::Array(items) => !items.is_empty(),
            Value::Null | Value::String(_) | Value::Object(_) => false,
        };
        self.status != 200 || self.answer.as_object().is_some_and(|members| members.values().any(is_something))
    }

    /// Prints it; whether the drain did what it could.
    fn tell(&self, json: bool) -> bool {
        if json {
            println!("{}", json!({ "context": self.context, "status": self.status, "answer": self.answer }));
        } else {
            println!("{:<14} {}", self.context, self.words());
        }
        self.status == 200
    }

    /// **Shape** `3 done, 1 sent`; `nothing to do`; `401 A token is missing or does not hold.`
    fn words(&self) -> String {
        if self.status != 200 {
            let title = self.answer.get("title").and_then(Value::as_str).unwrap_or_default();
            return format!("{} {title}", self.status);
        }
        let members = self.answer.as_object().into_iter().flatten();
        let words: Vec<String> = members
            .filter_map(|(name, value)| {
                let name = name.replace('_', " ");
                match value {
                    Value::Bool(true) => Some(name),
                    Value::Number(number) if number.as_u64() != Some(0) => Some(format!("{number} {name}")),
                    Value::Array(items) if !items.is_empty() => {
                        let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                        Some(format!("{name}: {}", items.join(", ")))
                    }
                    _ => None,
                }
            })
            .collect();
        if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(status: u16, answer: Value) -> Called {
        Called { context: "payments".to_owned(), status, answer }
    }

    #[test]
    fn what_was_done_is_told_in_words_and_nothing_is_no_news() {
        let nothing = called(200, json!({ "rebuilding": false, "done": 0, "failed": [], "left_behind": false }));
        assert_eq!((nothing.has_news(), nothing.words().as_str()), (false, "nothing to do"));
        let something =
            called(200, json!({ "done": 3, "failed": ["the journal was not sealed"], "left_behind": true }));
        assert_eq!(something.words(), "3 done, failed: the journal was not sealed, left behind");
        assert!(something.has_news());
    }

    #[test]
    fn a_refusal_is_news_and_no_success() {
        let refused = called(401, json!({ "title": "A token is missing." }));
        assert_eq!((refused.has_news(), refused.words().as_str()), (true, "401 A token is missing."));
        assert!(!refused.tell(true));
    }

    #[test]
    fn every_worker_that_is_no_development_tool_has_a_drain_and_is_called() {
        let functions = std::fs::read_dir(Workspace::here().unwrap().root.join("functions")).unwrap();
        let names: Vec<String> =
            functions.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        let of = |end: &str| {
            let mut found: Vec<String> =
                names.iter().filter_map(|name| name.strip_suffix(end).map(str::to_owned)).collect();
            found.sort_unstable();
            found
        };
        let mut workers = of("-worker");
        workers.retain(|context| context != "sandbox");
        let mut called = CONTEXTS.to_vec();
        called.sort_unstable();
        assert_eq!(of("-drain"), workers);
        assert_eq!(called, workers);
    }
}
