//! The host or Redis dies while a person's data is gathered or erased: what was promised is done all the same, and once.

use anyhow::{anyhow, ensure};
use serde_json::json;
use std::time::Duration;
use tests::{Leaver, System, total};

type Outcome = anyhow::Result<()>;

/// Before the receipt, between the receipt and the tombstone, while sessions go, while the services do their parts:
/// wherever the machine is by then.
const DELAYS_MS: [u64; 3] = [5, 20, 80];

#[test]
fn an_erasure_that_was_interrupted_is_done_to_the_end() -> Outcome {
    let mut system = System::start(&[])?;
    for delay_ms in DELAYS_MS {
        let person = Leaver::enter(system.api(), &format!("erased-{delay_ms}@example.com"))?;
        person.pays("k1")?;
        person.until_anybody_sees(&person.mailbox(), |letters| total(letters) >= 3)?;
        interrupted(&mut system, delay_ms, || {
            person.api.try_post("/v1/users/me/erasure", &person.proof(), Some(&person.token), None)
        })?;
        // Whether the answer came or not: who asks again with a token that is still good gets the receipt.
        let asked = person.api.post("/v1/users/me/erasure", &person.proof(), Some(&person.token), None)?.expect(202)?;
        let path = format!("/v1/users/me/erasure/{}", asked.text_of("id")?);
        let receipt = person.until_anybody_sees(&path, |receipt| receipt.get("status") == Some(&json!("done")))?;
        let services = receipt.pointer("/services").and_then(|services| services.as_array()).map_or(0, Vec::len);
        ensure!(services == 5, "a service is missing: {receipt}");
        person.logs_in()?.expect(401)?;
        ensure!(total(&person.api.get(&person.mailbox(), None)?.expect(200)?.json) == 0, "letters are left");
        Leaver::enter(system.api(), &person.email)?;
    }
    system.stop()
}

#[test]
fn an_export_that_was_interrupted_is_ready_in_the_end_and_whole() -> Outcome {
    let mut system = System::start(&[])?;
    let person = Leaver::enter(system.api(), "exported@example.com")?;
    let payment = person.pays("k1")?;
    person.until_anybody_sees(&person.mailbox(), |letters| total(letters) >= 3)?;
    interrupted(&mut system, 10, || {
        person.api.try_post("/v1/users/me/export", &person.proof(), Some(&person.token), None)
    })?;
    let asked = person.api.post("/v1/users/me/export", &person.proof(), Some(&person.token), None)?.expect(202)?;
    system.kill_redis()?;
    system.start_again()?;
    let path = format!("/v1/users/me/export/{}", asked.text_of("id")?);
    person.until(&path, |export| export.get("status") == Some(&json!("ready")))?;
    let document = person.api.get(&format!("{path}/document"), Some(&person.token))?.expect(200)?;
    let paid = document.json.pointer("/payments/payments/0/id");
    ensure!(paid == Some(&json!(payment)), "{}", document.text);
    for part in ["/account/email", "/sessions/0/id", "/notifications/messages/0/text"] {
        ensure!(document.json.pointer(part).is_some(), "{part} is not in {}", document.text);
    }
    system.stop()
}

/// Asks, and kills the host so much later.
fn interrupted(
    system: &mut System,
    delay_ms: u64,
    ask: impl Fn() -> anyhow::Result<journey::Answer> + Sync,
) -> Outcome {
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask().is_ok());
        std::thread::sleep(Duration::from_millis(delay_ms));
        system.kill_host()?;
        system.start_again()?;
        asking.join().map(drop).map_err(|_| anyhow!("the client panicked"))
    })
}
