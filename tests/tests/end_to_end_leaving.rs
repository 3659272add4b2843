//! A person leaves, through a real system: takes the data along first, then the account is gone, every service has done its
//! part and says so, letters are taken back, and the address is free.

use anyhow::{bail, ensure};
use journey::Api;
use serde_json::{Value, json};
use std::time::Duration;
use tests::System;

type Outcome = anyhow::Result<()>;

const EMAIL: &str = "leaving@example.com";
/// How often and how long something is waited for.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

#[test]
fn a_person_takes_the_data_along_and_leaves_no_trace_but_the_books() -> Outcome {
    let mut system = System::start(&[])?;
    let api = system.api();
    let token = enter(&api)?;
    let payment = pay(&api, &token, "k1")?;
    until(&api, &mailbox(), None, |letters| total(letters) >= 3)?;
    until(&api, "/v1/overview", Some(&token), |seen| seen.pointer("/payments/total") == Some(&json!(1)))?;

    // Along …
    let proof = json!({ "password": "battery staple" });
    api.post("/v1/users/me/export", &json!({ "password": "wrong staple" }), Some(&token), None)?.expect(422)?;
    let export = api.post("/v1/users/me/export", &proof, Some(&token), None)?.expect(202)?.text_of("id")?;
    let path = format!("/v1/users/me/export/{export}");
    until(&api, &path, Some(&token), |export| export.get("status") == Some(&json!("ready")))?;
    let document = api.get(&format!("{path}/document"), Some(&token))?.expect(200)?;
    for part in ["/account/email", "/sessions/0/id", "/payments/payments/0/id", "/notifications/messages/0/text"] {
        ensure!(document.json.pointer(part).is_some(), "{part} is not in {}", document.text);
    }
    ensure!(document.json.pointer("/payments/payments/0/id") == Some(&json!(payment)), "{}", document.text);
    api.get(&format!("{path}/document"), None)?.expect(401)?;

    // … and away.
    let erasure = api.post("/v1/users/me/erasure", &proof, Some(&token), None)?.expect(202)?.text_of("id")?;
    api.get("/v1/users/me", Some(&token))?.expect(404)?;
    let login = json!({ "email": EMAIL, "password": "battery staple" });
    api.post("/v1/sessions", &login, None, None)?.expect(401)?;
    let receipt = until(&api, &format!("/v1/users/me/erasure/{erasure}"), None, |receipt| {
        receipt.get("status") == Some(&json!("done"))
    })?;
    let count = |service: usize, what: &str| -> Option<u64> {
        let erased = receipt.pointer(&format!("/services/{service}/erased"))?.as_array()?;
        erased.iter().find(|gone| gone.get("what") == Some(&json!(what)))?.get("count")?.as_u64()
    };
    ensure!(count(0, "sessions") == Some(1) && count(0, "export_pages") == Some(3), "{receipt}");
    ensure!(count(1, "payment_descriptions_return_addresses_and_tokens") == Some(1), "{receipt}");
    ensure!(count(2, "inbox_notifications") == Some(2) && count(2, "messages") == Some(3), "{receipt}");
    ensure!(count(3, "payment_views") == Some(1), "{receipt}");
    let letters = api.get(&mailbox(), None)?.expect(200)?;
    ensure!(total(&letters.json) == 0, "letters are left: {}", letters.text);
    // What is still shown to a token that is out: nothing of the person.
    let seen = api.get(&format!("/v1/payments/{payment}"), Some(&token))?.expect(200)?;
    ensure!(!seen.text.contains("Elm Street") && !seen.text.contains("tok_visa"), "{}", seen.text);
    ensure!(total(&api.get("/v1/notifications", Some(&token))?.expect(200)?.json) == 0, "an inbox is left");

    // The address is free, and the new account is another.
    let again = enter(&api)?;
    let overview =
        until(&api, "/v1/overview", Some(&again), |seen| seen.get("profile").is_some_and(|it| !it.is_null()))?;
    ensure!(overview.pointer("/payments/total") == Some(&json!(0)), "{overview}");

    let logs = system.logs()?;
    for secret in [EMAIL, "battery staple", "Elm Street"] {
        ensure!(!logs.contains(secret), "the logs hold {secret:?}");
    }
    system.stop()
}

#[test]
fn a_payment_that_is_held_delays_its_part_and_is_captured_all_the_same() -> Outcome {
    let mut system = System::start(&[])?;
    let api = system.api();
    let token = enter(&api)?;
    let body = json!({
        "amount_minor": 1500, "currency": "EUR", "payment_method": "tok_visa", "capture_method": "manual"
    });
    let payment = api.post("/v1/payments", &body, Some(&token), Some("k1"))?.expect(201)?.text_of("id")?;
    let path = format!("/v1/payments/{payment}");
    api.post(&format!("{path}/confirm"), &json!({}), Some(&token), Some("k2"))?.expect(200)?;
    let proof = json!({ "password": "battery staple" });
    let erasure = api.post("/v1/users/me/erasure", &proof, Some(&token), None)?.expect(202)?.text_of("id")?;
    let receipt = until(&api, &format!("/v1/users/me/erasure/{erasure}"), None, |receipt| {
        receipt.get("status") == Some(&json!("waiting"))
    })?;
    let waiting = receipt.pointer("/services/1/waiting/0/count");
    ensure!(waiting == Some(&json!(1)), "{receipt}");
    let captured = api.post(&format!("{path}/capture"), &json!({}), Some(&token), Some("k3"))?.expect(200)?;
    ensure!(captured.text_of("status")? == "captured", "{}", captured.text);
    system.stop()
}

/// Registers and logs in.
fn enter(api: &Api) -> anyhow::Result<String> {
    let account = json!({ "email": EMAIL, "password": "battery staple", "display_name": "Robin" });
    api.post("/v1/users", &account, None, None)?.expect(202)?;
    let login = json!({ "email": EMAIL, "password": "battery staple" });
    api.post("/v1/sessions", &login, None, None)?.expect(200)?.text_of("access_token")
}

fn pay(api: &Api, token: &str, key: &str) -> anyhow::Result<String> {
    let body = json!({
        "amount_minor": 1500, "currency": "EUR", "payment_method": "tok_visa",
        "description": "Two books for Elm Street 7"
    });
    let payment = api.post("/v1/payments", &body, Some(token), Some(key))?.expect(201)?.text_of("id")?;
    let confirm = format!("/v1/payments/{payment}/confirm");
    api.post(&confirm, &json!({}), Some(token), Some(&format!("{key}c")))?.expect(200)?;
    Ok(payment)
}

fn mailbox() -> String {
    format!("/sandbox/v1/mail?to={}", EMAIL.replace('@', "%40"))
}

fn total(list: &Value) -> u64 {
    let items = || list.get("items").and_then(Value::as_array).map_or(0, |items| items.len() as u64);
    list.get("total").and_then(Value::as_u64).unwrap_or_else(items)
}

/// Looks until something is as it should be.
fn until(api: &Api, path: &str, token: Option<&str>, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let mut last = Value::Null;
    for _ in 0..LOOKS {
        last = api.get(path, token)?.expect(200)?.json;
        if is_so(&last) {
            return Ok(last);
        }
        std::thread::sleep(PAUSE);
    }
    bail!("{path} stays {last}")
}
