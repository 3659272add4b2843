//! Redis loses its data, all of it or the last of it, while the bodies are still there: the system refuses to write, an
//! operator has every context rebuilt, and all that was acknowledged is there again, done once.

use anyhow::{Context as _, ensure};
use journey::{Answer, Api, Person};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::{Leaver, Shop, System, Workplace, now, total};

type Outcome = anyhow::Result<()>;

/// Every context with data of its own. Those whose events others hear come first.
const CONTEXTS: [&str; 7] = ["users", "payments", "sandbox", "notifications", "queries", "webhooks", "operations"];
const LIMIT: Duration = Duration::from_secs(90);
const GLANCE: Duration = Duration::from_millis(200);

/// A system whose bodies lie in files, apart from Redis.
fn system() -> anyhow::Result<System> {
    System::start_with(&["--kv", "sqlite"], &[("first_admins", &Person::email_of("operator"))])
}

/// Runs `cargo xtask rebuild` against a system; its reports.
fn rebuild(system: &System, flags: &[&str]) -> anyhow::Result<Vec<Value>> {
    let output = Command::new(Workplace::program("xtask")?)
        .args(["rebuild", "--json", "--state"])
        .arg(system.state())
        .args(flags)
        .args(CONTEXTS)
        .current_dir(Workplace::root())
        .output()
        .context("running xtask rebuild")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the rebuild ended with {}:\n{words}\n{}", output.status, system.logs()?);
    serde_json::from_slice(&output.stdout).context("the reports of a rebuild")
}

/// Loses everything that Redis has.
fn flush(system: &System) -> anyhow::Result<()> {
    let secrets: Value = serde_json::from_slice(&std::fs::read(system.state().join("secrets.json"))?)?;
    let password = secrets.pointer("/redis/operator").and_then(Value::as_str).context("no operator")?;
    let address = std::fs::read_to_string(system.state().join("redis.address"))?;
    let client = redis::Client::open(format!("redis://operator:{password}@{address}"))?;
    redis::cmd("FLUSHALL").exec(&mut client.get_connection()?)?;
    Ok(())
}

