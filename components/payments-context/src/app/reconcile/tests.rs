//! Reconciliations through their routes: every kind of difference, repetition, crashes, twins.

use crate::app::faulty::{FaultyRecords, Loss};
use crate::app::fixture::{House, Seen};
use crate::domain::DisputeStanding;
use futures::future::join;
use serde_json::Value;
use std::sync::Arc;

pub(super) const HEADING: &str = "kind,reference,payment,amount_minor,currency,fee_minor,state\n";
const CREATE: &str = r#"{"provider":"acquirer","statement":"2026-01","from":"2026-01-01","to":"2026-01-02"}"#;
const REASON: &str = r#"{"action":"adjust","reason":"As the provider says"}"#;

/// So many captures of 10.00 EUR with the provider whose costs are known, seen by an operator.
pub(super) async fn house_with(captures: usize) -> House {
    let mut house = House::new();
    let acquirer = house.acquirer.clone();
    house.add_provider("acquirer", acquirer, "*=acquirer");
    for number in 1..=captures {
        let path = house.created(&format!("k{number}"), "tok_visa", "automatic").await;
        assert_eq!(house.confirm(&path, &format!("c{number}")).await.status, 200);
    }
    house.as_operator()
}

/// The settlement of what the acquirer has, which keeps what its contract says.
pub(super) fn settlement(house: &House) -> Vec<String> {
    house.acquirer.settlement(|minor| (minor * 90 + 5_000) / 10_000 + 5)
}

pub(super) fn chunk_of(csv: &str) -> String {
    serde_json::json!({ "csv": csv }).to_string()
}

/// Begins one, sends these lines as one chunk and closes it: its path.
async fn reconciled(house: &House, lines: &[String]) -> String {
    let path = house.post("/v1/reconciliations", "create", CREATE).await.header("location").unwrap().to_owned();
    let seen = house.put(&format!("{path}/chunks/1"), &chunk_of(&format!("{HEADING}{}", lines.join("\n")))).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    let seen = house.post(&format!("{path}/close"), "close", "").await;
    assert_eq!(seen.gist(), (200, "closed".to_owned()), "{}", seen.text);
    path
}

async fn posted(house: &House, account: &str) -> i64 {
    house.get(&format!("/v1/ledger/accounts/{account}")).await.json()["posted_minor"].as_i64().unwrap()
}

/// Name and kinds of each open difference, in the order of their names.
async fn open(house: &House, path: &str) -> Vec<(String, Vec<String>)> {
    let page = house.get(&format!("{path}/differences")).await.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (text(&item["id"]), item["kinds"].as_array().unwrap().iter().map(text).collect()))
        .collect();
    assert_eq!(page["total"].as_u64(), Some(found.len() as u64));
    found.sort();
    found
}

fn numbers(seen: &Seen, words: [&str; 4]) -> [u64; 4] {
    let json = seen.json();
    words.map(|word| json[word].as_u64().unwrap())
}

const NUMBERS: [&str; 4] = ["lines", "matched", "differences", "open_differences"];

#[tokio::test]
async fn a_settlement_that_says_what_our_books_say_has_no_difference_and_books_what_was_kept() {
    let house = house_with(3).await;
    let lines = settlement(&house);
    assert_eq!(lines.len(), 3);
    let path = reconciled(&house, &lines).await;
    let seen = house.get(&path).await;
    assert_eq!(numbers(&seen, NUMBERS), [3, 3, 0, 0], "{}", seen.text);
    assert_eq!(seen.json()["fees"], serde_json::json!([{ "currency": "EUR", "minor": 42 }]));
    assert_eq!((posted(&house, "acquirer:EUR").await, posted(&house, "costs:EUR").await), (-3000 + 42, -42));
    let statement = house.get("/v1/ledger/accounts/costs:EUR/statement").await.json();
    assert_eq!(statement["items"][0]["kind"], "reconciliation");
    let list = house.get("/v1/reconciliations").await.json();
    assert_eq!((&list["total"], &list["items"][0]["status"]), (&1.into(), &"closed".into()));
}

