//! The archive of the stream: pages, what is dropped behind them and what never is, and reading over both.

use crate::history::{House, instance};
use crate::sealing::Late;
use ambient::Timestamp;
use core::time::Duration;
use events::{EntryId, Span, StreamEntry};
use futures::future::BoxFuture;
use key_value::KeyValue;
use records::{Change, Content, Meta, Outcome, RecordKey, Records, RecordsError};
use records_redis::Retention;
use redis_client::Reply;
use std::sync::Arc;

const STREAM: &str = "{contract/0}:events";
const FROM_START: Span = Span::After(EntryId::START);

pub fn at_once() -> Retention {
    Retention {
        archived_after: Duration::ZERO,
        page_entries: 4,
        stream_keeps: Duration::ZERO,
        stream_entries: 0,
        ..Retention::default()
    }
}

pub async fn tell(house: &House, numbers: core::ops::Range<u32>) {
    for number in numbers {
        let meta = Meta { at: Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None };
        let key = RecordKey::new(format!("told:{number}")).unwrap();
        let change = Change::new(key, None, Content::Body("{}".into()), meta).with_event(events::NewEvent {
            kind: "contract.thing.happened.v1",
            subject: number.to_string(),
            data: serde_json::json!({}),
            personal: None,
        });
        assert!(matches!(house.records.commit(change).await, Ok(Outcome::Committed(_))));
    }
}

pub async fn archive_all(house: &House) -> u32 {
    let mut entries = 0;
    loop {
        let step = house.records.archive_step(&at_once()).await.unwrap();
        entries += step.entries;
        if !step.more {
            return entries;
        }
    }
}

/// The number of an event.
pub fn subject(entry: &StreamEntry) -> u32 {
    let event: serde_json::Value = serde_json::from_slice(&entry.payload).unwrap();
    event["subject"].as_str().unwrap().parse().unwrap()
}

/// The subjects of all that was told after an entry, in pieces of this size.
async fn heard(house: &House, mut after: EntryId, limit: u32) -> Vec<u32> {
    let mut subjects = Vec::new();
    loop {
        let told = house.records.told_events(Span::After(after), limit).await.unwrap();
        let Some(last) = told.entries.last() else { return subjects };
        after = last.id;
        subjects.extend(told.entries.iter().map(subject));
    }
}

