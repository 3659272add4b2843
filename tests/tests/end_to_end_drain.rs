//! A system in which nothing rings: no Redis trigger wakes a worker, no pulse. By drains over HTTP alone letters leave, overviews
//! are right, webhooks arrive, and somebody who leaves is gone.

#![expect(clippy::indexing_slicing, reason = "a member that is missing from JSON reads as null")]

use ambient::{Clock, SystemClock};
use anyhow::{Context as _, ensure};
use journey::Api;
use redis::Commands as _;
use serde_json::{Value, json};
use service_token::ServiceTokens;
use standardwebhooks::Webhook;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use support::http::{Asked, HttpServer, Reaction, Told};
use tests::{Leaver, System, Workplace, now, total};

type Outcome = anyhow::Result<()>;

const CONTEXTS: [&str; 6] = ["users", "payments", "notifications", "queries", "webhooks", "operations"];
const EMAIL: &str = "drained@example.com";
/// A busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(90);
const GLANCE: Duration = Duration::from_millis(100);
/// With a pulse a second, a worker would have shown itself by now.
const SILENCE: Duration = Duration::from_secs(3);

/// Whoever calls the drains, as a clock of the platform would.
struct Drains {
    api: Api,
    tokens: ServiceTokens,
}

impl Drains {
    fn of(system: &System) -> anyhow::Result<Self> {
        Ok(Self { api: system.api(), tokens: ServiceTokens::new(system.secret("service_token_key")?.as_bytes()) })
    }

    /// One round of a worker; what it says that it did.
    fn call(&self, context: &str) -> anyhow::Result<Value> {
        let token = self.tokens.issue(context, SystemClock.now());
        let path = format!("/internal/{context}/drain");
        Ok(self.api.post(&path, &json!({}), Some(&token), None)?.expect(200)?.json)
    }

    /// Calls all of them, round by round, until something is there.
    fn until<T>(&self, what: &str, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
        let start = now();
        let mut last = Vec::new();
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            ensure!(start.elapsed() < LIMIT, "{what} does not come: {last:?}");
            last = CONTEXTS.iter().map(|context| self.call(context)).collect::<anyhow::Result<_>>()?;
            std::thread::sleep(GLANCE);
        }
    }
}

/// A receiver that remembers everything.
fn receiver() -> std::io::Result<(HttpServer, Arc<Mutex<Vec<Asked>>>)> {
    let heard: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let memory = Arc::clone(&heard);
    let server = HttpServer::start(move |asked| {
        memory.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        Reaction::Answer(Told::json(200, "{}"))
    })?;
    Ok((server, heard))
}

/// Verifies as a receiver does, with the standard's own library.
fn verify(secret: &str, asked: &Asked) -> Outcome {
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, asked.header(name).with_context(|| format!("no {name}"))?.parse()?);
    }
    Webhook::new(secret)?.verify(&asked.body, &headers)?;
    Ok(())
}

