//! Sealers that die between any two calls or sleep through their lease, and what a long history costs.

use crate::history::{House, instance};
use crate::native::NativeRedis;
use ambient::Timestamp;
use async_trait::async_trait;
use core::time::Duration;
use futures::future::BoxFuture;
use key_value::{KeyValue, KeyValueError, MemoryKeyValue};
use records::{AccountKey, Finding, Journal, RecordsError};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A page of the chain.
const PAGE: &str = "contract:journal.0.page.0";

/// Stores that fail from the `left`th call on, together.
struct Failing<T: ?Sized> {
    inner: Arc<T>,
    left: Arc<AtomicUsize>,
    /// Whether the last call that succeeds loses its answer.
    carried_out: bool,
}

impl<T: ?Sized> Failing<T> {
    fn left(&self) -> usize {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1))).unwrap_or(0)
    }
}

#[async_trait]
impl Redis for Failing<NativeRedis> {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        let cut = || Err(RedisError::Unavailable("cut".into()));
        match self.left() {
            0 => cut(),
            1 if self.carried_out => {
                // A script that is not known yet is asked for again with its text: that is no answer to lose.
                let answer = self.inner.execute(command, arguments, repeat).await?;
                drop(answer);
                cut()
            }
            _ => self.inner.execute(command, arguments, repeat).await,
        }
    }
}

#[async_trait]
impl KeyValue for Failing<MemoryKeyValue> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        if self.left() == 0 { Err(KeyValueError::Unavailable("cut".into())) } else { self.inner.get(key).await }
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        let cut = || Err(KeyValueError::Unavailable("cut".into()));
        match self.left() {
            0 => cut(),
            1 if self.carried_out => {
                self.inner.set(key, value).await?;
                cut()
            }
            _ => self.inner.set(key, value).await,
        }
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        let cut = || Err(KeyValueError::Unavailable("cut".into()));
        match self.left() {
            0 => cut(),
            1 if self.carried_out => {
                self.inner.delete(key).await?;
                cut()
            }
            _ => self.inner.delete(key).await,
        }
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.inner.keys().await
    }
}

/// Stores that fail from this call on.
pub fn failing(
    redis: Arc<NativeRedis>,
    bodies: Arc<MemoryKeyValue>,
    after: usize,
) -> (Arc<dyn Redis>, Arc<dyn KeyValue>) {
    cut_off(redis, bodies, after, false)
}

/// The same; where `carried_out`, the last call that reaches them loses its answer only.
pub fn cut_off(
    redis: Arc<NativeRedis>,
    bodies: Arc<MemoryKeyValue>,
    after: usize,
    carried_out: bool,
) -> (Arc<dyn Redis>, Arc<dyn KeyValue>) {
    let left = Arc::new(AtomicUsize::new(after));
    let redis = Arc::new(Failing { inner: redis, left: left.clone(), carried_out });
    (redis, Arc::new(Failing { inner: bodies, left, carried_out }))
}

#[tokio::test]
async fn a_sealer_that_dies_between_any_two_calls_loses_and_doubles_nothing() {
    for carried_out in [false, true] {
        let mut cut = 0;
        loop {
            let house = House::new();
            for number in 0..5 {
                house.post(number, 64).await;
            }
            let before = (house.records.rows(0, 100).await.unwrap(), house.records.rows(250, 100).await.unwrap());
            let left = Arc::new(AtomicUsize::new(cut));
            let redis = Arc::new(Failing { inner: house.redis.clone(), left: left.clone(), carried_out });
            let bodies = Arc::new(Failing { inner: house.bodies.clone(), left, carried_out });
            let died = instance(redis, bodies).seal().await;
            let after = (house.records.rows(0, 100).await.unwrap(), house.records.rows(250, 100).await.unwrap());
            assert_eq!(after, before, "cut after {cut} calls");
            assert_eq!(house.finding().await, Finding::Intact, "cut after {cut} calls");
            // The lease of the dead sealer ends by itself.
            house.call("DEL", &["{contract/0}:sealer"]).await;
            house.seal_all().await;
            assert_eq!(house.call("XLEN", &["{contract/0}:journal"]).await, [Reply::Integer(64)], "cut after {cut}");
            let after = (house.records.rows(0, 100).await.unwrap(), house.records.rows(250, 100).await.unwrap());
            assert_eq!(after, before, "sealed again after {cut} calls");
            assert_eq!(house.finding().await, Finding::Intact, "sealed again after {cut} calls");
            match died {
                Ok(_) => break,
                Err(RecordsError::Unavailable(_)) => cut += 1,
                Err(other) => panic!("cut after {cut} calls: {other:?}"),
            }
        }
        assert!(cut >= 9, "a seal has {cut} calls only");
    }
}