#[tokio::test]
async fn every_kind_of_difference_is_found_and_adjusted_into_suspense() {
    let house = house_with(9).await;
    house.acquirer.dispute_nth(8, 1000, DisputeStanding::Lost);
    let lines = [
        // Taken by somebody without us; 1 is not shown at all.
        "charge,ch_99,,500,EUR,10,captured",
        "charge,ch_2,,1100,EUR,15,captured",
        "charge,ch_3,,1000,USD,12,captured",
        "charge,ch_4,,1000,EUR,0,canceled",
        "charge,ch_5,,1000,EUR,20,captured",
        "charge,ch_6,,1000,EUR,14,captured",
        "charge,ch_6,,1000,EUR,14,captured",
        "charge,ch_7,,1000,EUR,fourteen,captured",
        "charge,ch_8,,1000,EUR,14,captured",
        "dispute,dp_8,,1000,EUR,0,lost",
        "charge,ch_9,,1000,EUR,14,captured",
    ]
    .map(str::to_owned);
    let path = reconciled(&house, &lines).await;
    let wanted = [
        ("1", vec!["missing_here"]),
        ("10", vec!["missing_here"]),
        ("2", vec!["amount"]),
        ("3", vec!["currency"]),
        ("4", vec!["state"]),
        ("5", vec!["fee"]),
        ("7", vec!["duplicate"]),
        ("8", vec!["unreadable"]),
        ("charge:ch_1", vec!["missing_there"]),
        ("charge:ch_7", vec!["missing_there"]),
    ];
    let found = open(&house, &path).await;
    assert_eq!(found, wanted.map(|(id, kinds)| (id.to_owned(), kinds.into_iter().map(str::to_owned).collect())));
    for (number, (id, _)) in found.iter().enumerate() {
        let to = format!("{path}/differences/{id}/resolution");
        let seen = house.post(&to, &format!("r{number}"), REASON).await;
        if id == "8" {
            // What cannot be read says nothing of money.
            assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some("action")));
            let accept = r#"{"action":"accept","reason":"A line of another bank"}"#;
            assert_eq!(house.post(&to, "accept", accept).await.status, 200);
            continue;
        }
        assert_eq!(seen.status, 200, "{id}: {}", seen.text);
        assert_eq!(seen.json()["resolution"]["by"], Value::from(house.user.to_string()));
    }
    assert_eq!(open(&house, &path).await, []);
    assert_eq!(numbers(&house.get(&path).await, NUMBERS), [11, 3, 10, 0]);
    // What the provider owes by its own settlement, less what it kept within the contract or is disputed in suspense.
    let said = 500 + 1100 + 1000 + 1000 + 1000 + 1000 - 1000 + 1000;
    let kept = 10 + 15 + 20 + 14 + 14 + 14 + 14;
    assert_eq!(posted(&house, "acquirer:EUR").await, -(said - kept));
    assert_eq!(posted(&house, "acquirer:USD").await, -(1000 - 12));
    assert_eq!(house.get("/v1/ledger/trial-balance").await.json()["balanced"], true);
    assert_eq!(house.get("/v1/ledger/verify").await.json()["status"], "intact");
}

