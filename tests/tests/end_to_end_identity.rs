//! Letters that open things, through a real system: the code of a registration proves the address, that of a reset sets
//! another password, and whoever was logged in before is out.

use anyhow::{bail, ensure};
use journey::Api;
use serde_json::{Value, json};
use std::time::Duration;
use tests::System;

type Outcome = anyhow::Result<()>;

const EMAIL: &str = "letters@example.com";
/// How often and how long a letter is waited for.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

#[test]
fn codes_that_arrive_by_letter_prove_the_address_and_reset_the_password() -> Outcome {
    let mut system = System::start(&[])?;
    let api = system.api();
    let account = json!({ "email": EMAIL, "password": "battery staple", "display_name": "Robin" });
    api.post("/v1/users", &account, None, None)?.expect(202)?;
    let login = |password: &str| json!({ "email": EMAIL, "password": password });
    let before = api.post("/v1/sessions", &login("battery staple"), None, None)?.expect(200)?;
    let token = before.text_of("access_token")?;

    let code = code_in(&letter(&api, "Confirm your e-mail address")?)?;
    let confirm = "/v1/users/me/email/verification/confirm";
    api.post(confirm, &json!({ "code": code }), Some(&token), None)?.expect(204)?;
    let me = api.get("/v1/users/me", Some(&token))?.expect(200)?;
    ensure!(me.json.get("email_verified") == Some(&Value::Bool(true)), "{}", me.text);
    let sessions = api.get("/v1/sessions", Some(&token))?.expect(200)?;
    ensure!(
        sessions.json.get("items").and_then(Value::as_array).is_some_and(|items| items.len() == 1),
        "{}",
        sessions.text
    );

    api.post("/v1/users/password-reset", &json!({ "email": EMAIL }), None, None)?.expect(202)?;
    let code = code_in(&letter(&api, "A new password for your account")?)?;
    let reset = json!({ "email": EMAIL, "code": code, "new_password": "an even better staple" });
    api.post("/v1/users/password-reset/confirm", &reset, None, None)?.expect(204)?;
    api.post("/v1/users/password-reset/confirm", &reset, None, None)?.expect(422)?;
    let refresh = json!({ "refresh_token": before.text_of("refresh_token")? });
    api.post("/v1/sessions/refresh", &refresh, None, None)?.expect(401)?;
    api.post("/v1/sessions", &login("battery staple"), None, None)?.expect(401)?;
    api.post("/v1/sessions", &login("an even better staple"), None, None)?.expect(200)?;
    letter(&api, "Your password was changed")?;

    let logs = system.logs()?;
    for secret in [EMAIL, "battery staple", "better staple"] {
        ensure!(!logs.contains(secret), "the logs hold {secret:?}");
    }
    system.stop()
}

/// Waits for a letter with this subject and reads it.
fn letter(api: &Api, subject: &str) -> anyhow::Result<String> {
    let path = format!("/sandbox/v1/mail?to={}", EMAIL.replace('@', "%40"));
    for _ in 0..LOOKS {
        let letters = api.get(&path, None)?.expect(200)?;
        let items = letters.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let found = items.iter().find(|letter| letter.get("subject").and_then(Value::as_str) == Some(subject));
        if let Some(text) = found.and_then(|letter| letter.get("text")).and_then(Value::as_str) {
            return Ok(text.to_owned());
        }
        std::thread::sleep(PAUSE);
    }
    bail!("no letter says {subject:?}")
}

/// The six digits of a letter.
fn code_in(letter: &str) -> anyhow::Result<String> {
    match letter.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6) {
        Some(code) => Ok(code.to_owned()),
        None => bail!("no code in {letter:?}"),
    }
}
