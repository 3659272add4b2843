//! What was told, across the end of the stream: through the router, with an owner that keeps it, or is away.

use crate::testing::{House, Seen, stream};
use core::sync::atomic::Ordering;
use events::{EntryId, EventInspection, Span};
use serde_json::Value;

const EVENTS: &str = "/v1/operations/streams/payments/events";

/// Nine events, one a second, the first five of which are in the stream no more.
async fn trimmed() -> House {
    let house = House::having_heard([0, 2, 4, 6, 8, 10, 12, 14, 16]).await;
    house.log.trim_up_to(&stream(), entry_of(&house, 4).await);
    house
}

/// The `place`th entry of the stream.
async fn entry_of(house: &House, place: usize) -> EntryId {
    house.log.entries(&stream(), Span::After(EntryId::START), 100).await.unwrap()[place].id
}

fn numbers(page: &Seen) -> Vec<u64> {
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.text.contains("secret"), "{}", page.text);
    let number = |item: &Value| item["event"]["data"]["number"].as_u64().unwrap() / 2;
    page.json["items"].as_array().unwrap().iter().map(number).collect()
}

/// Everything that following `next` shows, page by page; `between` happens after each.
async fn walk(house: &House, first: &str, next: (&str, &str), mut between: impl FnMut(usize)) -> Vec<Vec<u64>> {
    let (mut pages, mut query) = (Vec::new(), first.to_owned());
    loop {
        let page = house.get(&format!("{EVENTS}?{query}")).await;
        pages.push(numbers(&page));
        assert_eq!(page.json["stream"], "payments/0");
        let Some(cursor) = page.json[next.0].as_str() else { return pages };
        query = format!("{}&{}={cursor}", first.split('&').next().unwrap(), next.1);
        between(pages.len());
    }
}

const BACK: (&str, &str) = ("next_cursor", "cursor");
const ON: (&str, &str) = ("next_after", "after");

#[tokio::test]
async fn pages_go_over_the_end_of_the_stream_without_a_gap_and_nothing_twice() {
    for limit in [1, 2, 3, 4, 5, 9, 100] {
        let house = trimmed().await;
        let back = walk(&house, &format!("limit={limit}"), BACK, |_| {}).await;
        assert_eq!(back.concat(), (0..9).rev().collect::<Vec<_>>(), "{limit} a page: {back:?}");
        for from in ["after=0-0", "since=2025-12-31T00:00:00Z", "since=2026-01-01T00:00:01Z"] {
            let on = walk(&house, &format!("limit={limit}&{from}"), ON, |_| {}).await;
            assert_eq!(on.concat(), (0..9).collect::<Vec<_>>(), "{limit} a page, {from}: {on:?}");
        }
        let some = walk(&house, &format!("limit={limit}&since=2026-01-01T00:00:03Z"), ON, |_| {}).await;
        assert_eq!(some.concat(), (2..9).collect::<Vec<_>>(), "{limit} a page: {some:?}");
    }
}

#[tokio::test]
async fn a_walk_misses_nothing_where_the_stream_is_trimmed_between_two_pages() {
    for at in 1..4 {
        for (first, next, is_back) in [("limit=2", BACK, true), ("limit=2&after=0-0", ON, false)] {
            let house = House::having_heard([0, 2, 4, 6, 8, 10, 12, 14, 16]).await;
            let trimmed_up_to = entry_of(&house, 7).await;
            let change = |page| {
                if page == at {
                    house.log.trim_up_to(&stream(), trimmed_up_to);
                }
            };
            let mut seen = walk(&house, first, next, change).await.concat();
            if is_back {
                seen.reverse();
            }
            assert_eq!(seen, (0..9).collect::<Vec<_>>(), "trimmed after page {at}, {first}");
        }
    }
}

#[tokio::test]
async fn the_owner_is_asked_only_for_what_the_stream_does_not_hold() {
    let house = trimmed().await;
    let asked = || house.keeper.asked.swap(0, Ordering::SeqCst);
    let (first, newest) = (entry_of(&house, 0).await, entry_of(&house, 3).await);
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?limit=4")).await), [8, 7, 6, 5]);
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?after={first}")).await), [6, 7, 8]);
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?after={newest}")).await), Vec::<u64>::new());
    assert_eq!(asked(), 0);
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?limit=5")).await), [8, 7, 6, 5, 4]);
    assert_eq!(asked(), 1);
    // A quiet stream that has been trimmed altogether is followed without its owner.
    house.log.trim(&stream());
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?after={newest}")).await), Vec::<u64>::new());
    assert_eq!(asked(), 0);
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?after={first}")).await), [6, 7, 8]);
    assert_eq!(asked(), 1);
}

