//! Webhooks through a real system: a captured payment arrives signed at a receiver, what is refused comes again, who is gone is
//! left alone, and receivers that misbehave hold up nobody.

#![expect(clippy::indexing_slicing, reason = "a member that is missing from JSON reads as null")]

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use support::http::{Asked, HttpServer, Reaction, Told};
use tests::{Shop, now};

type Outcome = anyhow::Result<()>;

/// How long something may take that the schedule wants within seconds: a busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(60);
/// How late a message may be at a good receiver while others misbehave. A request that hangs takes fifteen seconds.
const PROMPT: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(50);

/// Everything that a receiver was sent, by path.
type Heard = Arc<Mutex<BTreeMap<String, Vec<(Instant, Asked)>>>>;

/// A receiver that remembers and answers by path: `/refuses-once`, `/gone`, anything else with 200.
fn receiver() -> std::io::Result<(HttpServer, Heard)> {
    let heard = Heard::default();
    let memory = Arc::clone(&heard);
    let server = HttpServer::start(move |asked| {
        let path = asked.path().to_owned();
        let before = {
            let mut heard = memory.lock().unwrap_or_else(PoisonError::into_inner);
            let heard = heard.entry(path.clone()).or_default();
            heard.push((now(), asked));
            heard.len()
        };
        let status = match path.as_str() {
            "/refuses-once" if before == 1 => 503,
            "/gone" => 410,
            _ => 200,
        };
        Reaction::Answer(Told::json(status, r#"{"heard":true}"#))
    })?;
    Ok((server, heard))
}

/// What a path was sent so far.
fn heard_at(heard: &Heard, path: &str) -> Vec<(Instant, Asked)> {
    heard.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned().unwrap_or_default()
}

/// Waits until a path was sent something that fits.
fn await_one(heard: &Heard, path: &str, fits: impl Fn(&Asked) -> bool) -> anyhow::Result<(Instant, Asked)> {
    let start = now();
    loop {
        if let Some(found) = heard_at(heard, path).into_iter().find(|(_, asked)| fits(asked)) {
            return Ok(found);
        }
        ensure!(start.elapsed() < LIMIT, "{path} heard only {:?}", heard_at(heard, path));
        std::thread::sleep(GLANCE);
    }
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap_or(Value::Null)
}

fn is_captured(asked: &Asked, payment: &str) -> bool {
    let body = body(asked);
    body["type"] == "payments.payment.captured.v1" && body["data"]["id"] == payment
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

/// Makes an endpoint; its path in the API and its secret.
fn endpoint(shop: &Shop, url: String, events: &[&str]) -> anyhow::Result<(String, String)> {
    let key = format!("endpoint-{url}");
    let made = shop.as_payer("/v1/webhooks/endpoints", &json!({ "url": url, "events": events }), &key)?.expect(201)?;
    Ok((format!("/v1/webhooks/endpoints/{}", made.text_of("id")?), made.text_of("secret")?))
}

#[test]
fn a_captured_payment_arrives_signed_and_comes_again_until_it_is_heard() -> Outcome {
    let (server, heard) = receiver()?;
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "webhooks")?;
    let captured = ["payments.payment.captured.v1"];
    let (good, secret) = endpoint(&shop, format!("{}/good", server.url()), &captured)?;
    let (stubborn, stubborn_secret) = endpoint(&shop, format!("{}/refuses-once", server.url()), &captured)?;
    let (gone, _) = endpoint(&shop, format!("{}/gone", server.url()), &captured)?;
    let payment = shop.captured("first", "tok_visa")?;

    let (_, asked) = await_one(&heard, "/good", |asked| is_captured(asked, &payment))?;
    verify(&secret, &asked)?;
    ensure!(verify(&stubborn_secret, &asked).is_err(), "another endpoint's secret verifies");
    ensure!(asked.method == "POST" && asked.header("content-type") == Some("application/json"), "{asked:?}");
    let members: Vec<String> = body(&asked).as_object().context("no object")?.keys().cloned().collect();
    ensure!(members == ["data", "timestamp", "type"], "{members:?}");

    // Refused, it comes again after some five seconds under the same name.
    let again = {
        let start = now();
        loop {
            let all = heard_at(&heard, "/refuses-once");
            if all.len() >= 2 {
                break all;
            }
            ensure!(start.elapsed() < LIMIT, "nothing came again: {all:?}");
            std::thread::sleep(GLANCE);
        }
    };
    let ((first_at, first), (second_at, second)) = (&again[0], &again[1]);
    ensure!(first.header("webhook-id") == second.header("webhook-id"), "the name changed");
    ensure!(first.body == second.body, "the body changed");
    ensure!(second_at.duration_since(*first_at) >= Duration::from_secs(3), "it came again at once");
    verify(&stubborn_secret, second)?;
    let message = second.header("webhook-id").context("no name")?.to_owned();
    let log = await_state(&shop, &format!("{stubborn}/messages/{message}"), "delivered")?;
    ensure!(log["attempts"][0]["status"] == 503 && log["attempts"][1]["status"] == 200, "{log}");
    ensure!(log["attempts"][0]["answer_body"] == r#"{"heard":true}"#, "{log}");

    // Who is gone is disabled at once.
    let start = now();
    while shop.look(&gone)?.expect(200)?.json["disabled_reason"] != "gone" {
        ensure!(start.elapsed() < LIMIT, "the endpoint that is gone is still enabled");
        std::thread::sleep(GLANCE);
    }
    ensure!(heard_at(&heard, "/gone").len() == 1, "who is gone was asked again");

    // After a rotation both secrets verify.
    let rotated = shop.as_payer(&format!("{good}/secret/rotate"), &json!({}), "rotate")?.expect(200)?;
    let next = rotated.text_of("secret")?;
    shop.ask_as_payer(&format!("{good}/test"), &json!({}), "test")?.expect(202)?;
    let (_, test) = await_one(&heard, "/good", |asked| body(asked)["type"] == "webhooks.endpoint.test.v1")?;
    verify(&next, &test)?;
    verify(&secret, &test)?;

    // Sent again on demand, under the same name.
    let message = asked.header("webhook-id").context("no name")?;
    shop.ask_as_payer(&format!("{good}/messages/{message}/resend"), &json!({}), "resend")?.expect(202)?;
    let start = now();
    while heard_at(&heard, "/good").iter().filter(|(_, one)| one.header("webhook-id") == Some(message)).count() < 2 {
        ensure!(start.elapsed() < LIMIT, "nothing was sent again");
        std::thread::sleep(GLANCE);
    }
    let logs = system.logs()?;
    for hidden in ["whsec_", server.url().as_str(), "\"v1,"] {
        ensure!(!logs.contains(hidden), "the logs hold {hidden}");
    }
    system.stop()
}

fn await_state(shop: &Shop, path: &str, state: &str) -> anyhow::Result<Value> {
    let start = now();
    loop {
        let seen = shop.look(path)?.expect(200)?.json;
        if seen["state"] == state {
            return Ok(seen);
        }
        ensure!(start.elapsed() < LIMIT, "{path} is {seen}");
        std::thread::sleep(GLANCE);
    }
}

/// How a hostile receiver answers once it has read a request.
fn misbehave(kind: usize, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut buffer = [0; 8192];
    let _read = stream.read(&mut buffer)?;
    match kind {
        // It hangs.
        0 => std::thread::sleep(Duration::from_secs(40)),
        // A body without an end.
        1 => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                stream.write_all(b"400\r\n")?;
                stream.write_all(&[b'x'; 0x400])?;
                stream.write_all(b"\r\n")?;
            }
        }
        // A length that is a lie.
        2 => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nshort")?;
            std::thread::sleep(Duration::from_secs(40));
        }
        // Gzip that says it would be a gigabyte.
        3 => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1048576\r\n\r\n")?;
            let mut bomb = vec![0; 1_048_576];
            bomb[..10].copy_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
            stream.write_all(&bomb)?;
        }
        // Headers that drip.
        4 => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-drip: ")?;
            for _ in 0..40 {
                stream.write_all(b"x")?;
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        // A redirect into our own network.
        5 => {
            stream.write_all(
                b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:6379/\r\ncontent-length: 0\r\n\r\n",
            )?;
        }
        // No HTTP at all.
        _ => stream.write_all(b"-ERR unknown command\r\n")?,
    }
    Ok(())
}

