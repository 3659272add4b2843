//! An administrator finds what no consumer could handle, mends it and has it handled, through a real system: a poison event
//! is planted into the stream of payments; every act is in the audit trail, and nothing happens twice.

use ambient::{Clock, SystemClock};
use anyhow::{Context as _, ensure};
use payments_wire::{PAYMENT_CAPTURED, PaymentSnapshot, PaymentStatus};
use serde_json::{Value, json};
use service_token::ServiceTokens;
use std::process::Command;
use std::time::Duration;
use tests::{Shop, System, Workplace, now};

type Outcome = anyhow::Result<()>;

const LETTERS: &str = "/v1/operations/dead-letters/notifications";
const EVENT: &str = "evt_0199f3a0-7c1e-7000-8000-00000000abcd_0";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// A busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(100);

/// Asks until the answer is what is waited for.
fn await_that<T>(what: &str, mut ask: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let start = now();
    loop {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        ensure!(start.elapsed() < LIMIT, "{what} does not come");
        std::thread::sleep(GLANCE);
    }
}

fn text(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Puts an envelope into the stream of payments, as no commit would.
fn plant(system: &System, data: &Value) -> Outcome {
    let envelope = json!({
        "specversion": "1.0", "id": EVENT, "source": "/payments", "type": PAYMENT_CAPTURED,
        "time": "2026-01-01T00:00:00.000Z", "subject": "pay_planted", "datacontenttype": "application/json",
        "dataschema": format!("/asyncapi.json#{PAYMENT_CAPTURED}"), "version": "1.4", "traceid": TRACE, "data": data,
    });
    let mut redis = redis::Client::open(system.redis_url()?)?.get_connection()?;
    redis::cmd("XADD")
        .arg("{payments/0}:events")
        .arg("*")
        .arg("e")
        .arg(envelope.to_string())
        .query::<()>(&mut redis)?;
    Ok(())
}

/// The dead letters of a context, once there are so many.
fn letters(shop: &Shop, context: &str, count: usize) -> anyhow::Result<Vec<Value>> {
    await_that(&format!("{count} letters of {context}"), || {
        let page = shop.read(&format!("/v1/operations/dead-letters/{context}"))?;
        let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok((items.len() == count).then_some(items))
    })
}

/// How many receipts the payer has.
fn receipts(shop: &Shop) -> anyhow::Result<usize> {
    let page = shop.look("/v1/notifications?limit=100")?.expect(200)?;
    let items = page.json.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(items.iter().filter(|item| text(item, "kind") == "payment_receipt").count())
}

/// What the payer's payment would have told.
fn captured(shop: &Shop) -> anyhow::Result<Value> {
    let me = shop.look("/v1/users/me")?.expect(200)?;
    let payer: ids::UserId = me.text_of("id")?.parse()?;
    let eur: money::Currency = "EUR".parse()?;
    Ok(serde_json::to_value(PaymentSnapshot {
        id: ids::PaymentId::derived(payer.partition(), &[b"planted"]),
        user_id: payer,
        status: PaymentStatus::Captured,
        amount: money::Money::new(1099, eur)?,
        captured: money::Money::new(1099, eur)?,
        refunded: None,
        created_at: "2026-01-01T00:00:00.000Z".parse()?,
        description: None,
        failure_code: None,
    })?)
}

#[test]
fn a_poison_event_is_found_mended_and_handled_exactly_once() -> Outcome {
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "poison")?;
    let mended = captured(&shop)?;
    let mut poison = mended.clone();
    poison["captured"] = json!("ten euros");
    plant(&system, &poison)?;

    // It lies among the dead letters of both groups, with its cause and its trace; neighbours are not held up.
    let letter = letters(&shop, "notifications", 1)?.remove(0);
    let id = text(&letter, "id");
    ensure!(text(&letter, "trace") == TRACE && text(&letter, "event_id") == EVENT, "{letter}");
    ensure!(text(&letter, "cause").contains("captured") || !text(&letter, "cause").is_empty(), "{letter}");
    letters(&shop, "queries", 1)?;
    let shown = shop.read(&format!("{LETTERS}/{id}"))?;
    ensure!(shown.pointer("/event/data/captured") == Some(&json!("ten euros")), "{shown}");

    // Nobody but an administrator sees it or touches it.
    for path in ["/v1/operations/streams", LETTERS, "/v1/operations/audit"] {
        shop.look(path)?.expect(403)?;
        shop.api.get(path, None)?.expect(401)?;
    }
    let purge = format!("{LETTERS}/{id}/purge");
    shop.as_payer(&purge, &json!({ "reason": "mine" }), "k")?.expect(403)?;
    ensure!(letters(&shop, "notifications", 1)?.len() == 1, "a payer purged a letter");

    // Handed out as it is, it fails again: one letter with another name.
    let reason = json!({ "reason": "perhaps it works now" });
    shop.as_operator(&format!("{LETTERS}/{id}/replay"), &reason, "replay-1")?.expect(200)?;
    let again = await_that("the new letter", || {
        let found = letters(&shop, "notifications", 1)?.remove(0);
        Ok((text(&found, "id") != id).then(|| text(&found, "id")))
    })?;

    // With other data it is handled, under the same event id, once: however often it is asked for, whoever tells it again.
    let before = receipts(&shop)?;
    let edit = json!({ "data": mended, "reason": "the amount was written in words" });
    let path = format!("{LETTERS}/{again}/edit");
    let done = shop.as_operator(&path, &edit, "edit-1")?.expect(200)?;
    ensure!(done.json.pointer("/letters/0/outcome") == Some(&json!("edited")), "{}", done.text);
    letters(&shop, "notifications", 0)?;
    await_that("the receipt", || Ok((receipts(&shop)? == before + 1).then_some(())))?;
    let repeated = shop.as_operator(&path, &edit, "edit-1")?.expect(200)?;
    ensure!(repeated.replayed && repeated.text == done.text, "{}", repeated.text);
    shop.as_operator(&path, &edit, "edit-2")?.expect(404)?;
    plant(&system, &mended)?;
    await_that("a group that has read everything", || {
        let groups = shop.read("/v1/operations/streams/payments/groups")?;
        let items = groups.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let idle = |group: &Value| group.get("lag") == Some(&json!(0)) && group.get("pending") == Some(&json!(0));
        Ok((items.len() >= 2 && items.iter().all(idle)).then_some(()))
    })?;
    ensure!(receipts(&shop)? == before + 1, "the receipt was written twice");

    // Everything is in the trail, and the trail holds.
    let audit = shop.read("/v1/operations/audit")?;
    let rows = audit.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let steps: Vec<_> = rows.iter().rev().map(|row| format!("{} {}", text(row, "act"), text(row, "step"))).collect();
    ensure!(steps == ["replay asked", "replay done", "edit asked", "edit done"], "{steps:?}");
    ensure!(text(&shop.read("/v1/operations/audit/verify")?, "status") == "intact", "the trail does not hold");

    // The terminal's way to the rest.
    from_the_terminal(&system, &shop)?;

    let metrics = shop.api.get("/metrics", Some(&system.secret("metrics_token")?))?.expect(200)?.text;
    for line in [
        "spindrift_events_given_up_total{group=\"notifications-worker\"} 2",
        "spindrift_event_replays_total{group=\"notifications-worker\"} 2",
        "spindrift_dead_letters{service=\"notifications\"} 0",
        "spindrift_dead_letters{service=\"queries\"} 0",
        "spindrift_stream_length{stream=\"payments/0\"}",
        "spindrift_stream_oldest_pending_age_seconds{stream=\"payments/0\",group=\"queries-worker\"}",
    ] {
        ensure!(metrics.contains(line), "no {line} in\n{metrics}");
    }
    system.stop()
}

