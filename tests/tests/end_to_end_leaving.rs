//! A person leaves, through a real system: takes the data along first, then the account is gone, every service has done its
//! part and says so, letters are taken back, and the address is free.

use anyhow::ensure;
use serde_json::json;
use tests::{Leaver, System, total};

type Outcome = anyhow::Result<()>;

const EMAIL: &str = "leaving@example.com";

#[test]
fn a_person_takes_the_data_along_and_leaves_no_trace_but_the_books() -> Outcome {
    let mut system = System::start(&[])?;
    let person = Leaver::enter(system.api(), EMAIL)?;
    let (api, token) = (&person.api, &person.token);
    let payment = person.pays("k1")?;
    person.until_anybody_sees(&person.mailbox(), |letters| total(letters) >= 3)?;
    person.until("/v1/overview", |seen| seen.pointer("/payments/total") == Some(&json!(1)))?;

    // Along …
    let proof = person.proof();
    api.post("/v1/users/me/export", &json!({ "password": "wrong staple" }), Some(token), None)?.expect(422)?;
    let export = api.post("/v1/users/me/export", &proof, Some(token), None)?.expect(202)?.text_of("id")?;
    let path = format!("/v1/users/me/export/{export}");
    person.until(&path, |export| export.get("status") == Some(&json!("ready")))?;
    let document = api.get(&format!("{path}/document"), Some(token))?.expect(200)?;
    for part in ["/account/email", "/sessions/0/id", "/payments/payments/0/id", "/notifications/messages/0/text"] {
        ensure!(document.json.pointer(part).is_some(), "{part} is not in {}", document.text);
    }
    ensure!(document.json.pointer("/payments/payments/0/id") == Some(&json!(payment)), "{}", document.text);
    api.get(&format!("{path}/document"), None)?.expect(401)?;

    // … and away.
    let erasure = api.post("/v1/users/me/erasure", &proof, Some(token), None)?.expect(202)?.text_of("id")?;
    api.get("/v1/users/me", Some(token))?.expect(404)?;
    person.logs_in()?.expect(401)?;
    let receipt = person.until_anybody_sees(&format!("/v1/users/me/erasure/{erasure}"), |receipt| {
        receipt.get("status") == Some(&json!("done"))
    })?;
    let count = |service: usize, what: &str| -> Option<u64> {
        let erased = receipt.pointer(&format!("/services/{service}/erased"))?.as_array()?;
        erased.iter().find(|gone| gone.get("what") == Some(&json!(what)))?.get("count")?.as_u64()
    };
    ensure!(count(0, "sessions") == Some(1) && count(0, "export_pages") == Some(4), "{receipt}");
    ensure!(count(1, "payment_descriptions_return_addresses_and_tokens") == Some(1), "{receipt}");
    ensure!(count(2, "inbox_notifications") == Some(2) && count(2, "messages") == Some(3), "{receipt}");
    ensure!(count(3, "payment_views") == Some(1), "{receipt}");
    let letters = api.get(&person.mailbox(), None)?.expect(200)?;
    ensure!(total(&letters.json) == 0, "letters are left: {}", letters.text);
    // What is still shown to a token that is out: nothing of the person.
    let seen = api.get(&format!("/v1/payments/{payment}"), Some(token))?.expect(200)?;
    ensure!(!seen.text.contains("Elm Street") && !seen.text.contains("tok_visa"), "{}", seen.text);
    ensure!(total(&api.get("/v1/notifications", Some(token))?.expect(200)?.json) == 0, "an inbox is left");

    // The address is free, and the new account is another.
    let again = Leaver::enter(system.api(), EMAIL)?;
    let overview = again.until("/v1/overview", |seen| seen.get("profile").is_some_and(|it| !it.is_null()))?;
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
    let person = Leaver::enter(system.api(), EMAIL)?;
    let (api, token) = (&person.api, &person.token);
    let body = json!({
        "amount_minor": 1500, "currency": "EUR", "payment_method": "tok_visa", "capture_method": "manual"
    });
    let payment = api.post("/v1/payments", &body, Some(token), Some("k1"))?.expect(201)?.text_of("id")?;
    let path = format!("/v1/payments/{payment}");
    api.post(&format!("{path}/confirm"), &json!({}), Some(token), Some("k2"))?.expect(200)?;
    let proof = person.proof();
    let erasure = api.post("/v1/users/me/erasure", &proof, Some(token), None)?.expect(202)?.text_of("id")?;
    let receipt = person.until_anybody_sees(&format!("/v1/users/me/erasure/{erasure}"), |receipt| {
        receipt.get("status") == Some(&json!("waiting"))
    })?;
    let waiting = receipt.pointer("/services/1/waiting/0/count");
    ensure!(waiting == Some(&json!(1)), "{receipt}");
    let captured = api.post(&format!("{path}/capture"), &json!({}), Some(token), Some("k3"))?.expect(200)?;
    ensure!(captured.text_of("status")? == "captured", "{}", captured.text);
    system.stop()
}