const KINDS: usize = 7;

/// A server that misbehaves in one way; its URL. It ends with the test.
fn hostile(kind: usize) -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || misbehave(kind, stream).ok());
        }
    });
    Ok(url)
}

#[test]
fn receivers_that_misbehave_hold_up_nobody() -> Outcome {
    let (server, heard) = receiver()?;
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "hostile")?;
    let mut hostiles = Vec::new();
    for kind in 0..KINDS {
        hostiles.push(endpoint(&shop, hostile(kind)?, &[])?.0);
    }
    endpoint(&shop, format!("{}/good", server.url()), &["payments.payment.captured.v1"])?;
    // Each payment is several events, each of them a message for each hostile receiver.
    for round in 0..5 {
        let payment = shop.captured(&format!("round-{round}"), "tok_visa")?;
        let captured_at = now();
        let (heard_at, _) = await_one(&heard, "/good", |asked| is_captured(asked, &payment))?;
        let late = heard_at.saturating_duration_since(captured_at);
        ensure!(late < PROMPT, "round {round} came after {late:?}");
        std::thread::sleep(Duration::from_secs(2));
    }
    let outcome = |kind: usize| -> anyhow::Result<Value> {
        let page = shop.look(&format!("{}/attempts?limit=100", hostiles[kind]))?.expect(200)?.json;
        let items = page["items"].as_array().context("no list")?;
        Ok(items.iter().map(|item| item["outcome"].clone()).find(|outcome| *outcome != "open").unwrap_or_default())
    };
    // What answered with 200 has it, whatever came after; what did not, has it not.
    for (kind, wanted) in
        [(0, "lost"), (1, "delivered"), (2, "delivered"), (3, "delivered"), (4, "lost"), (5, "refused"), (6, "lost")]
    {
        let start = now();
        loop {
            let found = outcome(kind)?;
            if found == wanted {
                break;
            }
            ensure!(start.elapsed() < LIMIT, "receiver {kind}: {found}, not {wanted}");
            std::thread::sleep(GLANCE);
        }
    }
    system.stop()
}

#[test]
fn nobody_is_sent_to_where_requests_must_not_go() -> Outcome {
    let mut system = Shop::system(&[("webhook_receivers", "http://127.0.0.1:1")])?;
    let shop = Shop::enter(&system, "guard")?;
    for url in
        ["http://127.0.0.1:6379/", "https://169.254.169.254/", "https://users.spin.internal/", "https://localhost/"]
    {
        let answer = shop.as_payer("/v1/webhooks/endpoints", &json!({ "url": url }), url)?;
        ensure!(answer.status == 422 && answer.json["field"] == "url", "{url}: {}", answer.text);
    }
    let stranger = shop.api.get("/v1/webhooks/endpoints", None)?;
    ensure!(stranger.status == 401, "a stranger looks at endpoints: {}", stranger.text);
    let told = shop.api.get("/internal/webhooks/events", None)?;
    ensure!(told.status == 401, "a stranger reads what webhooks told: {}", told.text);
    shop.api.get("/v1/webhooks/event-types", None)?.expect(200)?;
    system.stop()
}
