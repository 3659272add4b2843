//! People's things divided among three partitions, through a real system: everybody finds their own, whoever looks over all
//! sees all, and who leaves takes theirs along from wherever it lies.

use anyhow::{Context as _, ensure};
use journey::{Stream, play};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use support::http::{HttpServer, Reaction, Told};
use tests::{Leaver, Shop, System, now, partition_of, total};

type Outcome = anyhow::Result<()>;

const LIMIT: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(50);

fn system() -> anyhow::Result<System> {
    Shop::system(&[("partitions", "3")])
}

/// Ids of a list.
fn ids(list: &Value) -> Vec<&str> {
    let items = list.get("items").and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| item.get("id")?.as_str()).collect()
}

#[test]
fn everybody_finds_what_is_theirs_and_who_leaves_takes_it_along() -> Outcome {
    let mut system = system()?;
    let api = system.api();
    play(&api, "divided", &mut |step| println!("{step:?}"))?;
    let people = Leaver::one_in_each(&api, 3)?;
    // Everybody listens, pays, and is told.
    let mut streams = Vec::new();
    for person in &people {
        streams.push(Stream::ask(system.address(), &person.token, "", LIMIT)?);
    }
    let mut payments = Vec::new();
    for (place, person) in people.iter().enumerate() {
        let payment = person.pays(&format!("tea-{place}"))?;
        ensure!(
            usize::from(partition_of(&payment)?) == place,
            "{payment} does not carry the payer's partition {place}"
        );
        payments.push(payment);
    }
    for ((person, payment), stream) in people.iter().zip(&payments).zip(&mut streams) {
        let told = loop {
            let event = stream.event()?.context("the stream ended")?;
            if event.0 == "notification" && event.1["about"] == **payment {
                break event.1;
            }
        };
        let inbox = person.until("/v1/notifications?limit=100", |list| total(list) >= 2)?;
        ensure!(ids(&inbox).contains(&told["id"].as_str().unwrap_or_default()), "{told} is not in {inbox}");
        ensure!(ids(&inbox).iter().all(|id| partition_of(id).ok() == partition_of(payment).ok()), "{inbox}");
        person.until("/v1/overview", |seen| seen["payments"]["total"] == 1 && seen["notifications"]["unread"] == 2)?;
        // Nobody sees a message of another's.
        for other in people.iter().filter(|other| other.email != person.email) {
            let path = format!("/v1/notifications/{}/read", told["id"].as_str().unwrap_or_default());
            let refused = api.post(&path, &json!({}), Some(&other.token), Some("not-mine"))?;
            ensure!(refused.status == 404, "{}", refused.text);
        }
    }
    // Pages of a list go on where they ended.
    let mut person = people.first().context("nobody")?.until("/v1/notifications?limit=1", |_| true)?;
    let mut seen: Vec<String> = ids(&person).into_iter().map(str::to_owned).collect();
    while let Some(next) = person["next_cursor"].as_str() {
        let path = format!("/v1/notifications?limit=1&cursor={next}");
        person = api.get(&path, people.first().map(|person| person.token.as_str()))?.expect(200)?.json;
        seen.extend(ids(&person).into_iter().map(str::to_owned));
    }
    ensure!(seen.len() == 2, "{seen:?}");

    // The second one leaves; the others stay as they were.
    let leaver = people.get(1).context("nobody")?;
    let asked = api.post("/v1/users/me/erasure", &leaver.proof(), Some(&leaver.token), None)?.expect(202)?;
    let erasure = asked.text_of("id")?;
    let receipt = format!("/v1/users/me/erasure/{erasure}");
    let receipt = leaver.until_anybody_sees(&receipt, |receipt| receipt["status"] == "done")?;
    for (service, what, count) in [(2, "inbox_notifications", 2), (3, "payment_views", 1)] {
        let erased = receipt["services"][service]["erased"].as_array().context("no list of what was erased")?;
        ensure!(erased.iter().any(|gone| gone["what"] == what && gone["count"] == count), "{receipt}");
    }
    ensure!(leaver.logs_in()?.status == 401, "who left still gets in");
    for (place, person) in people.iter().enumerate().filter(|(place, _)| *place != 1) {
        let inbox = api.get("/v1/notifications?limit=100", Some(&person.token))?.expect(200)?;
        ensure!(total(&inbox.json) >= 2, "partition {place} lost something: {}", inbox.text);
    }
    system.stop()
}

#[test]
fn an_administrators_endpoint_hears_of_everybody_and_numbers_of_all_partitions_are_shown() -> Outcome {
    let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
    let memory = Arc::clone(&heard);
    let server = HttpServer::start(move |asked| {
        let body = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
        memory.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        Reaction::Answer(Told::json(200, "{}"))
    })?;
    let mut system = system()?;
    let api = system.api();
    let shop = Shop::enter(&system, "divided")?;
    let endpoint = json!({ "url": server.url(), "events": ["payments.payment.captured.v1"], "all_accounts": true });
    let made = shop.as_operator("/v1/webhooks/endpoints", &endpoint, "everybody")?.expect(201)?.text_of("id")?;
    let people = Leaver::one_in_each(&api, 3)?;
    let mut paid = Vec::new();
    for (place, person) in people.iter().enumerate() {
        paid.push(person.pays(&format!("cake-{place}"))?);
    }
    let start = now();
    loop {
        let told = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if paid.iter().all(|id| told.iter().any(|body| body["data"]["id"] == **id)) {
            ensure!(told.len() == paid.len(), "something was told twice: {told:?}");
            break;
        }
        ensure!(start.elapsed() < LIMIT, "{paid:?} but {told:?}");
        std::thread::sleep(GLANCE);
    }
    let log = api.get(&format!("/v1/webhooks/endpoints/{made}/messages"), Some(shop.operator_token()))?.expect(200)?;
    ensure!(ids(&log.json).len() == 3, "{}", log.text);

    let token = system.secret("metrics_token")?;
    let metrics = api.get("/metrics", Some(&token))?.expect(200)?.text;
    for stream in ["users/0", "payments/0", "notifications/0", "notifications/1", "notifications/2"] {
        ensure!(metrics.contains(&format!("spindrift_stream_length{{stream=\"{stream}\"}}")), "{stream}: {metrics}");
    }
    ensure!(!metrics.contains("payments/1"), "{metrics}");
    // Another count is refused: what was made with three cannot be found with two.
    system.stop()?;
    system.start_unready(&[("partitions", "2")])?;
    let start = now();
    while !system.logs()?.contains("it was made with 3 partitions, 2 are configured") {
        ensure!(start.elapsed() < LIMIT, "the log does not say why: {}", system.logs()?);
        std::thread::sleep(GLANCE);
    }
    // Workers may be up before requests are.
    let ready = loop {
        match system.api().try_get("/readyz", None) {
            Ok(answer) => break answer,
            Err(error) => ensure!(start.elapsed() < LIMIT, "nobody answers: {error}"),
        }
        std::thread::sleep(GLANCE);
    };
    ensure!(ready.status == 503, "a system that cannot find its data says that it is ready: {}", ready.text);
    Ok(())
}
