//! What was told, read over pages and stream in both directions, while both change.

use crate::archiving::{archive_all, at_once, subject, tell};
use crate::history::{House, instance};
use async_trait::async_trait;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use events::{EntryId, EventHistory, EventsError, MAX_TOLD, Span, StreamName, ToldPage};
use futures::future::BoxFuture;
use key_value::{KeyValue, KeyValueError, MemoryKeyValue};
use records::RecordsError;
use records_redis::{RedisRecords, Retention};
use std::sync::Arc;

const STREAM: &str = "{contract/0}:events";
const END: EntryId = EntryId { unix_ms: u64::MAX, place: u64::MAX };

fn numbers(page: &ToldPage) -> Vec<u32> {
    page.entries.iter().map(subject).collect()
}

/// Every page of a walk in one direction; `between` happens after each.
async fn walk(
    records: &RedisRecords,
    mut span: Span,
    limit: u32,
    mut between: impl AsyncFnMut(usize),
) -> Vec<ToldPage> {
    let mut pages = Vec::new();
    loop {
        let page = records.told_events(span, limit).await.unwrap();
        let next = page.entries.last().map(|entry| entry.id).filter(|_| page.has_more);
        pages.push(page);
        let Some(next) = next else { return pages };
        span = match span {
            Span::After(_) => Span::After(next),
            Span::Before(_) => Span::Before(Some(next)),
        };
        between(pages.len()).await;
    }
}

async fn trim(house: &House) {
    house.records.trim_stream(&at_once()).await.unwrap();
}

async fn drop_page(house: &House) -> bool {
    // Pages are over as soon as the clock has moved on.
    tokio::time::sleep(Duration::from_millis(3)).await;
    let over = Retention { pages_keep: Duration::ZERO, ..at_once() };
    house.records.drop_page(&over).await.unwrap()
}