/// `cargo xtask events`, as whoever has an administrator's token types it.
fn from_the_terminal(system: &System, shop: &Shop) -> Outcome {
    let events = |arguments: &[&str]| -> anyhow::Result<(bool, Value)> {
        let output = Command::new(Workplace::program("xtask")?)
            .arg("events")
            .args(arguments)
            .args(["--json", "--url", &format!("http://{}", system.address())])
            .env("SPINDRIFT_TOKEN", shop.operator_token())
            .output()?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_slice(&output.stdout).with_context(|| words)?;
        Ok((output.status.success(), document))
    };
    let streams = events(&["streams"])?.1;
    let groups = streams.pointer("/items/1/groups/0/group").and_then(Value::as_str);
    ensure!(groups.is_some(), "no groups: {streams}");
    let tail = events(&["tail", "payments", "--kind", "payments.payment"])?.1;
    let found = tail.get("items").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(found == 2, "{found} planted events: {tail}");
    let listed = events(&["dlq", "list", "queries"])?.1;
    let id = listed.pointer("/items/0/id").and_then(Value::as_str).context("no letter of queries")?.to_owned();
    let shown = events(&["dlq", "show", "queries", &id])?.1;
    ensure!(text(&shown, "event_id") == EVENT, "{shown}");
    let replayed = events(&["replay", "queries", "--group", "queries-worker"])?.1;
    ensure!(replayed.get("done") == Some(&json!(1)), "{replayed}");
    let left = await_that("the letter that failed again", || {
        let found = letters(shop, "queries", 1)?.remove(0);
        Ok((text(&found, "id") != id).then(|| text(&found, "id")))
    })?;
    let (_, purged) = events(&["dlq", "purge", "queries", &left, "--reason", "the overview has it already"])?;
    ensure!(purged.get("done") == Some(&json!(1)), "{purged}");
    letters(shop, "queries", 0)?;
    let (holds, audit) = events(&["audit"])?;
    ensure!(holds && audit.pointer("/items/0/act") == Some(&json!("purge")), "{audit}");
    Ok(())
}