#[test]
fn where_nothing_rings_drains_do_all_that_workers_do() -> Outcome {
    let (server, heard) = receiver()?;
    let mut system = System::start(&["--no-workers"])?;
    let drains = Drains::of(&system)?;
    let person = Leaver::enter(system.api(), EMAIL)?;
    let (api, token) = (&person.api, person.token.as_str());
    let see = |path: &str| -> anyhow::Result<Value> { Ok(api.get(path, Some(token))?.expect(200)?.json) };
    let letters = || -> anyhow::Result<u64> { Ok(total(&api.get(&person.mailbox(), None)?.expect(200)?.json)) };

    // Nobody works who is not asked, and nobody may ask who has no token, or another's.
    for context in CONTEXTS {
        let path = format!("/internal/{context}/drain");
        api.post(&path, &json!({}), None, None)?.expect(401)?;
        api.post(&path, &json!({}), Some(token), None)?.expect(401)?;
        let others = if context == "users" { "payments" } else { "users" };
        let others = drains.tokens.issue(others, SystemClock.now());
        api.post(&path, &json!({}), Some(&others), None)?.expect(401)?;
    }
    std::thread::sleep(SILENCE);
    ensure!(letters()? == 0, "a letter left although nobody drained");

    // The welcome.
    drains.until("the welcome", || Ok((letters()? > 0).then_some(())))?;

    // A payment: receipt, letter, overview, and a webhook that is signed.
    let wanted = json!({ "url": format!("{}/hook", server.url()), "events": ["payments.payment.captured.v1"] });
    let endpoint = api.post("/v1/webhooks/endpoints", &wanted, Some(token), Some("endpoint"))?.expect(201)?;
    let payment = person.pays("k1")?;
    let asked =
        drains.until("the webhook", || Ok(heard.lock().unwrap_or_else(PoisonError::into_inner).first().cloned()))?;
    verify(&endpoint.text_of("secret")?, &asked)?;
    let told: Value = serde_json::from_slice(&asked.body)?;
    ensure!(told["data"]["id"] == json!(payment), "{told}");
    drains.until("the receipt", || {
        let inbox = see("/v1/notifications")?;
        Ok((total(&inbox) >= 2 && letters()? >= 3).then_some(()))
    })?;
    drains.until("the overview", || Ok((see("/v1/overview")?["payments"]["total"] == json!(1)).then_some(())))?;

    // Twice at once is as good as once.
    let payment = person.pays("k2")?;
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| drains.call("notifications"))).collect();
        calls.into_iter().try_for_each(|call| match call.join() {
            Ok(answer) => answer.map(drop),
            Err(_) => anyhow::bail!("a drain panicked"),
        })
    })?;
    let overview = drains.until("the second payment", || {
        let overview = see("/v1/overview")?;
        Ok((overview["payments"]["total"] == json!(2)).then_some(overview))
    })?;
    ensure!(overview["payments"]["captured"]["EUR"] == json!(3000), "{overview}");
    drains.until("the second webhook", || {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((heard.len() >= 2).then_some(()))
    })?;
    let inbox = see("/v1/notifications")?;
    ensure!(total(&inbox) == 3 && inbox.to_string().matches(payment.as_str()).count() <= 2, "{inbox}");
    ensure!(heard.lock().unwrap_or_else(PoisonError::into_inner).len() == 2, "a webhook came twice");

    // House is kept: what every worker shows of its stream once a pulse is there.
    let mut redis = redis::Client::open(system.redis_url()?)?.get_connection()?;
    for context in CONTEXTS {
        let shown: Option<u64> = redis.hget(format!("{{{context}/metrics}}:stream"), "entries")?;
        ensure!(shown.is_some(), "nobody kept house for {context}");
    }

    // Somebody leaves.
    let erasure = api.post("/v1/users/me/erasure", &person.proof(), Some(token), None)?.expect(202)?.text_of("id")?;
    let receipt = format!("/v1/users/me/erasure/{erasure}");
    let receipt = drains.until("the end of the erasure", || {
        let receipt = api.get(&receipt, None)?.expect(200)?.json;
        Ok((receipt["status"] == json!("done")).then_some(receipt))
    })?;
    ensure!(receipt["services"].as_array().is_some_and(|services| services.len() == 5), "{receipt}");
    ensure!(letters()? == 0, "letters are left");

    the_command_does_it_too(&system)?;
    system.stop()
}

/// `cargo xtask drain`, as a clock would run it.
fn the_command_does_it_too(system: &System) -> Outcome {
    let drain = |arguments: &[&str]| -> anyhow::Result<(bool, Vec<Value>)> {
        let output = Command::new(Workplace::program("xtask")?)
            .args(["drain", "--json", "--url", &format!("http://{}", system.address()), "--state"])
            .arg(system.state())
            .args(arguments)
            .current_dir(Workplace::root())
            .output()?;
        let lines = String::from_utf8(output.stdout)?;
        let lines = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok((output.status.success(), lines))
    };
    let (succeeded, lines) = drain(&[])?;
    ensure!(succeeded && lines.len() == CONTEXTS.len(), "{lines:?}");
    for (line, context) in lines.iter().zip(CONTEXTS) {
        ensure!(line["context"] == context && line["status"] == 200, "{line}");
        ensure!(line["answer"]["rebuilding"] == false, "{line}");
    }
    let (succeeded, lines) = drain(&["queries", "--key", "another key of more than 32 bytes, of somebody else"])?;
    ensure!(!succeeded && lines.len() == 1 && lines[0]["status"] == 401, "{lines:?}");
    Ok(())
}