#[tokio::test]
async fn an_owner_that_is_away_hides_nothing_of_the_stream_and_is_named_where_it_is_needed() {
    let house = trimmed().await;
    house.keeper.is_away.store(true, Ordering::SeqCst);
    let page = house.get(EVENTS).await;
    assert_eq!(numbers(&page), [8, 7, 6, 5], "what the stream holds");
    let cursor = page.json["next_cursor"].as_str().expect("and that there is more");
    let oldest = entry_of(&house, 0).await;
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?after={oldest}")).await), [6, 7, 8]);
    for query in [format!("cursor={cursor}"), "after=0-0".to_owned(), "since=2026-01-01T00:00:00Z".to_owned()] {
        let away = house.get(&format!("{EVENTS}?{query}")).await;
        assert_eq!(away.kind(), (503, "history-unavailable"), "{query}: {}", away.text);
        assert_eq!((&away.json["context"], away.json["detail"].is_string()), (&"payments".into(), true));
        assert!(!away.text.contains("status 503"), "an inner cause is shown: {}", away.text);
    }
    house.log.trim(&stream());
    assert_eq!(house.get(EVENTS).await.kind(), (503, "history-unavailable"), "an empty page would be a lie");
    house.keeper.is_away.store(false, Ordering::SeqCst);
    assert_eq!(numbers(&house.get(EVENTS).await), [8, 7, 6, 5, 4, 3, 2, 1, 0]);
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_a_gap_and_told_so() {
    let house = trimmed().await;
    let told = walk(&house, "limit=100&after=0-0", ON, |_| {}).await.concat();
    assert_eq!(told.len(), 9);
    let page = house.get(&format!("{EVENTS}?after=0-0&limit=3")).await;
    let third = page.json["next_after"].as_str().unwrap().to_owned();
    house.log.forget_up_to(&stream(), third.parse().unwrap());
    let page = house.get(&format!("{EVENTS}?after=0-0")).await;
    assert_eq!((numbers(&page), &page.json["has_gap"]), ((3..9).collect(), &true.into()));
    let page = house.get(&format!("{EVENTS}?after={third}")).await;
    assert_eq!((numbers(&page), &page.json["has_gap"]), ((3..9).collect(), &false.into()));
    let page = house.get(&format!("{EVENTS}?limit=5")).await;
    let (cursor, has_gap) = (page.json["next_cursor"].as_str().unwrap(), &page.json["has_gap"]);
    assert_eq!(has_gap, &Value::Bool(false), "there are older ones");
    let page = house.get(&format!("{EVENTS}?cursor={cursor}")).await;
    assert_eq!(
        (numbers(&page), &page.json["has_gap"], &page.json["next_cursor"]),
        (vec![3], &true.into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_context_that_tells_nothing_has_no_owner_and_hostile_places_are_refused() {
    let house = trimmed().await;
    assert_eq!(house.get("/v1/operations/streams/notifications/events").await.json["items"], Value::Array(vec![]));
    assert_eq!(house.keeper.asked.load(Ordering::SeqCst), 0);
    for query in [
        "cursor=1-0&after=1-0",
        "cursor=1-0&since=2026-01-01T00:00:00Z",
        "after=1-0&since=2026-01-01T00:00:00Z",
        "after=%2B1-0",
        "after=1",
        "cursor=99999999999999999999-0",
        "limit=101&after=0-0",
    ] {
        assert_eq!(house.get(&format!("{EVENTS}?{query}")).await.kind(), (422, "invalid"), "{query}");
    }
    assert_eq!(house.get(&format!("{EVENTS}?since=yesterday")).await.kind(), (400, "malformed"));
    let end = "18446744073709551615-18446744073709551615";
    for query in ["cursor=0-0".to_owned(), format!("after={end}"), "since=9999-12-31T23:59:59Z".to_owned()] {
        assert_eq!(numbers(&house.get(&format!("{EVENTS}?{query}")).await), Vec::<u64>::new(), "{query}");
    }
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?cursor={end}")).await).len(), 9);
    assert_eq!(numbers(&house.get(&format!("{EVENTS}?since=1960-01-01T00:00:00Z")).await).len(), 9);
}
