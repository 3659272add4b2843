//! The inbox as a stream, through a real system: what comes is told at once, what was missed is told to who comes back, and
//! a session that ends takes its streams along.

use anyhow::{bail, ensure};
use journey::{Api, Person, Stream};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;
use tests::System;

type Outcome = anyhow::Result<()>;

/// How long an event may take: a machine that compiles beside the tests takes its time.
const LIMIT: Duration = Duration::from_secs(30);

/// A client on a socket of its own, which reads what the server sends as it comes.
struct Client {
    address: SocketAddr,
    token: String,
    stream: Stream,
}

impl Client {
    fn open(address: SocketAddr, token: &str, seen: &str) -> anyhow::Result<Self> {
        let mut stream = Stream::ask(address, token, seen, LIMIT)?;
        // The opening says from where it tells.
        while stream.seen.is_empty() || stream.head.is_none() {
            if stream.line()?.is_none() {
                bail!("no stream: {}", stream.head.unwrap_or_default());
            }
        }
        let head = stream.head.clone().unwrap_or_default();
        ensure!(head.starts_with("http/1.1 200"), "{head}");
        ensure!(head.contains("content-type: text/event-stream") && head.contains("cache-control: no-store"), "{head}");
        ensure!(!head.contains("content-length"), "{head}");
        Ok(Self { address, token: token.to_owned(), stream })
    }

    fn event(&mut self) -> anyhow::Result<Option<(String, Value)>> {
        self.stream.event()
    }

    /// What the next message is about; a stream that ends in time is resumed.
    fn message(&mut self) -> anyhow::Result<String> {
        let start = tests::now();
        loop {
            match self.event()? {
                Some((kind, line)) if kind == "notification" => {
                    return Ok(line.get("about").and_then(Value::as_str).unwrap_or_default().to_owned());
                }
                None if start.elapsed() < LIMIT => *self = Self::open(self.address, &self.token, &self.stream.seen)?,
                other => bail!("no message but {other:?}"),
            }
        }
    }
}

fn pay(person: &mut Person, token: &str) -> anyhow::Result<String> {
    let step = person.create_payment(1000, token)?;
    let id = step.answer.split(',').next().unwrap_or_default().to_owned();
    if token == "tok_visa" {
        person.confirm()?
    } else {
        person.confirm_declined()?
    };
    Ok(id)
}

fn status_of(api: &Api, token: Option<&str>) -> anyhow::Result<u16> {
    Ok(api.try_get("/v1/notifications/stream", token)?.status)
}

#[test]
fn what_comes_is_told_and_what_was_missed_is_told_to_who_comes_back() -> Outcome {
    let mut system = System::start_with(&[], &[("stream_seconds", "2")])?;
    let (api, address) = (system.api(), system.address());
    let mut ada = Person::new(api.clone(), "live-ada");
    ada.register()?;
    ada.log_in()?;
    ada.await_welcome_mail()?;
    let token = ada.access_token().to_owned();
    ensure!(status_of(&api, None)? == 401, "nobody listens without a token");

    let (mut one, mut two) = (Client::open(address, &token, "")?, Client::open(address, &token, "")?);
    let first = pay(&mut ada, "tok_visa")?;
    ensure!(one.message()? == first && two.message()? == first, "both streams of the person");
    // The stream ends in time and names how far it told.
    while one.stream.line()?.is_some() {}
    let second = pay(&mut ada, "tok_declined")?;
    let third = pay(&mut ada, "tok_visa")?;
    ada.await_receipt(tests::now())?;
    let mut again = Client::open(address, &token, &one.stream.seen)?;
    let missed = BTreeSet::from([again.message()?, again.message()?]);
    ensure!(missed == BTreeSet::from([second, third]), "what was missed: {missed:?}");
    let rest = again.event()?;
    ensure!(rest.is_none(), "nothing else was missed, but {rest:?}");
    // A name that no stream ever gave.
    let mut ahead = Client::open(address, &token, "9999999999999-0")?;
    ensure!(ahead.event()?.is_some_and(|(kind, _)| kind == "reset"), "the client is told to read its inbox");
    let refused = api.try_get("/v1/notifications/nonsense", Some(&token))?;
    ensure!(refused.status == 404, "the other routes are the inbox's: {}", refused.text);
    system.stop()
}

#[test]
fn a_person_has_so_many_streams_and_the_end_of_the_session_ends_them() -> Outcome {
    let mut system = System::start(&[])?;
    let (api, address) = (system.api(), system.address());
    let mut ada = Person::new(api.clone(), "live-ada");
    ada.register()?;
    ada.log_in()?;
    let token = ada.access_token().to_owned();
    let mut open = (0..8).map(|_| Client::open(address, &token, "")).collect::<anyhow::Result<Vec<_>>>()?;
    let ninth = api.try_get("/v1/notifications/stream", Some(&token))?;
    ensure!(ninth.status == 429 && ninth.retry_after_s.is_some(), "{}", ninth.text);
    // A client that goes away leaves its place, at the latest when its next sign of life finds nobody.
    drop(open.pop());
    let start = tests::now();
    while Client::open(address, &token, "").is_err() {
        ensure!(start.elapsed() < LIMIT, "the place does not come back");
        std::thread::sleep(Duration::from_millis(200));
    }
    api.delete("/v1/sessions/current", Some(&token), "leave")?.expect(204)?;
    for mut stream in open {
        while let Some((kind, data)) = stream.event()? {
            ensure!(kind == "notification", "{kind} {data}");
        }
    }
    let logs = system.logs()?;
    ensure!(!logs.contains("trap"), "{logs}");
    system.stop()
}