/// The last entry of a page.
async fn last_of(house: &House, page: u64) -> EntryId {
    let bytes = house.bodies.get(&format!("contract:archive.0.page.{page}")).await.unwrap().unwrap();
    let page: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    page["rows"].as_array().unwrap().last().unwrap().as_str().unwrap().split_once(' ').unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn both_directions_show_everything_once_and_say_where_it_ends() {
    let house = House::new();
    tell(&house, 0..10).await;
    archive_all(&house).await;
    tell(&house, 10..13).await;
    for trimmed in [false, true] {
        if trimmed {
            trim(&house).await;
        }
        for limit in [1, 3, 4, 5, 12, 13, 100] {
            for (span, wanted) in [
                (Span::After(EntryId::START), (0..13).collect::<Vec<_>>()),
                (Span::Before(None), (0..13).rev().collect()),
                (Span::Before(Some(END)), (0..13).rev().collect()),
            ] {
                let pages = walk(&house.records, span, limit, async |_| {}).await;
                let case = format!("{span:?}, {limit} at once, trimmed: {trimmed}");
                assert_eq!(pages.iter().flat_map(numbers).collect::<Vec<_>>(), wanted, "{case}");
                assert_eq!(pages.len(), 13usize.div_ceil(limit as usize), "a page that is empty: {case}");
                assert!(pages.iter().all(|page| !page.has_gap), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_walk_misses_nothing_while_it_is_archived_and_trimmed_in_between() {
    for back in [false, true] {
        for at in 1..6 {
            let house = House::new();
            tell(&house, 0..12).await;
            let span = if back { Span::Before(None) } else { Span::After(EntryId::START) };
            let change = async |page: usize| {
                if page == at {
                    archive_all(&house).await;
                    trim(&house).await;
                    tell(&house, 12..14).await;
                }
            };
            let seen: Vec<_> = walk(&house.records, span, 2, change).await.iter().flat_map(numbers).collect();
            let wanted: Vec<_> = if back { (0..12).rev().collect() } else { (0..14).collect() };
            assert_eq!(seen, wanted, "back: {back}, changed after page {at}");
        }
    }
}

#[tokio::test]
async fn who_begins_before_what_is_kept_is_told_so_and_nobody_else() {
    let house = House::new();
    tell(&house, 0..12).await;
    archive_all(&house).await;
    trim(&house).await;
    let end_of_first = last_of(&house, 0).await;
    assert!(drop_page(&house).await);
    let from = async |entry| house.records.told_events(Span::After(entry), 100).await.unwrap();
    let just_before = EntryId { unix_ms: end_of_first.unix_ms - 1, place: u64::MAX };
    for (entry, has_gap) in [(EntryId::START, true), (just_before, true), (end_of_first, false), (END, false)] {
        let page = from(entry).await;
        assert_eq!(page.has_gap, has_gap, "{entry}");
        assert_eq!(numbers(&page), if entry == END { vec![] } else { (4..12).collect() }, "{entry}");
    }
    let back = walk(&house.records, Span::Before(None), 3, async |_| {}).await;
    assert_eq!(back.iter().flat_map(numbers).collect::<Vec<_>>(), (4..12).rev().collect::<Vec<_>>());
    assert_eq!(back.iter().map(|page| page.has_gap).collect::<Vec<_>>(), [false, false, true], "on the last page");
    let before_all = house.records.told_events(Span::Before(Some(end_of_first)), 100).await.unwrap();
    assert_eq!((numbers(&before_all), before_all.has_gap), (vec![], true));
    // A head that was written before it was noted up to where pages were dropped.
    house.call("HDEL", &["{contract/0}:archive", "dropped"]).await;
    let page = from(EntryId::START).await;
    assert_eq!((numbers(&page), page.has_gap), ((4..12).collect(), true));
    assert!(!from(page.entries[0].id).await.has_gap);
}

/// A store in which something happens before the first page is read.
struct Meanwhile<F> {
    inner: Arc<MemoryKeyValue>,
    happens: F,
    is_new: AtomicBool,
}

#[async_trait]
impl<F: Fn() -> BoxFuture<'static, ()> + Send + Sync> KeyValue for Meanwhile<F> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        if key.contains(":archive.") && self.is_new.swap(false, Ordering::SeqCst) {
            (self.happens)().await;
        }
        self.inner.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        self.inner.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.inner.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.inner.keys().await
    }
}

#[tokio::test]
async fn pages_that_go_while_they_are_read_are_a_gap_and_no_failure() {
    for span in [Span::After(EntryId::START), Span::Before(None)] {
        let house = Arc::new(House::new());
        tell(&house, 0..12).await;
        archive_all(&house).await;
        trim(&house).await;
        let other = house.clone();
        let happens = move || -> BoxFuture<'static, ()> {
            let house = other.clone();
            Box::pin(async move {
                assert!(drop_page(&house).await && drop_page(&house).await);
            })
        };
        let bodies = Meanwhile { inner: house.bodies.clone(), happens, is_new: AtomicBool::new(true) };
        let page = instance(house.redis.clone(), Arc::new(bodies)).told_events(span, 100).await.unwrap();
        let mut seen = numbers(&page);
        seen.sort_unstable();
        assert_eq!((seen, page.has_gap), ((8..12).collect(), true), "{span:?}");
    }
}

#[tokio::test]
async fn a_page_whose_dropper_died_half_way_is_a_gap_and_goes_later() {
    let house = House::new();
    tell(&house, 0..12).await;
    archive_all(&house).await;
    trim(&house).await;
    let last = last_of(&house, 0).await.to_string();
    house.call("HSET", &["{contract/0}:archive", "dropped", &format!("0 {last}")]).await;
    for is_deleted in [false, true] {
        if is_deleted {
            house.bodies.delete("contract:archive.0.page.0").await.unwrap();
        }
        let page = house.records.told_events(Span::After(EntryId::START), 100).await.unwrap();
        assert_eq!((numbers(&page), page.has_gap), ((4..12).collect(), true), "deleted: {is_deleted}");
        let page = house.records.told_events(Span::Before(None), 100).await.unwrap();
        assert_eq!((numbers(&page), page.has_gap), ((4..12).rev().collect(), true), "deleted: {is_deleted}");
    }
    assert!(drop_page(&house).await, "the rest of it");
    assert!(drop_page(&house).await, "the next one");
    let page = house.records.told_events(Span::After(EntryId::START), 100).await.unwrap();
    assert_eq!(numbers(&page), (8..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_that_is_missing_or_altered_is_told_and_not_skipped() {
    let house = House::new();
    tell(&house, 0..8).await;
    archive_all(&house).await;
    trim(&house).await;
    let key = "contract:archive.0.page.1".to_owned();
    let whole = house.bodies.get(&key).await.unwrap().unwrap();
    house.bodies.delete(&key).await.unwrap();
    for span in [Span::After(EntryId::START), Span::Before(None)] {
        let read = house.records.told_events(span, 100).await;
        assert_eq!(read, Err(RecordsError::Corrupt { key: key.clone() }), "{span:?}");
    }
    house.bodies.set(&key, b"{}".to_vec()).await.unwrap();
    assert_eq!(house.records.told_events(Span::Before(None), 1).await, Err(RecordsError::Corrupt { key: key.clone() }));
    house.bodies.set(&key, whole).await.unwrap();
    assert_eq!(house.records.told_events(Span::Before(None), 100).await.unwrap().entries.len(), 8);
}

#[tokio::test]
async fn what_a_slow_group_holds_in_the_stream_is_told_although_its_page_has_gone() {
    let house = House::new();
    tell(&house, 0..12).await;
    house.call("XGROUP", &["CREATE", STREAM, "worker", "0"]).await;
    archive_all(&house).await;
    trim(&house).await;
    assert!(drop_page(&house).await);
    let page = house.records.told_events(Span::After(EntryId::START), 100).await.unwrap();
    assert_eq!(numbers(&page), (0..12).collect::<Vec<_>>());
    let back = walk(&house.records, Span::Before(None), 5, async |_| {}).await;
    assert_eq!(back.iter().flat_map(numbers).collect::<Vec<_>>(), (0..12).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn lost_or_half_rebuilt_data_are_no_empty_history() {
    let house = House::new();
    assert_eq!(house.records.told_events(Span::Before(None), 10).await, Ok(ToldPage::default()), "nothing was told");
    tell(&house, 0..8).await;
    archive_all(&house).await;
    trim(&house).await;
    tell(&house, 8..9).await;
    // A rebuild leaves the stream where it is and moves everything else aside.
    house.call("RENAME", &["{contract/0}:archive", "{contract/0}:rebuild:old:archive"]).await;
    house.call("RENAME", &["{contract/0}:epoch", "{contract/0}:rebuild:old:epoch"]).await;
    for lost in [false, true] {
        if lost {
            house.call("FLUSHALL", &[]).await;
        }
        for span in [Span::After(EntryId::START), Span::Before(None)] {
            let read = house.records.told_events(span, 10).await;
            assert!(matches!(read, Err(RecordsError::RolledBack { .. })), "{read:?}");
        }
    }
}

#[tokio::test]
async fn the_port_tells_of_its_own_stream_within_its_bounds() {
    let house = House::new();
    tell(&house, 0..3).await;
    let history: &dyn EventHistory = &house.records;
    let own = StreamName::new("contract", 0);
    for other in [StreamName::new("contract", 1), StreamName::new("payments", 0)] {
        let refused = history.told(&other, Span::Before(None), 10).await;
        assert!(matches!(refused, Err(EventsError::Unexpected(_))), "{refused:?}");
    }
    assert_eq!(history.told(&own, Span::Before(None), 0).await.unwrap().entries.len(), 1);
    assert_eq!(history.told(&own, Span::Before(None), u32::MAX).await.unwrap().entries.len(), 3);
    assert_eq!(MAX_TOLD, 100);
    for nowhere in [Span::After(END), Span::Before(Some(EntryId::START))] {
        assert_eq!(history.told(&own, nowhere, 10).await.unwrap(), ToldPage::default());
    }
    let late = EntryId { unix_ms: u64::MAX, place: 0 };
    assert_eq!(history.told(&own, Span::After(late), 10).await.unwrap(), ToldPage::default());
}