/// Waits until something holds.
fn eventually(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> Outcome {
    let start = now();
    while !holds()? {
        ensure!(start.elapsed() < LIMIT, "{what} does not come");
        std::thread::sleep(GLANCE);
    }
    Ok(())
}

/// Subjects of all letters that went to somebody.
fn letters(api: &Api, email: &str) -> anyhow::Result<Vec<String>> {
    let page = api.get(&format!("/sandbox/v1/mail?to={}", email.replace('@', "%40")), None)?.expect(200)?;
    let items = page.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(items.iter().filter_map(|mail| mail.get("subject")?.as_str().map(str::to_owned)).collect())
}

/// Names of all that is in the payer's inbox.
fn inbox(shop: &Shop) -> anyhow::Result<BTreeSet<String>> {
    let page = shop.look("/v1/notifications?limit=100")?.expect(200)?;
    let items = page.json.get("items").and_then(Value::as_array).context("no items")?.clone();
    Ok(items.iter().filter_map(|item| item.get("id")?.as_str().map(str::to_owned)).collect())
}

/// Waits until a write is refused, and it is said why. An older Redis takes some until the next pulse has looked at it.
fn refuses(write: impl Fn() -> anyhow::Result<Answer>) -> Outcome {
    eventually("a refusal", || {
        let answer = write()?;
        Ok(answer.status == 503 && answer.text.contains("unavailable"))
    })
}

/// Somebody new comes.
fn register(api: &Api, seed: &str) -> anyhow::Result<Answer> {
    let (email, password) = (Person::email_of(seed), "correct horse other staple");
    let body = json!({ "email": email, "password": password, "display_name": "Robin Example" });
    api.try_post("/v1/users", &body, None, None)
}

/// What somebody sees of their money.
fn books(shop: &Shop) -> anyhow::Result<Vec<(i64, i64)>> {
    ["merchant:EUR", "acquirer:EUR"].iter().map(|account| shop.balance(account)).collect()
}

#[test]
fn all_that_was_acknowledged_is_there_after_redis_lost_everything() -> Outcome {
    let mut system = system()?;
    let shop = Shop::enter(&system, "lost")?;
    let first = shop.captured("tea", "tok_visa")?;
    let second = shop.captured("cake", "tok_visa")?;
    ensure!(shop.refund(&second, 300, "back")?.status == 200, "no refund");
    let email = Person::email_of("lost");
    eventually("the receipts", || Ok(letters(&system.api(), &email)?.len() >= 3))?;
    // The mark of commits is written once a pulse, and the stream is archived half a minute later.
    std::thread::sleep(Duration::from_secs(3));
    let (mails, messages, money) = (letters(&system.api(), &email)?, inbox(&shop)?, books(&shop)?);

    flush(&system)?;
    refuses(|| register(&system.api(), "early"))?;
    let dry = rebuild(&system, &["--dry-run"])?;
    ensure!(dry.len() == CONTEXTS.len(), "{} dry runs", dry.len());
    refuses(|| register(&system.api(), "late"))?;
    let reports = rebuild(&system, &["--yes"])?;
    for report in &reports {
        let (mode, problems) = (&report["mode"], &report["problems"]);
        ensure!(report["phase"] == "done" && problems == &json!([]), "{mode}: {problems}");
    }

    let again = Shop::enter_again(&system, "lost")?;
    for (id, status) in [(&first, "captured"), (&second, "partially_refunded")] {
        again.await_status(id, status)?;
    }
    ensure!(books(&again)? == money, "{:?} instead of {money:?}", books(&again)?);
    again.books_hold()?;
    let third = again.captured("more-tea", "tok_visa")?;
    // Its receipt comes behind all that was told before: then nothing of that is on its way any more.
    eventually("the receipt of the third", || Ok(letters(&system.api(), &email)?.len() > mails.len()))?;
    std::thread::sleep(Duration::from_secs(3));
    let (mails_after, messages_after) = (letters(&system.api(), &email)?, inbox(&again)?);
    ensure!(mails_after.len() == mails.len() + 1, "{mails_after:?} after {mails:?}");
    ensure!(messages.is_subset(&messages_after), "a message is gone");
    ensure!(messages_after.len() == messages.len() + 1, "{messages_after:?} after {messages:?}");
    for id in [&first, &second, &third] {
        again.charge(id)?;
    }
    again.books_hold()?;
    system.stop()
}

#[test]
fn every_partition_is_rebuilt_with_what_lies_in_it() -> Outcome {
    let mut system = System::start_with(&["--kv", "sqlite"], &[("partitions", "3")])?;
    let people = Leaver::one_in_each(&system.api(), 3)?;
    for (place, person) in people.iter().enumerate() {
        person.pays(&format!("tea-{place}"))?;
    }
    let seen = |person: &Leaver| -> anyhow::Result<(Vec<String>, u64)> {
        let list = person.until("/v1/notifications?limit=100", |list| total(list) == 2)?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let overview = person
            .until("/v1/overview", |seen| seen["payments"]["total"] == 1 && seen["notifications"]["unread"] == 2)?;
        let ids = items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect();
        Ok((ids, overview["payments"]["captured"]["EUR"].as_u64().unwrap_or_default()))
    };
    let before = people.iter().map(seen).collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(before.iter().all(|(ids, minor)| ids.len() == 2 && *minor == 1500), "{before:?}");
    // The mark of commits is written once a pulse.
    std::thread::sleep(Duration::from_secs(3));
    flush(&system)?;
    let reports = rebuild(&system, &["--yes"])?;
    for report in &reports {
        ensure!(report["phase"] == "done" && report["problems"] == json!([]), "{report}");
        ensure!(report["foreign_names"] == 0, "{report}");
    }
    // Dry and real, four contexts that are one and three of three partitions.
    ensure!(reports.len() == 2 * (4 + 3 * 3), "{} reports", reports.len());
    let people = people.iter().map(Leaver::enter_again).collect::<anyhow::Result<Vec<_>>>()?;
    let after = people.iter().map(seen).collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(after == before, "{after:?} instead of {before:?}");
    system.stop()
}

#[test]
fn a_redis_that_came_back_older_is_rolled_forward() -> Outcome {
    let mut system = system()?;
    let shop = Shop::enter(&system, "older")?;
    let first = shop.captured("tea", "tok_visa")?;
    std::thread::sleep(Duration::from_secs(2));
    system.stop()?;
    let (folder, copy) = (system.state().join("redis"), system.state().join("redis-before"));
    copy_folder(&folder, &copy)?;
    system.start_again()?;
    let second = shop.captured("cake", "tok_visa")?;
    std::thread::sleep(Duration::from_secs(3));
    let money = books(&shop)?;
    system.stop()?;
    std::fs::remove_dir_all(&folder)?;
    std::fs::rename(&copy, &folder)?;
    system.start_again()?;

    refuses(|| shop.try_create("too-early"))?;
    rebuild(&system, &["--yes"])?;
    let again = Shop::enter_again(&system, "older")?;
    for id in [&first, &second] {
        again.await_status(id, "captured")?;
        again.charge(id)?;
    }
    ensure!(books(&again)? == money, "{:?} instead of {money:?}", books(&again)?);
    again.books_hold()?;
    again.captured("more", "tok_visa")?;
    again.books_hold()?;
    system.stop()
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
