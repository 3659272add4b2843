//! Acts and looks through the router, over doubles.

use super::{api, public};
use crate::testing::{ADMIN, GROUP, House, admin, caller, event, stream};
use crate::{READ, WRITE};
use api_document::{Agreement, Scene};
use axum::body::Body;
use events::{DeadLetters, StreamName};
use http::Request;
use principal::{Idempotency, IdempotencyKey};
use serde_json::{Value, json};

const LETTERS: &str = "/v1/operations/dead-letters/notifications";

async fn one_letter() -> (House, String) {
    let house = House::having_heard([2, 3]).await;
    let letter = house.letters().await.remove(0).id.to_string();
    (house, letter)
}

/// Act and step of each row of the trail, oldest first.
fn trail(house: &House) -> Vec<(String, String)> {
    let rows = house.memory.trail();
    let word = |text: &str, name: &str| -> String {
        serde_json::from_str::<Value>(text).unwrap()[name].as_str().unwrap().to_owned()
    };
    rows.iter().map(|row| (word(&row.text, "act"), word(&row.text, "step"))).collect()
}

fn steps(act: &str) -> Vec<(String, String)> {
    ["asked", "done"].map(|step| (act.to_owned(), step.to_owned())).into()
}

#[tokio::test]
async fn a_poison_event_is_shown_with_its_cause_and_its_trace_and_nothing_personal() {
    let (house, letter) = one_letter().await;
    let depths = house.get("/v1/operations/dead-letters").await;
    assert_eq!(
        (&depths.json["items"][1]["context"], &depths.json["items"][1]["letters"]),
        (&json!("notifications"), &json!(1))
    );
    assert!(depths.json["items"][1]["oldest_at"].is_string());
    let page = house.get(LETTERS).await;
    assert_eq!(page.json["items"][0]["cause"], "the number is odd");
    assert_eq!(page.json["items"][0]["type"], "payments.payment.captured.v1");
    assert_eq!(page.json["next_cursor"], Value::Null);
    let shown = house.get(&format!("{LETTERS}/{letter}")).await;
    assert_eq!(shown.json["trace"], event(3).traceid);
    assert_eq!(shown.json["event"]["data"], json!({ "number": 3 }));
    assert_eq!((&shown.json["has_personal"], &shown.json["replay"]), (&json!(true), &Value::Null));
    assert!(!shown.text.contains("secret"), "{}", shown.text);
    let events = house.get("/v1/operations/streams/payments/events").await;
    assert_eq!(events.json["items"].as_array().unwrap().len(), 2);
    assert!(!events.text.contains("secret"), "{}", events.text);
}

#[tokio::test]
async fn a_replayed_letter_is_handled_once_and_the_act_is_in_the_trail() {
    let (house, letter) = one_letter().await;
    let asked = house.post(&format!("{LETTERS}/{letter}/replay"), "k1", r#"{"reason":"try again"}"#).await;
    assert_eq!((asked.status, asked.replayed), (200, false), "{}", asked.text);
    assert_eq!(asked.json["letters"], json!([{ "id": letter, "outcome": "replayed" }]));
    assert_eq!((&asked.json["by"], &asked.json["status"]), (&json!(ADMIN), &json!("done")));
    let shown = house.get(&format!("{LETTERS}/{letter}")).await;
    assert_eq!(shown.json["replay"]["deliveries"], 0);
    house.hear().await;
    // It fails again: one letter with another name.
    let after = house.letters().await;
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].id.to_string(), letter);
    assert_eq!(trail(&house), steps("replay"));
    let again = house.post(&format!("{LETTERS}/{letter}/replay"), "k1", r#"{"reason":"try again"}"#).await;
    assert_eq!((again.status, again.replayed, &again.text), (200, true, &asked.text));
    assert_eq!(house.memory.trail().len(), 2, "a repetition is no act");
    let id = asked.json["id"].as_str().unwrap();
    assert_eq!(house.get(&format!("/v1/operations/acts/{id}")).await.json, asked.json);
    assert_eq!(house.get("/v1/operations/acts").await.json["items"][0]["status"], "done");
    let audit = house.get("/v1/operations/audit").await;
    let row = &audit.json["items"][0];
    assert_eq!(
        (&row["seq"], &row["context"], &row["reason"]),
        (&json!(2), &json!("notifications"), &json!("try again"))
    );
    assert_eq!(house.get("/v1/operations/audit/verify").await.json["status"], "intact");
}