/// The last entry of a stream, and the last one that is in a page of its archive.
fn ends(redis: &mut redis::Connection, context: &str) -> anyhow::Result<(String, Option<String>)> {
    let newest: Vec<(String, Vec<String>)> =
        redis::cmd("XREVRANGE").arg(format!("{{{context}/0}}:events")).arg(("+", "-", "COUNT", 1)).query(redis)?;
    let archived = redis::cmd("HGET").arg(format!("{{{context}/0}}:archive")).arg("last").query(redis)?;
    Ok((newest.into_iter().next().with_context(|| format!("{context} told nothing"))?.0, archived))
}

/// Everything that a context told, from the beginning, in small pages: the entries as they are shown.
fn told(shop: &Shop, context: &str) -> anyhow::Result<Vec<Value>> {
    let (mut entries, mut after) = (Vec::new(), "0-0".to_owned());
    loop {
        let page = shop.read(&format!("/v1/operations/streams/{context}/events?limit=2&after={after}"))?;
        ensure!(page.get("has_gap") == Some(&json!(false)), "{page}");
        entries.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next_after").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(entries),
        }
    }
}

#[test]
fn what_was_trimmed_is_shown_by_those_who_told_it() -> Outcome {
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "history")?;
    plant(&system, &captured(&shop)?)?;
    let tokens = ServiceTokens::new(system.secret("service_token_key")?.as_bytes());
    let token = |audience: &str| tokens.issue(audience, SystemClock.now());

    // The owners answer, to the house alone, each for itself; operations reaches each of them.
    for context in ["users", "payments", "notifications", "webhooks"] {
        let path = format!("/internal/{context}/events");
        shop.api.get(&path, None)?.expect(401)?;
        shop.api.get(&path, Some(shop.operator_token()))?.expect(401)?;
        let other = if context == "users" { "payments" } else { "users" };
        shop.api.get(&path, Some(&token(other)))?.expect(401)?;
        let page = shop.api.get(&path, Some(&token(context)))?.expect(200)?;
        ensure!(text(&page.json, "stream") == format!("{context}/0"), "{}", page.text);
        told(&shop, context)?;
    }
    ensure!(told(&shop, "queries")?.is_empty(), "queries tells nothing");

    // Once everything is in pages, the streams are emptied under those who look.
    let mut redis = redis::Client::open(system.redis_url()?)?.get_connection()?;
    for context in ["users", "payments"] {
        await_that(&format!("the archive of {context}"), || {
            let (newest, archived) = ends(&mut redis, context)?;
            Ok((archived == Some(newest)).then_some(()))
        })?;
        let before = told(&shop, context)?;
        ensure!(!before.is_empty(), "{context} told nothing");
        redis::cmd("XTRIM").arg(format!("{{{context}/0}}:events")).arg(("MAXLEN", 0)).query::<()>(&mut redis)?;
        ensure!(told(&shop, context)? == before, "{context} tells something else after it was trimmed");
        let back = shop.read(&format!("/v1/operations/streams/{context}/events?limit=100"))?;
        let mut back = back.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        back.reverse();
        ensure!(back == before, "{context} tells something else backwards");
        ensure!(before.iter().all(|entry| entry.pointer("/event/personal").is_none()), "a personal part is shown");
    }

    // From the terminal, from a moment on.
    let output = Command::new(Workplace::program("xtask")?)
        .args(["events", "tail", "payments", "--since", "2020-01-01T00:00:00Z", "--json", "--url"])
        .arg(format!("http://{}", system.address()))
        .env("SPINDRIFT_TOKEN", shop.operator_token())
        .output()?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let tail: Value = serde_json::from_slice(&output.stdout).with_context(|| words)?;
    ensure!(tail.get("items") == Some(&json!(told(&shop, "payments")?)), "{tail}");
    system.stop()
}