async fn length(house: &House) -> i64 {
    match house.call("XLEN", &[STREAM]).await.as_slice() {
        [Reply::Integer(length)] => *length,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reading_goes_over_pages_and_stream_without_a_gap_and_nothing_twice() {
    let house = House::new();
    tell(&house, 0..10).await;
    assert_eq!(archive_all(&house).await, 10);
    tell(&house, 10..13).await;
    for trimmed in [false, true] {
        if trimmed {
            let state = house.records.trim_stream(&at_once()).await.unwrap();
            assert_eq!((state.dropped, state.entries, state.pages), (10, 3, 3));
        }
        for limit in [1, 3, 5, 100] {
            assert_eq!(
                heard(&house, EntryId::START, limit).await,
                (0..13).collect::<Vec<_>>(),
                "{limit} at once, trimmed: {trimmed}"
            );
        }
        let fifth = house.records.told_events(FROM_START, 5).await.unwrap().entries.last().unwrap().id;
        assert_eq!(heard(&house, fifth, 2).await, (5..13).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn nothing_is_dropped_that_a_group_has_not_settled() {
    let house = House::new();
    tell(&house, 0..6).await;
    house.call("XGROUP", &["CREATE", STREAM, "worker", "0"]).await;
    house.call("XGROUP", &["CREATE", STREAM, "quick", "$"]).await;
    archive_all(&house).await;
    assert_eq!(house.records.trim_stream(&at_once()).await.unwrap().dropped, 0, "nobody has read anything");
    // Three are handed out, the second of them is settled.
    let read = house.call("XREADGROUP", &["GROUP", "worker", "w", "COUNT", "3", "STREAMS", STREAM, ">"]).await;
    let ids: Vec<String> = read
        .iter()
        .filter_map(|reply| match reply {
            Reply::Bytes(bytes) => String::from_utf8(bytes.clone()).ok().filter(|text| text.parse::<EntryId>().is_ok()),
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 3, "{read:?}");
    house.call("XACK", &[STREAM, "worker", &ids[1]]).await;
    let state = house.records.trim_stream(&at_once()).await.unwrap();
    assert_eq!((state.dropped, state.held_by.as_str()), (0, "worker"), "the first is in its hands");
    house.call("XACK", &[STREAM, "worker", &ids[0]]).await;
    assert_eq!(house.records.trim_stream(&at_once()).await.unwrap().dropped, 2);
    house.call("XACK", &[STREAM, "worker", &ids[2]]).await;
    assert_eq!(house.records.trim_stream(&at_once()).await.unwrap().dropped, 1);
    // A group that is rung for and has lost its place needs everything.
    house.call("SADD", &["{contract/0}:groups", "lost"]).await;
    house.call("XGROUP", &["SETID", STREAM, "worker", "$"]).await;
    assert_eq!(house.records.trim_stream(&at_once()).await.unwrap().dropped, 0);
    house.call("XGROUP", &["CREATE", STREAM, "lost", "$"]).await;
    assert_eq!(house.records.trim_stream(&at_once()).await.unwrap().dropped, 3);
}

#[tokio::test]
async fn nothing_is_dropped_that_is_in_no_page() {
    let house = House::new();
    tell(&house, 0..6).await;
    let step = house.records.archive_step(&at_once()).await.unwrap();
    assert_eq!((step.entries, step.more), (4, true));
    assert_eq!(house.records.trim_stream(&at_once()).await.unwrap().dropped, 4);
    assert_eq!(length(&house).await, 2);
}

#[tokio::test]
async fn what_is_young_stays_unless_there_is_too_much_of_it() {
    let house = House::new();
    tell(&house, 0..8).await;
    archive_all(&house).await;
    let young = Retention { stream_keeps: Duration::from_secs(3600), stream_entries: 8, ..at_once() };
    assert_eq!(house.records.trim_stream(&young).await.unwrap().dropped, 0);
    let full = Retention { stream_entries: 7, budget_entries: 7, ..young };
    let state = house.records.trim_stream(&full).await.unwrap();
    assert_eq!((state.dropped, state.over_budget), (1, false), "the oldest");
    assert_eq!(heard(&house, EntryId::START, 3).await, (0..8).collect::<Vec<_>>());
    house.call("XGROUP", &["CREATE", STREAM, "worker", "0"]).await;
    tell(&house, 8..16).await;
    archive_all(&house).await;
    let state = house.records.trim_stream(&full).await.unwrap();
    assert_eq!(
        (state.dropped, state.over_budget, state.held_by.as_str()),
        (0, true, "worker"),
        "an alarm, and no loss"
    );
}

#[tokio::test]
async fn an_archivist_that_dies_between_any_two_calls_loses_and_doubles_nothing() {
    let mut cut = 0;
    loop {
        let house = House::new();
        tell(&house, 0..6).await;
        let (redis, bodies) = crate::sealing::failing(house.redis.clone(), house.bodies.clone(), cut);
        let dying = instance(redis, bodies);
        let died = async {
            while dying.archive_step(&at_once()).await?.more {}
            dying.trim_stream(&at_once()).await
        }
        .await;
        assert_eq!(heard(&house, EntryId::START, 4).await, (0..6).collect::<Vec<_>>(), "cut after {cut} calls");
        house.call("DEL", &["{contract/0}:archivist"]).await;
        tell(&house, 6..8).await;
        archive_all(&house).await;
        house.records.trim_stream(&at_once()).await.unwrap();
        assert_eq!(length(&house).await, 0, "cut after {cut} calls");
        assert_eq!(
            heard(&house, EntryId::START, 3).await,
            (0..8).collect::<Vec<_>>(),
            "after all, cut after {cut} calls"
        );
        if died.is_ok() {
            break;
        }
        cut += 1;
    }
    assert!(cut >= 8, "archiving has {cut} calls only");
}

#[tokio::test]
async fn an_archivist_that_slept_before_its_write_loses_nothing() {
    let house = Arc::new(House::new());
    tell(&house, 0..2).await;
    let other = house.clone();
    let late = Late::new(house.bodies.clone(), move || -> BoxFuture<'static, ()> {
        let house = other.clone();
        Box::pin(async move {
            tell(&house, 2..4).await;
            house.call("DEL", &["{contract/0}:archivist"]).await;
            archive_all(&house).await;
            house.records.trim_stream(&at_once()).await.unwrap();
        })
    });
    instance(house.redis.clone(), Arc::new(late)).archive_step(&at_once()).await.unwrap();
    house.call("DEL", &["{contract/0}:archivist"]).await;
    tell(&house, 4..6).await;
    archive_all(&house).await;
    house.records.trim_stream(&at_once()).await.unwrap();
    assert_eq!(heard(&house, EntryId::START, 100).await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_page_that_was_altered_is_never_written_over() {
    let house = House::new();
    tell(&house, 0..2).await;
    archive_all(&house).await;
    let page = "contract:archive.0.page.1";
    house.bodies.set(page, b"{}".to_vec()).await.unwrap();
    tell(&house, 2..3).await;
    let refused = house.records.archive_step(&at_once()).await;
    assert_eq!(refused, Err(RecordsError::Corrupt { key: page.to_owned() }));
    assert_eq!(house.records.trim_stream(&at_once()).await.unwrap().entries, 1, "what is in no page stays");
}

#[tokio::test]
async fn pages_go_when_their_time_is_over_and_the_last_one_never() {
    let house = House::new();
    tell(&house, 0..9).await;
    archive_all(&house).await;
    house.records.trim_stream(&at_once()).await.unwrap();
    let kept = at_once();
    assert!(!house.records.drop_page(&kept).await.unwrap(), "they are young");
    let over = Retention { pages_keep: Duration::ZERO, ..kept };
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(house.records.drop_page(&over).await.unwrap());
    let told = house.records.told_events(FROM_START, 100).await.unwrap();
    assert_eq!((told.entries.len(), told.has_gap), (5, true), "who begins before them is told so");
    assert!(house.records.drop_page(&over).await.unwrap());
    assert!(!house.records.drop_page(&over).await.unwrap(), "the last one");
    tell(&house, 9..10).await;
    assert_eq!(archive_all(&house).await, 1, "it goes on");
}
