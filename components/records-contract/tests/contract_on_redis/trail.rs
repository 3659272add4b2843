//! The audit trail on real stores: what somebody altered is found, what dies half-way is done the next time.

use crate::history::{House, instance};
use crate::rebuilding::{AGE, ASIDE};
use crate::sealing::{Late, cut_off};
use core::ops::Range;
use futures::future::BoxFuture;
use key_value::KeyValue;
use records::{AccountKey, Break, Change, Content, Finding, Journal, Meta, OwnTrail, RecordKey, Records, TrailEntry};
use records_redis::{Mode, Phase, RedisOwnRows, RedisTrail};
use redis_client::{Redis, Reply};
use std::sync::Arc;

const CHAIN: &str = "contract:trail.0.page.0";
const OWN: &str = "contract:trail.0.account.usr_1.0";
/// The same page after its rows were shredded.
const SHREDDED: &str = "contract:trail.0.shredded.1.usr_1.0";

/// A house with rows of one account, 32 for each of these changes.
async fn told(changes: usize) -> House {
    let house = House::new();
    tell(&house, 0..changes).await;
    house
}

async fn tell(house: &House, changes: Range<usize>) {
    for number in changes {
        let meta = Meta { at: ambient::Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None };
        let key = RecordKey::new(format!("session:{number}")).unwrap();
        let mut change = Change::new(key, None, Content::Body("{}".into()), meta);
        for place in 0..32 {
            change = change.with_trail(TrailEntry {
                account: somebody(),
                text: format!(r#"{{"act":"log_in","n":{place}}}"#),
                personal: Some(format!(r#"{{"address":"192.0.2.{number}"}}"#)),
            });
        }
        house.records.commit(change).await.unwrap();
    }
}

fn somebody() -> AccountKey {
    AccountKey::new("usr_1").unwrap()
}

fn trail_of(redis: Arc<dyn Redis>, bodies: Arc<dyn KeyValue>) -> RedisTrail {
    RedisTrail::of(Arc::new(instance(redis, bodies)))
}

/// The trail as another instance has it, to which the lease of nobody is in the way.
async fn another(house: &House) -> RedisTrail {
    house.call("DEL", &["{contract/0}:trail:sealer"]).await;
    trail_of(house.redis.clone(), house.bodies.clone())
}

async fn seal_all(trail: &RedisTrail) {
    while trail.seal().await.unwrap().more {}
}

/// A house with 160 rows of one account, 128 of them in pages.
async fn trail() -> (House, RedisTrail) {
    let house = told(5).await;
    let trail = trail_of(house.redis.clone(), house.bodies.clone());
    seal_all(&trail).await;
    (house, trail)
}

/// Numbers of the account's rows that are read, oldest first, and how many of them still say something personal.
async fn own(trail: &RedisTrail) -> (Vec<u64>, usize) {
    let mut rows = trail.own_rows(&somebody(), None, 100).await.unwrap();
    while let Some(from) = rows.last().map(|row| row.number - 1).filter(|from| *from > 0) {
        rows.extend(trail.own_rows(&somebody(), Some(from), 100).await.unwrap());
    }
    let personal = rows.iter().filter(|row| row.personal.is_some()).count();
    (rows.iter().rev().map(|row| row.number).collect(), personal)
}

/// Names of the store under which something personal lies.
async fn personal(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for key in house.bodies.keys().await.unwrap() {
        if stored(house, &key).await.contains("192.0.2.") {
            found.push(key);
        }
    }
    found
}

async fn assert_nothing_personal_is_open(house: &House) {
    let open = house.call("XRANGE", &["{contract/0}:trail:j:usr_1", "-", "+"]).await;
    assert!(
        !open.iter().any(|reply| matches!(reply, Reply::Bytes(bytes) if bytes.windows(8).any(|w| w == b"192.0.2.")))
    );
}

async fn finding(trail: &RedisTrail) -> Finding {
    trail.verify(None, 100).await.unwrap().finding
}

async fn stored(house: &House, key: &str) -> String {
    String::from_utf8(house.bodies.get(key).await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_personal_is_never_in_the_chain_and_goes_without_breaking_it() {
    let (house, trail) = trail().await;
    assert_eq!(finding(&trail).await, Finding::Intact);
    assert!(!stored(&house, CHAIN).await.contains("192.0.2."));
    assert!(stored(&house, OWN).await.contains("192.0.2."));
    trail.shred(&somebody()).await.unwrap();
    assert!(!stored(&house, SHREDDED).await.contains("192.0.2."));
    assert_eq!(house.bodies.get(OWN).await.unwrap(), None, "what the page was before");
    assert_nothing_personal_is_open(&house).await;
    assert_eq!(finding(&trail).await, Finding::Intact);
    // Shredded rows cannot be told to have said something else.
    house.alter(SHREDDED, |text| text.replacen("log_in", "log_on", 1)).await;
    assert!(matches!(finding(&trail).await, Finding::Broken(Break::AccountDiffers { number: 1, .. })));
}

#[tokio::test]
async fn what_was_altered_in_pages_or_open_rows_is_found_at_its_place() {
    let (house, trail) = trail().await;
    house.alter(CHAIN, |text| text.replacen("\\\"n\\\":3", "\\\"n\\\":4", 1)).await;
    assert_eq!(finding(&trail).await, Finding::Broken(Break::PageAltered { page: 0 }));
    let (house, trail) = self::trail().await;
    house.alter(OWN, |text| text.replacen("192.0.2.2", "192.0.2.9", 1)).await;
    assert!(matches!(finding(&trail).await, Finding::Broken(Break::AccountDiffers { .. })), "an address of another");
    let (house, trail) = self::trail().await;
    house.bodies.delete(CHAIN).await.unwrap();
    assert_eq!(finding(&trail).await, Finding::Broken(Break::PageMissing { page: 0 }));
    let (house, trail) = self::trail().await;
    house.write_open_row("{contract/0}:trail:journal", 130, None).await;
    assert_eq!(finding(&trail).await, Finding::Broken(Break::RowOutOfOrder { seq: 130 }));
    let (house, trail) = self::trail().await;
    house.call("XTRIM", &["{contract/0}:trail:journal", "MAXLEN", "0"]).await;
    assert_eq!(finding(&trail).await, Finding::Broken(Break::RowOutOfOrder { seq: 129 }), "the newest are gone");
}

#[tokio::test]
async fn whoever_is_done_keeps_nobody_waiting_for_the_end_of_a_lease() {
    let (house, trail) = trail().await;
    let other = trail_of(house.redis.clone(), house.bodies.clone());
    let account = somebody();
    other.shred(&account).await.unwrap();
    trail.shred(&account).await.unwrap();
    assert!(!trail.seal().await.unwrap().more);
    other.shred(&account).await.unwrap();
    assert_eq!(finding(&trail).await, Finding::Intact);
}

#[tokio::test]
async fn nothing_is_shredded_under_the_hands_of_a_sealer() {
    let (house, trail) = trail().await;
    house.call("SET", &["{contract/0}:trail:sealer", "somebody", "PX", "60000"]).await;
    let account = somebody();
    assert!(trail.shred(&account).await.is_err());
    assert!(stored(&house, OWN).await.contains("192.0.2."));
    house.call("DEL", &["{contract/0}:trail:sealer"]).await;
    trail.shred(&account).await.unwrap();
    assert_eq!(finding(&trail).await, Finding::Intact);
}

/// What others do while a sealer sleeps before it writes an account's page.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meanwhile {
    Shred,
    ShredAndSeal,
    SealAndShred,
    /// Two looks, and rows in between that are sealed.
    ShredTwice,
    /// A shredding, and Redis is lost and rebuilt.
    ShredAndRebuild,
}

async fn rebuild(house: &House) {
    house.records.maintain(ambient::Clock::now(&ambient::SystemClock)).await.unwrap();
    house.call("FLUSHALL", &[]).await;
    house.call("EVAL", &[ASIDE, "0"]).await;
    let fresh = instance(house.redis.clone(), house.bodies.clone());
    let report = fresh.rebuild_now("real", Mode::Real).await.unwrap();
    assert_eq!((report.phase, report.failed, report.problems), (Phase::Done, None, vec![]));
}

impl Meanwhile {
    async fn happen(self, house: &House) {
        if self == Self::SealAndShred {
            seal_all(&another(house).await).await;
        }
        another(house).await.shred(&somebody()).await.unwrap();
        match self {
            Self::Shred | Self::SealAndShred => {}
            Self::ShredAndSeal => seal_all(&another(house).await).await,
            Self::ShredTwice => {
                tell(house, 5..9).await;
                seal_all(&another(house).await).await;
                another(house).await.shred(&somebody()).await.unwrap();
            }
            Self::ShredAndRebuild => rebuild(house).await,
        }
    }
}

/// A house of whose account a sealer wrote the page that it was about to write before all of this.
async fn overslept(meanwhile: Meanwhile, dies: bool) -> Arc<House> {
    let house = Arc::new(told(5).await);
    let other = house.clone();
    let late = Late::new(house.bodies.clone(), move || -> BoxFuture<'static, ()> {
        let house = other.clone();
        Box::pin(async move { meanwhile.happen(&house).await })
    });
    let late = late.with(".account.").dying(dies);
    let slept = trail_of(house.redis.clone(), Arc::new(late)).seal().await;
    assert_eq!(slept.is_err(), dies, "{meanwhile:?}");
    house
}

const ALL: [Meanwhile; 5] = [
    Meanwhile::Shred,
    Meanwhile::ShredAndSeal,
    Meanwhile::SealAndShred,
    Meanwhile::ShredTwice,
    Meanwhile::ShredAndRebuild,
];

async fn assert_whole(house: &House, what: &str) {
    let trail = another(house).await;
    seal_all(&trail).await;
    assert_eq!(finding(&trail).await, Finding::Intact, "{what}");
    let rows = trail.length().await.unwrap();
    assert_eq!(own(&trail).await, ((1..=rows).collect(), 0), "{what}");
    assert_nothing_personal_is_open(house).await;
}

#[tokio::test]
async fn a_sealer_that_slept_over_a_shredding_brings_nothing_personal_back() {
    for meanwhile in ALL {
        let house = overslept(meanwhile, false).await;
        assert_eq!(personal(&house).await, Vec::<String>::new(), "{meanwhile:?}");
        assert_whole(&house, &format!("{meanwhile:?}")).await;
    }
}

#[tokio::test]
async fn what_a_sealer_wrote_that_slept_and_died_is_read_by_nobody_and_goes() {
    for meanwhile in ALL {
        let what = format!("{meanwhile:?}");
        // The second look takes it.
        let house = overslept(meanwhile, true).await;
        assert_eq!(personal(&house).await, [OWN], "{what}");
        assert_whole(&house, &what).await;
        another(&house).await.shred(&somebody()).await.unwrap();
        assert_eq!(personal(&house).await, Vec::<String>::new(), "{what}");
        assert_whole(&house, &what).await;
        // Or the cleaner.
        let house = overslept(meanwhile, true).await;
        house.call("EVAL", &[AGE, "0"]).await;
        while house.records.sweep().await.unwrap() > 0 {}
        assert_eq!(personal(&house).await, Vec::<String>::new(), "{what}");
        assert_whole(&house, &what).await;
        // Or a rebuild.
        let house = overslept(meanwhile, true).await;
        rebuild(&house).await;
        assert_eq!(personal(&house).await, Vec::<String>::new(), "{what}");
        assert_whole(&house, &what).await;
    }
}

#[tokio::test]
async fn a_shredding_that_dies_between_any_two_calls_loses_nothing_and_is_done_by_the_next() {
    for (carried_out, loses_redis) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut cut = 0;
        loop {
            let what = format!("cut after {cut} calls, {carried_out}, {loses_redis}");
            let house = told(9).await;
            seal_all(&another(&house).await).await;
            // A page that a sealer had written before it died, and whose rows are open still.
            let (redis, bodies) = (house.redis.clone(), house.bodies.clone());
            tell(&house, 9..13).await;
            let (page_redis, page_bodies) = cut_off(redis.clone(), bodies.clone(), 8, true);
            house.call("DEL", &["{contract/0}:trail:sealer"]).await;
            assert!(trail_of(page_redis, page_bodies).seal().await.is_err());
            assert!(house.bodies.get("contract:trail.0.account.usr_1.2").await.unwrap().is_some());
            house.call("DEL", &["{contract/0}:trail:sealer"]).await;
            let (cut_redis, cut_bodies) = cut_off(redis, bodies, cut, carried_out);
            let died = trail_of(cut_redis, cut_bodies).shred(&somebody()).await;
            // Nobody who reads is in the way of it, or sees a gap.
            let trail = another(&house).await;
            assert_eq!(finding(&trail).await, Finding::Intact, "{what}");
            assert_eq!(own(&trail).await.0, (1..=416).collect::<Vec<_>>(), "{what}");
            if loses_redis {
                rebuild(&house).await;
                let trail = another(&house).await;
                assert_eq!(finding(&trail).await, Finding::Intact, "rebuilt, {what}");
            }
            another(&house).await.shred(&somebody()).await.unwrap();
            assert_eq!(personal(&house).await, Vec::<String>::new(), "{what}");
            assert_whole(&house, &what).await;
            if died.is_ok() {
                break;
            }
            cut += 1;
        }
        assert!(cut >= 13, "a shredding has {cut} calls only");
    }
}

#[tokio::test]
async fn whoever_reads_while_rows_are_shredded_finds_them() {
    for begun in [false, true] {
        let (house, _) = trail().await;
        if begun {
            // The open rows are shredded, the pages are not.
            let (redis, bodies) = cut_off(house.redis.clone(), house.bodies.clone(), 2, true);
            assert!(trail_of(redis, bodies).shred(&somebody()).await.is_err());
        }
        let house = Arc::new(house);
        let other = house.clone();
        let late = Late::new(house.bodies.clone(), move || -> BoxFuture<'static, ()> {
            let house = other.clone();
            Box::pin(async move { another(&house).await.shred(&somebody()).await.unwrap() })
        });
        let reader = trail_of(house.redis.clone(), Arc::new(late.with(".account.").reading()));
        let rows = reader.own_rows(&somebody(), Some(100), 100).await.unwrap();
        assert_eq!((rows.len(), rows.iter().filter(|row| row.personal.is_some()).count()), (100, 0), "{begun}");
    }
}

#[tokio::test]
async fn a_rebuild_knows_what_was_shredded_where_redis_had_gone_back() {
    let (house, trail) = trail().await;
    trail.shred(&somebody()).await.unwrap();
    // Redis is one of before, with rows that still say everything.
    house.records.maintain(ambient::Clock::now(&ambient::SystemClock)).await.unwrap();
    let line = house.call("XRANGE", &["{contract/0}:trail:j:usr_1", "129-0", "129-0"]).await;
    let [_, _, Reply::Bytes(line)] = line.as_slice() else { panic!("{line:?}") };
    let line = format!("{}\t{}", String::from_utf8_lossy(line), r#"{"address":"192.0.2.4"}"#);
    house.write_open_row("{contract/0}:trail:j:usr_1", 129, Some(&line)).await;
    house.call("HDEL", &["{contract/0}:trail:b:usr_1", "generation"]).await;
    house.call("EVAL", &[ASIDE, "0"]).await;
    let fresh = instance(house.redis.clone(), house.bodies.clone());
    for mode in [Mode::Dry, Mode::Real] {
        let report = fresh.rebuild_now(&format!("{mode:?}"), mode).await.unwrap();
        assert_eq!((report.phase, report.failed, report.problems), (Phase::Done, None, vec![]));
    }
    assert_whole(&house, "rebuilt").await;
    assert_eq!(personal(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_rebuild_that_dies_over_pages_of_older_generations_is_done_by_the_next() {
    let mut cut = 0;
    loop {
        let house = told(9).await;
        seal_all(&another(&house).await).await;
        // Of two pages one is written anew, and both of before are there.
        let (redis, bodies) = cut_off(house.redis.clone(), house.bodies.clone(), 5, true);
        assert!(trail_of(redis, bodies).shred(&somebody()).await.is_err());
        assert!(house.bodies.get(SHREDDED).await.unwrap().is_some());
        assert_eq!(personal(&house).await.len(), 2);
        house.records.maintain(ambient::Clock::now(&ambient::SystemClock)).await.unwrap();
        house.call("FLUSHALL", &[]).await;
        let (redis, bodies) = cut_off(house.redis.clone(), house.bodies.clone(), cut, true);
        let died = instance(redis, bodies).rebuild_now("real", Mode::Real).await;
        house.call("DEL", &["{contract/0}:rebuild:lease"]).await;
        let fresh = instance(house.redis.clone(), house.bodies.clone());
        let report = fresh.rebuild_now("real", Mode::Real).await.unwrap();
        assert_eq!((report.phase, report.failed), (Phase::Done, None), "cut after {cut} calls");
        assert_eq!(personal(&house).await, Vec::<String>::new(), "cut after {cut} calls");
        assert_whole(&house, &format!("cut after {cut} calls")).await;
        if died.is_ok() {
            break;
        }
        cut += 3;
    }
    assert!(cut > 30, "a rebuild has {cut} calls only");
}

#[tokio::test]
async fn whoever_only_reads_own_rows_shreds_nothing() {
    let (house, trail) = trail().await;
    let reader = RedisOwnRows::of(Arc::new(instance(house.redis.clone(), house.bodies.clone())));
    assert_eq!(reader.own_rows(&somebody(), None, 100).await, trail.own_rows(&somebody(), None, 100).await);
    assert!(reader.shred(&somebody()).await.is_err());
    assert_eq!(own(&trail).await.1, 160);
}