#[tokio::test]
async fn what_is_old_is_sealed_although_it_fills_no_page() {
    let house = House::new();
    house.post(0, 4).await;
    assert_eq!(house.records.seal().await.unwrap().rows, 0, "it is young");
    house.call("DEL", &["{contract/0}:sealer"]).await;
    // A sealer that takes everything for old dies after its page is written; more is posted; the page stays what it is.
    let left = Arc::new(AtomicUsize::new(5));
    let redis = Arc::new(Failing { inner: house.redis.clone(), left: left.clone(), carried_out: false });
    let bodies = Arc::new(Failing { inner: house.bodies.clone(), left, carried_out: false });
    assert!(instance(redis, bodies).sealing_after(Duration::ZERO).seal().await.is_err());
    assert!(house.bodies.get(PAGE).await.unwrap().is_some(), "the page is written");
    house.post(1, 2).await;
    house.call("DEL", &["{contract/0}:sealer"]).await;
    let sealer = instance(house.redis.clone(), house.bodies.clone()).sealing_after(Duration::ZERO);
    let sealed =
        [sealer.seal().await.unwrap().rows, sealer.seal().await.unwrap().rows, sealer.seal().await.unwrap().rows];
    assert_eq!(sealed, [4, 2, 0]);
    house.call("DEL", &["{contract/0}:sealer"]).await;
    // Short pages and full ones follow each other; every row is found and holds.
    for number in 2..6 {
        house.post(number, 64).await;
    }
    let before = house.records.rows(0, 100).await.unwrap();
    house.seal_all().await;
    assert_eq!(house.finding().await, Finding::Intact);
    assert_eq!(house.records.rows(0, 100).await.unwrap(), before);
    for seq in [1, 4, 5, 6, 7, 100, 134, 135, 200] {
        assert_eq!(house.records.rows(seq - 1, 1).await.unwrap().first().map(|row| row.seq), Some(seq));
    }
}

/// A connection on which the script that moves the head comes only after another sealer has done the work.
struct Slow {
    inner: Arc<NativeRedis>,
    bodies: Arc<MemoryKeyValue>,
}

#[async_trait]
impl Redis for Slow {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        let moves = matches!(arguments.get(1), Some(Argument::Integer(2))) && command == "EVALSHA";
        if moves {
            self.inner.execute("DEL", vec!["{contract/0}:sealer".into()], Repeat::Safe).await?;
            while instance(self.inner.clone(), self.bodies.clone()).seal().await.is_ok_and(|sealed| sealed.more) {
                self.inner.execute("DEL", vec!["{contract/0}:sealer".into()], Repeat::Safe).await?;
            }
        }
        self.inner.execute(command, arguments, repeat).await
    }
}

#[tokio::test]
async fn a_sealer_that_slept_through_its_lease_moves_nothing() {
    let house = House::new();
    for number in 0..7 {
        house.post(number, 64).await;
    }
    let before = house.records.rows(0, 100).await.unwrap();
    let slow = Arc::new(Slow { inner: house.redis.clone(), bodies: house.bodies.clone() });
    let sealed = instance(slow, house.bodies.clone()).seal().await.unwrap();
    assert_eq!((sealed.rows, sealed.account_rows), (0, 0));
    assert_eq!(house.records.rows(0, 100).await.unwrap(), before);
    assert_eq!(house.finding().await, Finding::Intact);
    assert_eq!(house.call("XLEN", &["{contract/0}:journal"]).await, [Reply::Integer(64)]);
}

/// A store that carries out the first write of a page only after more has come and another, quicker one has done the work.
pub struct Late<F> {
    inner: Arc<MemoryKeyValue>,
    meanwhile: F,
    is_late: AtomicBool,
    /// What is in the name of the page.
    part: &'static str,
    /// Whether it is the first read that is late.
    reads: bool,
    /// Whether nobody hears that the write was carried out.
    dies: bool,
}

impl<F> Late<F> {
    pub fn new(inner: Arc<MemoryKeyValue>, meanwhile: F) -> Self {
        Self { inner, meanwhile, is_late: AtomicBool::new(true), part: "", reads: false, dies: false }
    }