#[tokio::test]
async fn a_chunk_is_taken_in_once_however_often_and_in_whatever_order_it_is_sent() {
    let house = house_with(4).await;
    let lines = settlement(&house);
    let path = house.post("/v1/reconciliations", "create", CREATE).await.header("location").unwrap().to_owned();
    let first = chunk_of(&format!("{HEADING}{}\n{}\n", lines[0], lines[1]));
    let second = chunk_of(&format!("{}\n{}\n", lines[2], lines[3]));
    let put = async |number: &str, body: &str| house.put(&format!("{path}/chunks/{number}"), body).await;
    assert_eq!(put("2", &second).await.gist(), (409, "reconciliation-state".to_owned()));
    assert_eq!(put("1", &first).await.json()["next_chunk"], 2);
    let costs = posted(&house, "costs:EUR").await;
    assert_eq!(put("1", &first).await.status, 200);
    assert_eq!(posted(&house, "costs:EUR").await, costs, "booked once");
    assert_eq!(put("1", &second).await.gist(), (409, "chunk-differs".to_owned()));
    assert_eq!(put("2", &second).await.status, 200);
    assert_eq!(put("1", &first).await.json()["lines"], 4);
    for number in ["0", "x", "02", "-1"] {
        assert_eq!(put(number, &second).await.status, 404, "{number}");
    }
    let close = format!("{path}/close");
    assert_eq!(house.post(&close, "close1", r#"{"lines":5}"#).await.json()["field"], "lines");
    let closed = house.post(&close, "close1", r#"{"lines":4}"#).await;
    assert_eq!(closed.gist(), (200, "closed".to_owned()));
    let again = house.post(&close, "close1", r#"{"lines":4}"#).await;
    assert_eq!((&again.text, again.header("idempotency-replayed")), (&closed.text, Some("true")));
    assert_eq!(house.post(&close, "close2", "").await.gist(), (200, "closed".to_owned()));
    assert_eq!(put("3", &second).await.gist(), (409, "reconciliation-state".to_owned()));
    assert_eq!(put("1", &first).await.status, 200, "what is in is in");
}

#[tokio::test]
async fn a_statement_is_one_reconciliation_whoever_begins_it_and_however_often() {
    let house = house_with(0).await;
    let (one, two) =
        join(house.post("/v1/reconciliations", "a", CREATE), house.post("/v1/reconciliations", "b", CREATE)).await;
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!((statuses, one.header("location")), ([200, 201], two.header("location")));
    let first = house.post("/v1/reconciliations", "a", CREATE).await;
    assert_eq!((first.status, first.header("idempotency-replayed").is_some()), (one.status, one.status == 201));
    let other = CREATE.replace("2026-01-02", "2026-01-03");
    assert_eq!(house.post("/v1/reconciliations", "c", &other).await.gist(), (409, "statement-taken".to_owned()));
}

#[tokio::test]
async fn two_who_send_the_same_chunk_at_once_take_each_line_in_once() {
    let house = house_with(130).await;
    let path = house.post("/v1/reconciliations", "create", CREATE).await.header("location").unwrap().to_owned();
    let body = chunk_of(&format!("{HEADING}{}", settlement(&house).join("\n")));
    let to = format!("{path}/chunks/1");
    let (one, two) = join(house.put(&to, &body), house.put(&to, &body)).await;
    assert!([one.status, two.status].iter().all(|status| [200, 409].contains(status)), "{} {}", one.text, two.text);
    assert_eq!(house.put(&to, &body).await.status, 200);
    let seen = house.post(&format!("{path}/close"), "close", "").await;
    assert_eq!(numbers(&seen, NUMBERS), [130, 130, 0, 0]);
    assert_eq!(posted(&house, "costs:EUR").await, -14 * 130);
}

#[tokio::test]
async fn who_runs_out_of_time_is_told_so_and_goes_on_where_it_stopped() {
    let mut house = house_with(1).await;
    let path = house.post("/v1/reconciliations", "create", CREATE).await.header("location").unwrap().to_owned();
    let body = chunk_of(&format!("{HEADING}{}", settlement(&house)[0]));
    let to = format!("{path}/chunks/1");
    house.patience_s = 1;
    let seen = house.put(&to, &body).await;
    assert_eq!((seen.gist(), seen.header("retry-after")), ((202, "open".to_owned()), Some("0")));
    let seen = house.post(&format!("{path}/close"), "close", "").await;
    assert_eq!(seen.gist(), (202, "open".to_owned()), "the key stays free");
    house.patience_s = 10;
    assert_eq!(house.put(&to, &body).await.status, 200);
    assert_eq!(house.post(&format!("{path}/close"), "close", "").await.gist(), (200, "closed".to_owned()));
}

/// Repeats until it is answered for good.
async fn insist(send: impl AsyncFn() -> Seen) -> Seen {
    for _ in 0..10 {
        let seen = send().await;
        if seen.status != 503 {
            return seen;
        }
    }
    panic!("it is never answered");
}

/// Imports a settlement with three differences while one call to the store fails; whether it was reached, and what came out.
async fn import(number: u32, loss: Loss) -> (bool, String) {
    let mut house = house_with(70).await;
    let faulty = FaultyRecords::new(house.records.clone());
    house.payments.records = Arc::new(faulty.clone());
    faulty.fail_at(number, loss);
    let mut lines = settlement(&house);
    lines.remove(0);
    lines.push(lines[3].clone());
    lines.push("charge,ch_x,,7,EUR,5,captured".to_owned());
    let seen = insist(async || house.post("/v1/reconciliations", "create", CREATE).await).await;
    let path = seen.header("location").unwrap().to_owned();
    let body = chunk_of(&format!("{HEADING}{}", lines.join("\n")));
    assert_eq!(insist(async || house.put(&format!("{path}/chunks/1"), &body).await).await.status, 200);
    let seen = insist(async || house.post(&format!("{path}/close"), "close", "").await).await;
    assert_eq!(seen.gist(), (200, "closed".to_owned()));
    let to = format!("{path}/differences/71/resolution");
    assert_eq!(insist(async || house.post(&to, "r", REASON).await).await.status, 200);
    let fired = faulty.fired();
    faulty.fail_at(0, loss);
    let told = format!(
        "{:?} {:?} {} {} {}",
        numbers(&house.get(&path).await, NUMBERS),
        open(&house, &path).await,
        posted(&house, "acquirer:EUR").await,
        posted(&house, "costs:EUR").await,
        posted(&house, "suspense:EUR").await,
    );
    (fired, told)
}

#[tokio::test]
async fn cut_off_at_any_call_to_the_store_each_line_counts_once() {
    let (fired, undisturbed) = import(10_000, Loss::Before).await;
    assert!(!fired && undisturbed.starts_with("[71, 69, 3, 2]"), "{undisturbed}");
    let mut cuts = 0;
    for loss in [Loss::Before, Loss::After] {
        let mut number = 1;
        loop {
            let (fired, told) = import(number, loss).await;
            assert_eq!(told, undisturbed, "{loss:?} at call {number}");
            if !fired {
                break;
            }
            (number, cuts) = (number + 1, cuts + 1);
        }
    }
    assert!(cuts > 40, "only {cuts} cuts");
}

#[tokio::test]
async fn what_it_costs_grows_with_batches_and_not_with_lines() {
    let mut house = house_with(600).await;
    let faulty = FaultyRecords::new(house.records.clone());
    house.payments.records = Arc::new(faulty.clone());
    faulty.fail_at(0, Loss::Before);
    reconciled(&house, &settlement(&house)).await;
    let calls = faulty.calls();
    // Load, two look-ups and a commit for sixty lines; nearly as much for sixty items of a day.
    assert!(calls < 600 / 60 * 2 * 5 + 30, "{calls} calls for 600 lines");
}

#[tokio::test]
async fn what_another_statement_has_shown_is_shown_and_never_twice() {
    let house = house_with(2).await;
    let lines = settlement(&house);
    reconciled(&house, &lines[..1]).await;
    let later = r#"{"provider":"acquirer","statement":"late","from":"2026-01-01"}"#;
    let path = house.post("/v1/reconciliations", "create2", later).await.header("location").unwrap().to_owned();
    let body = chunk_of(&format!("{HEADING}{}\n", lines.join("\n")));
    assert_eq!(house.put(&format!("{path}/chunks/1"), &body).await.status, 200);
    house.post(&format!("{path}/close"), "close2", "").await;
    // The first line again: the provider wants to settle it a second time. The first statement missed the second.
    assert_eq!(open(&house, &path).await, [("1".to_owned(), vec!["duplicate".to_owned()])]);
    let found = house.get(&format!("{path}/differences/1")).await.json();
    assert!(found["shown_before_in"].as_str().unwrap().starts_with("rec_"));
    assert_eq!(found["adjustment"][1], serde_json::json!({ "account": "suspense:EUR", "posted_minor": 986 }));
}

#[tokio::test]
async fn a_discarded_file_leaves_nothing_behind() {
    let house = house_with(2).await;
    let lines = settlement(&house);
    let path = house.post("/v1/reconciliations", "create", CREATE).await.header("location").unwrap().to_owned();
    let body = chunk_of(&format!("{HEADING}{}", lines.join("\n")));
    house.put(&format!("{path}/chunks/1"), &body).await;
    assert!(posted(&house, "costs:EUR").await != 0);
    let discard = format!("{path}/discard");
    let seen = house.post(&discard, "d1", r#"{"reason":"The wrong month"}"#).await;
    assert_eq!((seen.gist(), posted(&house, "costs:EUR").await), ((200, "discarded".to_owned()), 0));
    let again = house.post(&discard, "d1", r#"{"reason":"The wrong month"}"#).await;
    assert_eq!((&again.text, again.header("idempotency-replayed")), (&seen.text, Some("true")));
    let other = house.post(&discard, "d2", r#"{"reason":"The wrong month"}"#).await;
    assert_eq!(other.gist(), (409, "reconciliation-state".to_owned()));
    assert_eq!(house.post(&format!("{path}/close"), "c", "").await.status, 409);
    let right = r#"{"provider":"acquirer","statement":"right","from":"2026-01-01"}"#;
    let path = house.post("/v1/reconciliations", "create2", right).await.header("location").unwrap().to_owned();
    house.put(&format!("{path}/chunks/1"), &body).await;
    let seen = house.post(&format!("{path}/close"), "close2", "").await;
    assert_eq!(numbers(&seen, NUMBERS), [2, 2, 0, 0]);
    assert_eq!(house.post(&format!("{path}/discard"), "d3", r#"{"reason":"Too late"}"#).await.status, 409);
}

#[tokio::test]
async fn a_difference_is_resolved_once_whoever_asks_and_however_often() {
    let house = house_with(1).await;
    let open_yet = house.post("/v1/reconciliations", "create", CREATE).await.header("location").unwrap().to_owned();
    let seen = house.post(&format!("{open_yet}/differences/1/resolution"), "r0", REASON).await;
    assert_eq!(seen.gist(), (409, "reconciliation-state".to_owned()));
    let path = reconciled(&house, &["charge,ch_x,,7,EUR,5,captured".to_owned()]).await;
    let to = format!("{path}/differences/1/resolution");
    let (one, two) = join(house.post(&to, "r1", REASON), house.post(&to, "r2", REASON)).await;
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let (key, first) = if one.status == 200 { ("r1", &one) } else { ("r2", &two) };
    let again = house.post(&to, key, REASON).await;
    assert_eq!((&again.text, again.header("idempotency-replayed")), (&first.text, Some("true")));
    assert_eq!(house.post(&to, "r3", REASON).await.gist(), (409, "difference-resolved".to_owned()));
    assert_eq!(posted(&house, "suspense:EUR").await, 7);
    // Who was wrong reverses the entry.
    let entry = house.records.ledger().last().unwrap().entry();
    let undone = house.post(&format!("/v1/ledger/entries/{entry}/reversal"), "u", r#"{"reason":"Found"}"#).await;
    assert_eq!((undone.status, posted(&house, "suspense:EUR").await), (201, 0));
    assert_eq!(open(&house, &path).await, [("charge:ch_1".to_owned(), vec!["missing_there".to_owned()])]);
    let page = house.get(&format!("{path}/differences?state=all&limit=1")).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = house.get(&format!("{path}/differences?state=all&limit=1&cursor={cursor}")).await.json();
    assert_eq!((&page["items"][0]["line"], page.get("next_cursor")), (&1.into(), None));
}

#[tokio::test]
async fn refuses_strangers_cards_and_what_makes_no_sense() {
    let house = house_with(1).await;
    let path = house.post("/v1/reconciliations", "create", CREATE).await.header("location").unwrap().to_owned();
    for (body, field) in [
        (CREATE.replace("acquirer", "No One"), "provider"),
        (CREATE.replace("\"2026-01\"", "\"a b\""), "statement"),
        (CREATE.replace("2026-01-01", "2026-02-30"), "from"),
        (CREATE.replace("2026-01-02", "2025-12-31"), "to"),
        (CREATE.replace("2026-01-02", "2027-01-02"), "to"),
    ] {
        let seen = house.post("/v1/reconciliations", "x", &body).await;
        assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some(field)), "{body}");
    }
    let to = format!("{path}/chunks/1");
    let seen = house.put(&to, &chunk_of("kind,reference\n")).await;
    assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some("csv")));
    assert_eq!(house.put(&to, &chunk_of("")).await.status, 422);
    let card = house.put(&to, &chunk_of(&format!("{HEADING}charge,4242424242424242,,1,EUR,0,captured\n"))).await;
    assert_eq!((card.gist(), card.text.contains("4242")), ((422, "card-number".to_owned()), false));
    assert_eq!(house.get(&format!("{path}/differences?state=some")).await.status, 422);
    assert_eq!(house.get(&format!("{path}/differences?limit=51")).await.status, 422);
    assert_eq!(house.get(&format!("{path}/differences?cursor=x")).await.status, 422);
    for path in [format!("{path}/differences/9"), "/v1/reconciliations/rec_x".to_owned(), format!("{path}x")] {
        assert_eq!(house.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(house.post_without_key("/v1/reconciliations", CREATE).await.status, 428);
    let stranger = House { roles: vec!["user".to_owned()], ..house.clone() };
    assert_eq!(stranger.post("/v1/reconciliations", "s", CREATE).await.status, 403);
    assert_eq!(stranger.put(&to, &chunk_of(HEADING)).await.status, 403);
    for step in ["close", "discard", "differences/1/resolution"] {
        assert_eq!(stranger.post(&format!("{path}/{step}"), "s", "{}").await.status, 403, "{step}");
    }
    for path in
        ["/v1/reconciliations".to_owned(), path.clone(), format!("{path}/differences"), format!("{path}/differences/1")]
    {
        assert_eq!(stranger.get(&path).await.status, 403, "{path}");
    }
}
