//! Keys for programs and the trail of what was done, through a real system: a key opens payments and nothing of identity,
//! and its owner sees what happened to the account.

use anyhow::ensure;
use journey::Api;
use serde_json::{Value, json};
use tests::System;

type Outcome = anyhow::Result<()>;

const EMAIL: &str = "keys@example.com";
const PASSWORD: &str = "battery staple";

#[test]
fn a_key_opens_what_it_was_made_for_and_its_owner_sees_all_of_it() -> Outcome {
    let mut system = System::start(&[])?;
    let api = system.api();
    api.post("/v1/users", &json!({ "email": EMAIL, "password": PASSWORD, "display_name": "Keys" }), None, None)?
        .expect(202)?;
    let login = |password: &str| json!({ "email": EMAIL, "password": password });
    let token = api.post("/v1/sessions", &login(PASSWORD), None, None)?.expect(200)?.text_of("access_token")?;
    api.post("/v1/sessions", &login("a wrong guess"), None, None)?.expect(401)?;

    let asked = json!({ "password": PASSWORD, "name": "the till", "scopes": ["payments:read"], "expires_in_days": 1 });
    let made = api.post("/v1/api-keys", &asked, Some(&token), None)?.expect(201)?;
    let key = made.text_of("key")?;
    api.get("/v1/payments", Some(&key))?.expect(200)?;
    api.get("/v1/notifications", Some(&key))?.expect(403)?;
    api.post("/v1/payments", &json!({}), Some(&key), Some("k1"))?.expect(403)?;
    for path in ["/v1/users/me", "/v1/api-keys", "/v1/users/me/activity", "/v1/sessions", "/v1/ledger/trial-balance"] {
        api.get(path, Some(&key))?.expect(403)?;
    }
    api.get(&format!("/v1/payments?api_key={key}"), None)?.expect(401)?;
    api.get("/v1/payments", Some(&key.replace("sdft_", "sdft_x")))?.expect(401)?;
    api.get("/v1/audit", Some(&token))?.expect(403)?;

    let acts = activity(&api, &token)?;
    ensure!(acts == ["create_key done", "log_in refused", "log_in done", "register done"], "{acts:?}");
    let logs = system.logs()?;
    for secret in [EMAIL, PASSWORD, &key] {
        ensure!(!logs.contains(secret), "the logs hold {secret:?}");
    }
    system.stop()
}

/// What the owner of a token sees of their account, newest first.
fn activity(api: &Api, token: &str) -> anyhow::Result<Vec<String>> {
    let page = api.get("/v1/users/me/activity", Some(token))?.expect(200)?;
    let word = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let items = page.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(items.iter().map(|item| format!("{} {}", word(item, "act"), word(item, "result"))).collect())
}