    /// Only with a page that has this in its name.
    pub fn with(self, part: &'static str) -> Self {
        Self { part, ..self }
    }

    /// With its first read instead.
    pub fn reading(self) -> Self {
        Self { reads: true, ..self }
    }

    /// And dies with its write.
    pub fn dying(self, dies: bool) -> Self {
        Self { dies, ..self }
    }

    fn is_late(&self, key: &str) -> bool {
        key.contains(self.part) && self.is_late.swap(false, Ordering::SeqCst)
    }
}

#[async_trait]
impl<F: Fn() -> BoxFuture<'static, ()> + Send + Sync> KeyValue for Late<F> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        if self.reads && self.is_late(key) {
            (self.meanwhile)().await;
        }
        self.inner.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        let is_late = !self.reads && self.is_late(key);
        if is_late {
            (self.meanwhile)().await;
        }
        self.inner.set(key, value).await?;
        if is_late && self.dies {
            return Err(KeyValueError::Unavailable("the writer died".into()));
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.inner.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.inner.keys().await
    }
}

#[tokio::test]
async fn a_sealer_that_slept_before_its_write_writes_the_page_that_is_there() {
    let house = Arc::new(House::new());
    house.post(0, 4).await;
    let other = house.clone();
    let late = Late::new(house.bodies.clone(), move || -> BoxFuture<'static, ()> {
        let house = other.clone();
        Box::pin(async move {
            house.post(1, 6).await;
            house.call("DEL", &["{contract/0}:sealer"]).await;
            let quick = instance(house.redis.clone(), house.bodies.clone()).sealing_after(Duration::ZERO);
            quick.seal().await.unwrap();
        })
    });
    instance(house.redis.clone(), Arc::new(late)).sealing_after(Duration::ZERO).seal().await.unwrap();
    house.call("DEL", &["{contract/0}:sealer"]).await;
    let sealer = instance(house.redis.clone(), house.bodies.clone()).sealing_after(Duration::ZERO);
    while sealer.seal().await.unwrap().more {}
    assert_eq!(house.finding().await, Finding::Intact);
    assert_eq!(house.records.rows(0, 100).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_page_that_is_there_and_different_is_never_overwritten() {
    let house = House::new();
    for number in 0..3 {
        house.post(number, 64).await;
    }
    house.bodies.set(PAGE, b"another history".to_vec()).await.unwrap();
    let corrupt = Err(RecordsError::Corrupt { key: PAGE.to_owned() });
    assert_eq!(house.records.seal().await, corrupt);
    assert_eq!(house.bodies.get(PAGE).await.unwrap().unwrap(), b"another history");
    assert_eq!(house.records.rows(0, 1).await.unwrap().len(), 1);
}

/// A connection and a store that count.
struct Counting<T: ?Sized>(Arc<T>, Arc<AtomicUsize>);

#[async_trait]
impl Redis for Counting<NativeRedis> {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.execute(command, arguments, repeat).await
    }
}

#[async_trait]
impl KeyValue for Counting<MemoryKeyValue> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        self.0.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.0.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.0.keys().await
    }
}

#[tokio::test]
async fn a_long_history_costs_no_more_trips_than_a_short_one_and_a_past_moment_the_logarithm() {
    let house = House::new();
    for number in 0..64 {
        house.post(number, 64).await;
        house.seal_all().await;
    }
    let trips = Arc::new(AtomicUsize::new(0));
    let redis = Arc::new(Counting(house.redis.clone(), trips.clone()));
    let records = instance(redis, Arc::new(Counting(house.bodies.clone(), trips.clone())));
    let account = AccountKey::new("merchant").unwrap();
    let trips = || trips.swap(0, Ordering::SeqCst);
    // The scripts become known.
    records.account_rows(&account, None, 1).await.unwrap();
    records.account_row_at(&account, Timestamp::from_unix_ms(0)).await.unwrap();
    trips();
    for from in [Some(1), Some(100), Some(1000), Some(1500), None] {
        records.account_rows(&account, from, 100).await.unwrap();
        assert!(trips() <= 3, "from {from:?}");
    }
    let row = records.account_rows(&account, Some(700), 1).await.unwrap().remove(0);
    trips();
    let found = records.account_row_at(&account, row.at).await.unwrap().unwrap();
    assert_eq!(found.at, row.at);
    // One script, and the binary search over 16 pages.
    assert!(trips() <= 6);
}
