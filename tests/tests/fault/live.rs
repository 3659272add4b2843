//! A client that follows its inbox while the host and Redis are killed: whatever came is told, once.

use anyhow::{Context as _, ensure};
use journey::{Person, Stream};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tests::{System, now};

type Outcome = anyhow::Result<()>;

/// What a dead worker had in hand is claimed after half a minute.
const LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(200);

/// What the client was told, in order: names of messages, and `reset`.
type Told = Mutex<Vec<String>>;

/// Follows as a browser would: comes back with the last name after every end, however it came.
fn follow(address: SocketAddr, token: &str, mut seen: String, told: &Told, is_enough: &AtomicBool) {
    while !is_enough.load(Ordering::SeqCst) {
        let Ok(mut stream) = Stream::ask(address, token, &seen, LIMIT) else {
            std::thread::sleep(PAUSE);
            continue;
        };
        while let Ok(Some((kind, data))) = stream.event() {
            let name = data.get("id").and_then(Value::as_str).unwrap_or(&kind).to_owned();
            told.lock().map(|mut told| told.push(name)).ok();
            if is_enough.load(Ordering::SeqCst) {
                return;
            }
        }
        seen = stream.seen;
        std::thread::sleep(PAUSE);
    }
}

/// The names in the inbox, as the API lists them.
fn inbox(system: &System, token: &str) -> anyhow::Result<Vec<String>> {
    let page = system.api().get("/v1/notifications?limit=100", Some(token))?.expect(200)?;
    let items = page.json.get("items").and_then(Value::as_array).cloned().context("a page without items")?;
    Ok(items.iter().filter_map(|item| item.get("id")?.as_str()).map(str::to_owned).collect())
}

#[test]
fn a_client_that_comes_back_is_told_everything_once_while_all_around_it_dies() -> Outcome {
    let mut system = System::start_with(&[], &[("stream_seconds", "5")])?;
    let mut ada = Person::new(system.api(), "live-fault");
    ada.register()?;
    ada.log_in()?;
    ada.await_welcome_mail()?;
    let token = ada.access_token().to_owned();
    let before = inbox(&system, &token)?;
    // From here on nothing may be missed.
    let mut first = Stream::ask(system.address(), &token, "", LIMIT)?;
    while first.seen.is_empty() {
        first.line()?.context("the stream ended at once")?;
    }
    let from = first.seen.clone();
    let (told, is_enough, address) = (Told::default(), AtomicBool::new(false), system.address());
    std::thread::scope(|scope| -> Outcome {
        scope.spawn(|| follow(address, &token, from, &told, &is_enough));
        let played = play(&mut system, &mut ada, &token, &before, &told);
        is_enough.store(true, Ordering::SeqCst);
        // Whoever still listens hears of one more message, or of the end.
        let stopped = system.stop();
        played.and(stopped)
    })
}

fn play(system: &mut System, ada: &mut Person, token: &str, before: &[String], told: &Told) -> Outcome {
    for round in 0..3 {
        for _ in 0..3 {
            ada.create_payment(100, "tok_declined")?;
            ada.confirm_declined()?;
        }
        match round {
            0 => system.kill_host()?,
            1 => system.kill_redis()?,
            _ => break,
        }
        system.start_again()?;
    }
    let start = now();
    loop {
        let mut came = inbox(system, token)?;
        came.retain(|message| !before.contains(message));
        let mut heard = told.lock().map(|told| told.clone()).unwrap_or_default();
        came.sort();
        heard.sort();
        if came.len() == 9 && heard.len() >= 9 {
            ensure!(came == heard, "came {came:?}, told {heard:?}");
            return Ok(());
        }
        ensure!(start.elapsed() < LIMIT, "came {came:?}, told {heard:?}");
        std::thread::sleep(PAUSE);
    }
}
