//! What somebody wants to hear and what became of it, through a real system: preferences, the link of a letter, a proven
//! telephone, Postmark and Twilio behind a table, what they tell, and the log that answers for all of it.

#![expect(clippy::indexing_slicing, reason = "a member that is missing from JSON reads as null")]

use ambient::{Clock, SystemClock};
use anyhow::{Context as _, ensure};
use fake_couriers::{ACCOUNT, AUTH_TOKEN, FakePostmark, FakeTwilio, Fault, TOKEN};
use journey::{Api, Person};
use serde_json::{Value, json};
use std::time::Duration;
use support::http::{Asked, Told, send};
use tests::{Shop, System, now};

type Outcome = anyhow::Result<()>;

/// How long something may take that follows from something else: a pulse a second, and a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// An answer that was lost is asked for again after a minute.
const RETRY_LIMIT: Duration = Duration::from_secs(120);
const PASSWORD: &str = "what providers prove themselves by";

/// Asks until there is something.
fn await_some<T>(limit: Duration, what: &str, ask: impl Fn() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let start = now();
    loop {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        ensure!(start.elapsed() < limit, "{what} does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Somebody who is let in.
fn person(api: &Api, seed: &str) -> anyhow::Result<Person> {
    let mut person = Person::new(api.clone(), seed);
    person.register()?;
    person.log_in()?;
    Ok(person)
}

/// The letters at the sandbox, newest first.
fn letters(api: &Api, address: &str) -> anyhow::Result<Vec<Value>> {
    let path = format!("/sandbox/v1/mail?to={}", address.replace('@', "%40"));
    Ok(api.get(&path, None)?.expect(200)?.json["items"].as_array().cloned().unwrap_or_default())
}

/// The letter with this subject.
fn await_letter(api: &Api, address: &str, subject: &str) -> anyhow::Result<Value> {
    await_some(LIMIT, subject, || Ok(letters(api, address)?.into_iter().find(|letter| letter["subject"] == subject)))
}

/// Pays 5.00 EUR; the name of the payment.
fn pay(person: &mut Person) -> anyhow::Result<()> {
    person.create_payment(500, "tok_visa")?;
    person.confirm()?;
    Ok(())
}

/// The lines of the caller's log of one kind and channel, newest first.
fn log(api: &Api, person: &Person, kind: &str, channel: &str) -> anyhow::Result<Vec<Value>> {
    let page = api.get("/v1/notifications/messages?limit=100", Some(person.access_token()))?.expect(200)?.json;
    let fits = |line: &&Value| line["kind"] == kind && line["channel"] == channel;
    Ok(page["items"].as_array().context("no lines")?.iter().filter(fits).cloned().collect())
}

/// The newest line of the log of that kind and channel, once it is in this state; the whole message.
fn await_state(api: &Api, person: &Person, kind: &str, channel: &str, state: &str) -> anyhow::Result<Value> {
    let what = format!("{kind} by {channel} as {state}");
    let line = await_some(RETRY_LIMIT, &what, || {
        Ok(log(api, person, kind, channel)?.into_iter().next().filter(|line| line["state"] == state))
    })?;
    let id = line["id"].as_str().context("a line without a name")?;
    let path = format!("/v1/notifications/messages/{id}");
    Ok(api.get(&path, Some(person.access_token()))?.expect(200)?.json)
}

/// What befell a message, in order.
fn rows(message: &Value) -> Vec<&str> {
    message["log"].as_array().into_iter().flatten().filter_map(|row| row["what"].as_str()).collect()
}

fn ask(system: &System, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<Told> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let asked = Asked { method: method.to_owned(), target: target.to_owned(), headers, body: body.as_bytes().to_vec() };
    Ok(send(system.address(), &asked)?)
}

fn set(api: &Api, person: &Person, preferences: &Value) -> Outcome {
    api.put("/v1/notifications/preferences", preferences, Some(person.access_token()))?.expect(200)?;
    Ok(())
}

#[test]
fn what_somebody_wants_to_hear_comes_and_nothing_else() -> Outcome {
    let mut system = System::start(&[])?;
    let api = system.api();
    let mut ada = person(&api, "wants")?;
    let welcome = await_letter(&api, ada.email(), "Welcome to Spindrift")?;
    ensure!(welcome["html"].as_str().is_some_and(|html| html.starts_with("<!doctype html>")), "{welcome}");

    // The link of a receipt: following it asks, one click without a login turns it off, twice is as good as once.
    pay(&mut ada)?;
    let receipt = await_letter(&api, ada.email(), "Receipt: 5.00 EUR")?;
    ensure!(receipt["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", "{receipt}");
    let link = receipt["headers"]["List-Unsubscribe"].as_str().context("no way out")?.trim_matches(['<', '>']);
    let target = format!("/{}", link.splitn(4, '/').nth(3).context("no path")?);
    let page = ask(&system, "GET", &target, &[], "")?;
    ensure!(page.status == 200 && String::from_utf8_lossy(&page.body).contains("<form method=\"post\">"), "{page:?}");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for _ in 0..2 {
        let done = ask(&system, "POST", &target, &form, "List-Unsubscribe=One-Click")?;
        ensure!(done.status == 200, "{done:?}");
    }
    let forged = target.replace("payment_receipt", "payout");
    ensure!(ask(&system, "POST", &forged, &form, "List-Unsubscribe=One-Click")?.status == 404, "a forged link holds");
    pay(&mut ada)?;
    let kept_back = await_state(&api, &ada, "payment_receipt", "email", "skipped")?;
    ensure!(
        kept_back["reason"] == "preference: category" && rows(&kept_back) == ["created", "turned_off"],
        "{kept_back}"
    );
    let inbox = log(&api, &ada, "payment_receipt", "in_app")?;
    ensure!(inbox.len() == 2, "both lie in the inbox: {inbox:?}");
    ensure!(letters(&api, ada.email())?.len() == 3, "the welcome, the code and one receipt");

    // Quiet hours that are on now: a letter waits, and the log says until when.
    let hour = |offset: i64| format!("{:02}:00", (hour_now() + offset) % 24);
    set(&api, &ada, &json!({ "zone": "UTC", "quiet_hours": { "from": hour(23), "until": hour(2) } }))?;
    pay(&mut ada)?;
    let waits = await_state(&api, &ada, "payment_receipt", "email", "queued")?;
    ensure!(rows(&waits).last() == Some(&"quiet_hours"), "{waits}");

    // Put away is read; the count stays true.
    let token = ada.access_token().to_owned();
    let unread =
        || anyhow::Ok(api.get("/v1/notifications/unread-count", Some(&token))?.expect(200)?.json["unread"].clone());
    let before = unread()?.as_u64().context("no count")?;
    let newest = api.get("/v1/notifications?status=unread&limit=1", Some(&token))?.expect(200)?.json;
    let path = format!("/v1/notifications/{}/archive", newest["items"][0]["id"].as_str().context("no message")?);
    for _ in 0..2 {
        api.post(&path, &json!({}), Some(&token), None)?.expect(204)?;
    }
    ensure!(unread()? == before - 1, "{} of {before}", unread()?);
    let archived = api.get("/v1/notifications?status=archived", Some(&token))?.expect(200)?.json;
    ensure!(archived["items"].as_array().map(Vec::len) == Some(1), "{archived}");

    // Another sees nothing of it.
    let other = person(&api, "other")?;
    let id = waits["id"].as_str().context("no name")?;
    api.get(&format!("/v1/notifications/messages/{id}"), Some(other.access_token()))?.expect(404)?;
    ensure!(!system.logs()?.contains(ada.email()), "the address stands in the logs");
    system.stop()
}

/// Which hour of the day it is in UTC.
fn hour_now() -> i64 {
    SystemClock.now().unix_s() / 3600 % 24
}

#[test]
fn providers_follow_each_other_tell_what_became_of_it_and_nobody_gets_it_twice() -> Outcome {
    let (postmark, twilio) = (FakePostmark::start()?, FakeTwilio::start()?);
    let (postmark_url, twilio_url) = (postmark.url(), twilio.url());
    let mut system = Shop::system(&[
        ("postmark_url", &postmark_url),
        ("postmark_token", TOKEN),
        ("twilio_url", &twilio_url),
        ("twilio_account", ACCOUNT),
        ("twilio_token", AUTH_TOKEN),
        ("provider_notice_password", PASSWORD),
        ("message_routes", "email=postmark+generic sms:+49=twilio sms=generic"),
    ])?;
    // The operator's letters are read at the sandbox.
    postmark.turn_away(&Person::email_of("operator"));
    let api = system.api();
    let mut ada = person(&api, "couriers")?;
    let address = ada.email().to_owned();
    let at_postmark = |subject: &str| -> Vec<Value> {
        postmark.to(&address).into_iter().filter(|letter| letter["Subject"] == subject).collect()
    };
    let welcome = await_state(&api, &ada, "welcome", "email", "sent")?;
    ensure!(at_postmark("Welcome to Spindrift").len() == 1, "Postmark comes first: {welcome}");

    // One that does not take it is followed by the next at once.
    postmark.next(Fault::TooMany);
    pay(&mut ada)?;
    await_letter(&api, &address, "Receipt: 5.00 EUR")?;
    let taken = await_state(&api, &ada, "payment_receipt", "email", "sent")?;
    ensure!(
        rows(&taken) == ["created", "provider_asked", "provider_did_not_take_it", "provider_asked", "provider_took_it"],
        "{taken}"
    );
    ensure!(at_postmark("Receipt: 5.00 EUR").is_empty(), "and has it alone");

    // An answer that is lost, and a host that dies while Postmark takes its time: it is asked whether it has the letter.
    postmark.next(Fault::AnswerLost);
    pay(&mut ada)?;
    await_some(LIMIT, "the lost letter", || Ok((at_postmark("Receipt: 5.00 EUR").len() == 1).then_some(())))?;
    let mut bob = person(&api, "killed")?;
    await_state(&api, &bob, "welcome", "email", "sent")?;
    postmark.next(Fault::Slow(Duration::from_secs(2)));
    pay(&mut bob)?;
    let his = bob.email().to_owned();
    let receipts = || postmark.to(&his).into_iter().filter(|letter| letter["Subject"] == "Receipt: 5.00 EUR").count();
    await_some(LIMIT, "the call that is cut", || Ok((receipts() == 1).then_some(())))?;
    system.kill_host()?;
    system.start_again()?;
    let found = await_state(&api, &ada, "payment_receipt", "email", "sent")?;
    ensure!(rows(&found).contains(&"answer_lost") && at_postmark("Receipt: 5.00 EUR").len() == 1, "{found}");
    let interrupted = await_state(&api, &bob, "payment_receipt", "email", "sent")?;
    ensure!(receipts() == 1, "{} letters: {interrupted}", receipts());

    // What comes back is told, believed by its password, and ends all letters to that address.
    let notices = "/v1/notifications/providers/postmark/notices";
    let letter = at_postmark("Welcome to Spindrift").remove(0);
    ensure!(postmark.bounce(&letter, system.address(), notices, "guessed")? == 401, "believed without its password");
    for _ in 0..2 {
        ensure!(postmark.bounce(&letter, system.address(), notices, PASSWORD)? == 204, "not heard");
    }
    await_state(&api, &ada, "welcome", "email", "bounced")?;
    pay(&mut ada)?;
    let kept_back = await_state(&api, &ada, "payment_receipt", "email", "skipped")?;
    ensure!(kept_back["reason"] == "suppressed: bounce told by postmark", "{kept_back}");

    // An operator sees why, and takes it off the list.
    let shop = Shop::enter(&system, "payer-of-the-shop")?;
    let list = shop.read("/v1/notifications/suppressions")?;
    ensure!(list["items"].as_array().map(Vec::len) == Some(1) && !list.to_string().contains(&address), "{list}");
    let user = list["items"][0]["user_id"].as_str().context("whose is it?")?.to_owned();
    let theirs = shop.read(&format!("/v1/notifications/users/{user}/messages?limit=1"))?;
    ensure!(theirs["items"].as_array().map(Vec::len) == Some(1) && theirs["next_cursor"].is_string(), "{theirs}");
    let preview = shop.read("/v1/notifications/templates/payment-receipt/preview?locale=de-AT")?;
    ensure!(preview["locale"] == "de" && preview["subject"] == "Beleg: 10,99 EUR", "{preview}");

    // A telephone: proven by a code over Twilio, which signs what it tells.
    let number = "+4915112345678";
    let token = ada.access_token().to_owned();
    api.put("/v1/notifications/phone", &json!({ "number": number }), Some(&token))?.expect(202)?;
    let sms = await_some(LIMIT, "the code", || Ok(twilio.to(number).into_iter().next()))?;
    let code: String = sms["Body"].chars().filter(char::is_ascii_digit).take(6).collect();
    api.post("/v1/notifications/phone/confirm", &json!({ "code": "000000x" }), Some(&token), None)?.expect(422)?;
    api.post("/v1/notifications/phone/confirm", &json!({ "code": code }), Some(&token), None)?.expect(204)?;
    ensure!(twilio.tell(&sms, "delivered", "", "guessed", system.address())? == 401, "believed without its signature");
    ensure!(twilio.tell(&sms, "delivered", "", AUTH_TOKEN, system.address())? == 204, "not heard");
    let told = await_state(&api, &ada, "security", "sms", "sent")?;
    ensure!(rows(&told).last() == Some(&"delivered") && twilio.to(number).len() == 1, "{told}");
    let logs = system.logs()?;
    for secret in [TOKEN, AUTH_TOKEN, PASSWORD, number] {
        ensure!(!logs.contains(secret), "the logs hold {secret}");
    }
    system.stop()
}
