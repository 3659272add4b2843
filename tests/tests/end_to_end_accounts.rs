//! Accounts under a crowd, through a real system: many instances, one Redis, one hash at a time.

use anyhow::{anyhow, ensure};
use journey::{Answer, Api};
use serde_json::{Value, json};
use std::time::Duration;
use tests::System;

type Outcome = anyhow::Result<()>;

/// How many do the same at once.
const CROWD: usize = 12;
/// How many passwords are tried at the account: the last of them waits a second for its turn.
const PASSWORDS: usize = 6;
/// How often somebody who is told to come back does.
const MOST_TRIES: u32 = 60;

#[test]
fn a_crowd_at_one_address_is_one_account_and_twins_are_one_session() -> Outcome {
    let mut system = System::start(&[])?;
    let api = system.api();
    let address = "crowd@example.com";
    let passwords: Vec<String> = (0..PASSWORDS).map(|place| format!("battery staple {place}")).collect();

    for answer in at_once(passwords.iter().map(|password| {
        let body = json!({ "email": address, "password": password, "display_name": "Crowd" });
        (&api, "/v1/users", body)
    }))? {
        ensure!(answer.status == 202 && answer.text == r#"{"status":"accepted"}"#, "{}", answer.text);
    }
    let logins = at_once(passwords.iter().map(|password| {
        let body = json!({ "email": address.to_uppercase(), "password": password });
        (&api, "/v1/sessions", body)
    }))?;
    let (entered, refused): (Vec<_>, Vec<_>) = logins.into_iter().partition(|answer| answer.status == 200);
    ensure!(entered.len() == 1, "{} of {PASSWORDS} passwords opened the one account", entered.len());
    ensure!(refused.iter().all(|answer| answer.status == 401), "{refused:?}");

    let first = entered[0].text_of("refresh_token")?;
    let twins = at_once((0..CROWD).map(|_| (&api, "/v1/sessions/refresh", json!({ "refresh_token": first }))))?;
    let next = twins[0].text_of("refresh_token")?;
    ensure!(next != first, "the token was not replaced");
    for twin in &twins {
        ensure!(twin.text_of("refresh_token")? == next, "twins were given different tokens");
    }
    let answer = api.post("/v1/sessions/refresh", &json!({ "refresh_token": next }), None, None)?;
    ensure!(answer.status == 200, "the session ended: {}", answer.text);
    let two_steps_back = api.post("/v1/sessions/refresh", &json!({ "refresh_token": first }), None, None)?;
    ensure!(two_steps_back.status == 401, "a used token continued a session: {}", two_steps_back.text);
    let last = json!({ "refresh_token": answer.text_of("refresh_token")? });
    let ended = api.post("/v1/sessions/refresh", &last, None, None)?;
    ensure!(ended.status == 401, "the family outlived the reuse: {}", ended.text);

    let logs = system.logs()?;
    for secret in [address, "battery staple", "$argon2id$", &proof(&first), &proof(&next)] {
        ensure!(!logs.contains(secret), "the logs hold {secret:?}");
    }
    system.stop()
}

#[test]
fn what_is_internal_is_closed_to_strangers() -> Outcome {
    let mut system = System::start(&[])?;
    let api = system.api();
    let hash = api.post("/internal/hasher/hash", &json!({ "password": "battery staple" }), None, None)?;
    ensure!(hash.status == 404, "the hasher has a public route: {}", hash.text);
    for path in ["/internal/users/events", "/internal/notifications/events"] {
        ensure!(api.get(path, None)?.status == 401, "{path} without a token");
        ensure!(api.get(path, Some("no.token"))?.status == 401, "{path} with nonsense");
    }
    // A probe carries no token, and learns nothing else.
    let ready = api.get("/internal/users/readyz", None)?.expect(200)?;
    ensure!(ready.json == json!({ "status": "ready" }), "{}", ready.text);
    system.stop()
}

/// Sends all at the same time; whoever is told to come back (503) does.
fn at_once<'a>(requests: impl Iterator<Item = (&'a Api, &'a str, Value)>) -> anyhow::Result<Vec<Answer>> {
    std::thread::scope(|scope| {
        let calls: Vec<_> =
            requests.map(|(api, path, body)| scope.spawn(move || patiently(api, path, &body))).collect();
        calls.into_iter().map(|call| call.join().map_err(|_| anyhow!("a call panicked"))?).collect()
    })
}

fn patiently(api: &Api, path: &str, body: &Value) -> anyhow::Result<Answer> {
    for _ in 0..MOST_TRIES {
        let answer = api.post(path, body, None, None)?;
        if !matches!(answer.status, 429 | 503) {
            return Ok(answer);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Err(anyhow!("{path} was never answered but with 503"))
}

/// The secret part of a refresh token.
fn proof(token: &str) -> String {
    token.rsplit('.').next().unwrap_or_default().to_owned()
}