#[tokio::test]
async fn an_edited_letter_keeps_its_id_and_has_its_effect_once() {
    let (house, letter) = one_letter().await;
    let path = format!("{LETTERS}/{letter}/edit");
    let body = r#"{"data":{"number":4},"reason":"a slip of the pen"}"#;
    let asked = house.post(&path, "k1", body).await;
    assert_eq!(asked.json["letters"], json!([{ "id": letter, "outcome": "edited" }]), "{}", asked.text);
    house.hear().await;
    assert_eq!(house.letters().await, []);
    let done = || house.consumer.0.lock().unwrap().clone();
    assert_eq!(done(), [(event(2).id, json!({ "number": 2 })), (event(3).id, json!({ "number": 4 }))]);
    assert_eq!(trail(&house), steps("edit"));
    let row = house.get("/v1/operations/audit").await.json["items"][0].clone();
    assert!(row["before"].as_str().is_some_and(|digest| digest.len() == 64) && row["before"] != row["after"], "{row}");
    assert_eq!(house.post(&path, "k1", body).await.text, asked.text);
    assert_eq!(house.post(&path, "k2", body).await.kind(), (404, "not-found"), "another request finds no letter");
    house.hear().await;
    assert_eq!(done().len(), 2);
}

#[tokio::test]
async fn an_effect_that_was_there_before_is_not_had_again_by_an_edit() {
    let (house, letter) = one_letter().await;
    // Its worker had committed and died before it could say so.
    house.consumer.0.lock().unwrap().push((event(3).id, json!({ "number": 3 })));
    house.post(&format!("{LETTERS}/{letter}/edit"), "k1", r#"{"data":{"number":4},"reason":"r"}"#).await;
    house.hear().await;
    assert_eq!(house.letters().await, []);
    assert_eq!(house.consumer.0.lock().unwrap().len(), 2, "once by its id, whatever the data");
}

#[tokio::test]
async fn what_is_no_event_is_shown_and_purged_but_not_edited() {
    let house = House::having_heard([]).await;
    let letter = house.parked_garbage().await.id.to_string();
    let shown = house.get(&format!("{LETTERS}/{letter}")).await;
    assert_eq!(shown.json["unreadable"]["beginning"], "\u{0}\u{fffd} no event");
    assert_eq!(shown.json["event"], Value::Null);
    let edit = house.post(&format!("{LETTERS}/{letter}/edit"), "k1", r#"{"data":{},"reason":"r"}"#).await;
    assert_eq!(edit.kind(), (409, "dead-letter-unreadable"));
    assert_eq!(house.memory.trail(), [], "nothing was done");
    let purged = house.post(&format!("{LETTERS}/{letter}/purge"), "k2", r#"{"reason":"garbage"}"#).await;
    assert_eq!(purged.json["letters"][0]["outcome"], "purged");
    assert_eq!((house.letters().await, trail(&house)), (Vec::new(), steps("purge")));
}

#[tokio::test]
async fn many_letters_are_replayed_page_by_page_and_each_once() {
    let house = House::having_heard([1, 3, 5, 7, 9]).await;
    let mut seen = Vec::new();
    let mut body = json!({ "group": GROUP, "limit": 2 });
    for key in 0..5 {
        let asked = house.post(&format!("{LETTERS}/replay"), &format!("k{key}"), &body.to_string()).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        seen.extend(asked.json["letters"].as_array().unwrap().clone());
        // They fail again, as younger letters: the walk does not meet them.
        house.hear().await;
        match &asked.json["next_cursor"] {
            Value::Null => break,
            cursor => body["cursor"] = cursor.clone(),
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|letter| letter["outcome"] == "replayed"), "{seen:?}");
    assert_eq!(house.letters().await.len(), 5);
}

#[tokio::test]
async fn letters_are_purged_by_moment_and_by_name() {
    let house = House::having_heard([1, 3, 5, 7]).await;
    let letters = house.letters().await;
    let body = json!({ "since": letters[1].at, "until": letters[1].at, "reason": "r" }).to_string();
    let by_moment = house.post(&format!("{LETTERS}/purge"), "k1", &body).await;
    assert_eq!((&by_moment.json["done"], &by_moment.json["next_cursor"]), (&json!(1), &Value::Null));
    let body = json!({ "letters": [letters[1].id.to_string(), letters[3].id.to_string()], "reason": "r" }).to_string();
    let by_name = house.post(&format!("{LETTERS}/purge"), "k2", &body).await;
    assert_eq!((&by_name.json["done"], &by_name.json["gone"]), (&json!(1), &json!(1)));
    let left: Vec<_> = house.letters().await.iter().map(|letter| letter.id).collect();
    assert_eq!(left, [letters[0].id, letters[2].id]);
    let without = house.post(&format!("{LETTERS}/purge"), "k3", r#"{"all":true}"#).await;
    assert_eq!((without.kind(), &without.json["field"]), ((422, "invalid"), &json!("reason")));
    let nobody = house.post(&format!("{LETTERS}/purge"), "k4", r#"{"group":"queries-worker","reason":"r"}"#).await;
    assert_eq!((&nobody.json["letters"], &nobody.json["status"]), (&json!([]), &json!("done")));
}

#[tokio::test]
async fn whoever_died_in_between_goes_on_with_the_same_letters() {
    for lost_at in ["the first commit", "the effect", "the last commit"] {
        let house = House::having_heard([1, 3]).await;
        let body = r#"{"all":true,"limit":1}"#;
        let path = format!("{LETTERS}/replay");
        let youngest = house.letters().await[0].id.to_string();
        match lost_at {
            "the first commit" => house.memory.fail_next_commit_after(),
            "the last commit" => {}
            _ => house.log.cut(true),
        }
        let first = house.post(&path, "k1", body).await;
        match lost_at {
            // The selection itself needs the log: nothing was written yet.
            "the effect" => assert_eq!((first.kind(), house.memory.trail().len()), ((503, "unavailable"), 0)),
            "the first commit" => assert_eq!((first.kind(), trail(&house).len()), ((503, "unavailable"), 1)),
            _ => assert_eq!(first.status, 200),
        }
        house.log.cut(false);
        // Younger letters come in the meantime.
        house.clock.advance_ms(1_000);
        house.log.append(&stream(), &event(5));
        house.hear().await;
        let again = house.post(&path, "k1", body).await;
        assert_eq!(again.status, 200, "{lost_at}: {}", again.text);
        if lost_at != "the effect" {
            assert_eq!(again.json["letters"][0]["id"], youngest, "{lost_at}");
        }
        assert_eq!(trail(&house), steps("replay"), "{lost_at}");
    }
}

#[tokio::test]
async fn an_act_whose_answer_was_lost_is_told_and_not_done_again() {
    let (house, letter) = one_letter().await;
    let path = format!("{LETTERS}/{letter}/purge");
    let body = r#"{"reason":"r"}"#;
    // The commit of the end is carried out, its answer is lost: as when the process is killed just after it.
    let asked = house.post(&path, "k1", body).await;
    assert_eq!(asked.json["done"], 1);
    house.log.purge(letter.parse().unwrap()).await.unwrap();
    let again = house.post(&path, "k1", body).await;
    assert_eq!((again.replayed, &again.text), (true, &asked.text));
    let other = house.post(&path, "k1", r#"{"reason":"another"}"#).await;
    assert_eq!(other.kind(), (422, "idempotency-key-reused"));
}

#[tokio::test]
async fn an_act_that_was_asked_for_and_not_done_is_listed_so() {
    let (house, letter) = one_letter().await;
    house.memory.fail_next_commit_after();
    let lost = house.post(&format!("{LETTERS}/{letter}/purge"), "k1", r#"{"reason":"r"}"#).await;
    assert_eq!(lost.kind(), (503, "unavailable"));
    assert_eq!(house.letters().await.len(), 1, "nothing has happened that is not written down first");
    let acts = house.get("/v1/operations/acts").await;
    assert_eq!(acts.json["items"][0]["status"], "asked");
    let id = acts.json["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(house.get(&format!("/v1/operations/acts/{id}")).await.json["letters"], json!([{ "id": letter }]));
    house.post(&format!("{LETTERS}/{letter}/purge"), "k1", r#"{"reason":"r"}"#).await;
    assert_eq!(house.letters().await, []);
    assert_eq!(house.get("/v1/operations/acts").await.json["items"][0]["status"], "done");
}

#[tokio::test]
async fn only_administrators_with_the_scope_get_in() {
    let (house, letter) = one_letter().await;
    let reads = [
        "/v1/operations/streams".to_owned(),
        "/v1/operations/streams/payments".to_owned(),
        "/v1/operations/streams/payments/groups".to_owned(),
        "/v1/operations/streams/payments/events".to_owned(),
        "/v1/operations/dead-letters".to_owned(),
        LETTERS.to_owned(),
        format!("{LETTERS}/{letter}"),
        "/v1/operations/acts".to_owned(),
        "/v1/operations/audit".to_owned(),
        "/v1/operations/audit/verify".to_owned(),
    ];
    let acts = [
        format!("{LETTERS}/{letter}/replay"),
        format!("{LETTERS}/{letter}/edit"),
        format!("{LETTERS}/{letter}/purge"),
        format!("{LETTERS}/replay"),
        format!("{LETTERS}/purge"),
    ];
    for (who, wanted) in [
        (None, 401),
        (Some(caller("user", &[READ, WRITE])), 403),
        (Some(caller("operator", &[READ, WRITE])), 403),
        (Some(caller("admin", &["payments:read"])), 403),
    ] {
        for path in &reads {
            assert_eq!(house.ask(Request::get(path), who.clone(), None, "").await.status, wanted, "{path}");
        }
        for path in &acts {
            assert_eq!(house.ask(Request::post(path), who.clone(), Some("k"), "{}").await.status, wanted, "{path}");
        }
    }
    for path in &acts {
        let reader = Some(caller("admin", &[READ]));
        assert_eq!(house.ask(Request::post(path), reader, Some("k"), "{}").await.status, 403, "{path}");
        assert_eq!(
            house.ask(Request::post(path), Some(admin()), None, "{}").await.kind(),
            (428, "idempotency-key-required")
        );
    }
    assert_eq!((house.letters().await.len(), house.memory.trail().len()), (1, 0));
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_wrong_is_422() {
    let (house, letter) = one_letter().await;
    for path in ["/v1/operations/streams/nobody", "/v1/operations/dead-letters/nobody", "/v1/operations/acts/act_1"] {
        assert_eq!(house.get(path).await.kind(), (404, "not-found"), "{path}");
    }
    for path in ["1-1", "x", "1767225600000-0%20"] {
        assert_eq!(house.get(&format!("{LETTERS}/{path}")).await.kind(), (404, "not-found"), "{path}");
    }
    for query in ["limit=0", "limit=101", "cursor=x", "cursor=%2B1-0"] {
        assert_eq!(house.get(&format!("{LETTERS}?{query}")).await.kind(), (422, "invalid"), "{query}");
    }
    for query in ["limit=x", "since=yesterday"] {
        assert_eq!(house.get(&format!("{LETTERS}?{query}")).await.kind(), (400, "malformed"), "{query}");
    }
    let both = house.get("/v1/operations/streams/payments/events?cursor=1-0&after=1-0").await;
    assert_eq!(both.kind(), (422, "invalid"));
    for (body, kind) in [
        (r#"{"data":[],"reason":"r"}"#, (422, "invalid")),
        (r#"{"data":{},"reason":" "}"#, (422, "invalid")),
        (r#"{"data":{"number":3},"reason":"as it was"}"#, (422, "invalid")),
        (r#"{"data":{},"reason":"r","id":"evt_1"}"#, (422, "invalid")),
        ("{", (400, "malformed")),
    ] {
        assert_eq!(house.post(&format!("{LETTERS}/{letter}/edit"), "k", body).await.kind(), kind, "{body}");
    }
    assert_eq!(house.memory.trail(), []);
}

#[tokio::test]
async fn a_stream_is_followed_from_an_entry() {
    let house = House::having_heard([2, 4, 6]).await;
    let page = house.get("/v1/operations/streams/payments/events?limit=2").await;
    let cursor = page.json["next_cursor"].as_str().unwrap().to_owned();
    let older = house.get(&format!("/v1/operations/streams/payments/events?limit=2&cursor={cursor}")).await;
    assert_eq!(older.json["items"][0]["event"]["data"]["number"], 2);
    assert_eq!(older.json["next_cursor"], Value::Null);
    let entry = older.json["items"][0]["entry"].as_str().unwrap();
    let after = house.get(&format!("/v1/operations/streams/payments/events?after={entry}")).await;
    let numbers: Vec<_> =
        after.json["items"].as_array().unwrap().iter().map(|item| item["event"]["data"]["number"].clone()).collect();
    assert_eq!(numbers, [4, 6]);
    let groups = house.get("/v1/operations/streams/payments/groups").await;
    assert_eq!(groups.json["items"][0]["group"], GROUP);
    assert_eq!(
        (&groups.json["items"][0]["context"], &groups.json["items"][0]["lag"]),
        (&json!("notifications"), &json!(0))
    );
}

#[tokio::test]
async fn each_partition_is_a_stream_of_its_own() {
    let house = House::new();
    house.log.append(&StreamName::new("notifications", 2), &event(7));
    let streams = house.get("/v1/operations/streams").await;
    let names: Vec<_> = streams.json["items"].as_array().unwrap().iter().map(|item| &item["stream"]).collect();
    assert_eq!(names, ["payments/0", "notifications/0", "notifications/1", "notifications/2"]);
    for (partition, length) in [("", 0), ("?partition=1", 0), ("?partition=2", 1)] {
        let stream = house.get(&format!("/v1/operations/streams/notifications{partition}")).await;
        assert_eq!(stream.json["length"], length, "{partition}");
        let events = house.get(&format!("/v1/operations/streams/notifications/events{partition}")).await;
        assert_eq!(events.json["items"].as_array().unwrap().len(), length, "{partition}");
    }
    for path in ["notifications?partition=3", "payments/events?partition=1", "payments/groups?partition=255"] {
        assert_eq!(house.get(&format!("/v1/operations/streams/{path}")).await.kind(), (404, "not-found"), "{path}");
    }
    let refused = house.get("/v1/operations/streams/payments/groups?partition=-1").await;
    assert_eq!(refused.kind(), (400, "malformed"));
}

#[tokio::test]
async fn a_log_that_is_gone_is_503() {
    let (house, letter) = one_letter().await;
    house.log.cut(true);
    for path in ["/v1/operations/streams", LETTERS] {
        assert_eq!(house.get(path).await.kind(), (503, "unavailable"), "{path}");
    }
    let asked = house.post(&format!("{LETTERS}/{letter}/replay"), "k1", "").await;
    assert_eq!(asked.kind(), (503, "unavailable"));
}

/// What an operation needs to succeed.
async fn before(operation: String) -> Scene {
    let (house, letter) = one_letter().await;
    let mut scene = Scene::new(public(house.operations.clone()))
        .by(|request: &mut Request<Body>| {
            let key = request.headers().get("idempotency-key").and_then(|value| value.to_str().ok());
            let key = key.map(|text| IdempotencyKey::new(text).unwrap());
            let extensions = request.extensions_mut();
            extensions.insert(admin());
            if let Some(key) = key {
                extensions.insert(Idempotency { key, fingerprint: [7; 32] });
            }
        })
        .knowing("letter", letter.clone());
    if operation == "get_act" || operation == "list_operations_audit" {
        let asked = house.post(&format!("{LETTERS}/{letter}/replay"), "k1", "").await;
        scene = scene.knowing("id", asked.json["id"].clone());
    }
    scene
}

#[tokio::test]
async fn the_document_and_the_routes_agree() {
    let check = Agreement::afresh(before, api(), &[include_str!("mod.rs")]);
    assert_eq!(check.complaints().await, Vec::<String>::new());
}
