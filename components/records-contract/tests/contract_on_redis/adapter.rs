//! What only the adapter can get wrong: two stores that disagree, a first start that is cut short, bells, layouts.

use crate::native::{NativeRedis, TokioSleep};
use ambient::{SystemClock, SystemRandom, Timestamp};
use async_trait::async_trait;
use futures::StreamExt as _;
use ids::Partitions;
use key_value::{KeyValue, KeyValueError, MemoryKeyValue};
use records::{Change, Content, InvalidName, Meta, Outcome, RecordKey, Records, RecordsError};
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::RedisServer;

const CONFIG: RecordsConfig = RecordsConfig::of("contract");

fn instance(config: RecordsConfig, redis: Arc<dyn Redis>, bodies: Arc<dyn KeyValue>) -> RedisRecords {
    RedisRecords::new(config, redis, bodies, Arc::new(SystemClock), Arc::new(SystemRandom))
        .with_sleep(Arc::new(TokioSleep))
}

fn key() -> Result<RecordKey, InvalidName> {
    RecordKey::new("thing:1")
}

fn create(name: &str) -> Result<Change, InvalidName> {
    let meta = Meta { at: Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None };
    let event = events::NewEvent {
        kind: "contract.thing.happened.v1",
        subject: "thing".into(),
        data: 1.into(),
        personal: None,
    };
    Ok(Change::new(RecordKey::new(name)?, None, Content::Body("{}".into()), meta).with_event(event))
}

/// A store and a connection that fail from the `left`th call on, together.
#[derive(Clone)]
struct Failing<T> {
    inner: Arc<T>,
    left: Arc<AtomicUsize>,
}

impl<T> Failing<T> {
    fn fails(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }
}

#[async_trait]
impl Redis for Failing<NativeRedis> {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        if self.fails() {
            return Err(RedisError::Unavailable("cut".into()));
        }
        self.inner.execute(command, arguments, repeat).await
    }
}

#[async_trait]
impl KeyValue for Failing<MemoryKeyValue> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        if self.fails() { Err(KeyValueError::Unavailable("cut".into())) } else { self.inner.get(key).await }
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        if self.fails() { Err(KeyValueError::Unavailable("cut".into())) } else { self.inner.set(key, value).await }
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.inner.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.inner.keys().await
    }
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_anywhere_is_gone_on_with() {
    let server = RedisServer::start().unwrap();
    let redis = Arc::new(NativeRedis::new(server.url()));
    let mut cut = 0;
    // Every call of the first commit in turn is the last one, until there is nothing left to cut.
    loop {
        redis.execute("FLUSHALL", vec![], Repeat::Safe).await.unwrap();
        let (left, store) = (Arc::new(AtomicUsize::new(cut)), Arc::new(MemoryKeyValue::default()));
        let failing = Failing { inner: redis.clone(), left: left.clone() };
        let bodies = Failing { inner: store.clone(), left };
        let first = instance(CONFIG, Arc::new(failing), Arc::new(bodies)).commit(create("thing:1").unwrap()).await;
        let second = instance(CONFIG, redis.clone(), store).commit(create("thing:1").unwrap()).await;
        match first {
            Ok(Outcome::Committed(_)) => break,
            Err(RecordsError::Unavailable(_)) => {}
            other => panic!("cut after {cut} calls: {other:?}"),
        }
        assert!(
            matches!(second, Ok(Outcome::Committed(_) | Outcome::Conflict { .. })),
            "cut after {cut} calls: {second:?}"
        );
        cut += 1;
    }
    assert!(cut >= 8, "the first commit has {cut} calls only");
}

#[tokio::test]
async fn data_of_another_layout_is_refused() {
    let server = RedisServer::start().unwrap();
    let (redis, bodies) = (Arc::new(NativeRedis::new(server.url())), Arc::new(MemoryKeyValue::default()));
    instance(CONFIG, redis.clone(), bodies.clone()).commit(create("thing:1").unwrap()).await.unwrap();
    let divided = instance(RecordsConfig { partitions: Partitions::new(4).unwrap(), ..CONFIG }, redis, bodies);
    assert!(matches!(divided.load(&key().unwrap()).await, Err(RecordsError::Layout(_))));
    assert!(matches!(divided.commit(create("thing:2").unwrap()).await, Err(RecordsError::Layout(_))));
    assert!(matches!(divided.maintain(Timestamp::from_unix_ms(0)).await, Err(RecordsError::Layout(_))));
}

#[tokio::test]
async fn a_raised_epoch_is_learnt_and_outranks_what_was_lost() {
    let server = RedisServer::start().unwrap();
    let (redis, bodies) = (Arc::new(NativeRedis::new(server.url())), Arc::new(MemoryKeyValue::default()));
    let records = instance(CONFIG, redis.clone(), bodies.clone());
    let Ok(Outcome::Committed(first)) = records.commit(create("thing:1").unwrap()).await else {
        panic!("not committed")
    };
    redis.execute("SET", vec!["{contract/0}:epoch".into(), "2/1".into()], Repeat::Safe).await.unwrap();
    for instance in [&records, &instance(CONFIG, redis, bodies)] {
        let expected = instance.load(&key().unwrap()).await.unwrap().map(|record| record.version);
        let change = Change { expected, ..create("thing:1").unwrap() };
        let Ok(Outcome::Committed(committed)) = instance.commit(change).await else { panic!("not committed") };
        assert_eq!(committed.version.epoch, 2);
        assert!(committed.version > first.version);
    }
}

#[tokio::test]
async fn a_missing_or_spoilt_body_is_corrupt_and_named() {
    let server = RedisServer::start().unwrap();
    let (redis, bodies) = (Arc::new(NativeRedis::new(server.url())), Arc::new(MemoryKeyValue::default()));
    instance(CONFIG, redis.clone(), bodies.clone()).commit(create("thing:1").unwrap()).await.unwrap();
    let name = bodies.keys().await.unwrap().into_iter().find(|key| key.starts_with("contract:thing:1:1.1.")).unwrap();
    bodies.set(&name, b"{\"v\":9}".to_vec()).await.unwrap();
    let corrupt = Err(RecordsError::Corrupt { key: name.clone() });
    assert_eq!(instance(CONFIG, redis.clone(), bodies.clone()).load(&key().unwrap()).await, corrupt);
    bodies.delete(&name).await.unwrap();
    assert_eq!(instance(CONFIG, redis.clone(), bodies.clone()).load(&key().unwrap()).await, corrupt);
    // A store without even the mark is another store.
    let other = instance(CONFIG, redis, Arc::new(MemoryKeyValue::default()));
    assert!(matches!(other.maintain(Timestamp::from_unix_ms(0)).await, Err(RecordsError::Corrupt { .. })));
}

/// A store that shows what was written only after some reads.
struct Late {
    inner: Arc<MemoryKeyValue>,
    hidden_reads: AtomicUsize,
}

#[async_trait]
impl KeyValue for Late {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        let hidden =
            self.hidden_reads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if hidden { Ok(None) } else { self.inner.get(key).await }
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
async fn a_body_that_shows_late_is_waited_for() {
    let server = RedisServer::start().unwrap();
    let (redis, store) = (Arc::new(NativeRedis::new(server.url())), Arc::new(MemoryKeyValue::default()));
    instance(CONFIG, redis.clone(), store.clone()).commit(create("thing:1").unwrap()).await.unwrap();
    let late = |hidden| Arc::new(Late { inner: store.clone(), hidden_reads: AtomicUsize::new(hidden) });
    assert!(instance(CONFIG, redis.clone(), late(4)).load(&key().unwrap()).await.unwrap().is_some());
    assert!(matches!(instance(CONFIG, redis, late(5)).load(&key().unwrap()).await, Err(RecordsError::Corrupt { .. })));
}

#[tokio::test]
async fn each_group_whose_bell_is_armed_hears_one_ring() {
    let server = RedisServer::start().unwrap();
    let redis = Arc::new(NativeRedis::new(server.url()));
    let records = instance(CONFIG, redis.clone(), Arc::new(MemoryKeyValue::default()));
    let client = redis::Client::open(server.url()).unwrap();
    let mut bells = client.get_async_pubsub().await.unwrap();
    bells.psubscribe("*").await.unwrap();
    let call = async |command: &str, arguments: &[&str]| {
        let arguments = arguments.iter().map(|&argument| argument.into()).collect();
        redis.execute(command, arguments, Repeat::Never).await.unwrap()
    };
    call("SADD", &["{contract/0}:groups", "a-worker", "b-worker"]).await;
    call("SET", &["{contract/0}:rung:b-worker", "1"]).await;
    for name in ["thing:1", "thing:2"] {
        assert!(matches!(records.commit(create(name).unwrap()).await, Ok(Outcome::Committed(_))));
    }
    let silent = Change { events: vec![], ..create("thing:3").unwrap() };
    call("DEL", &["{contract/0}:rung:a-worker"]).await;
    assert!(matches!(records.commit(silent).await, Ok(Outcome::Committed(_))));
    assert!(matches!(records.commit(create("thing:4").unwrap()).await, Ok(Outcome::Committed(_))));
    assert!(matches!(records.commit(create("thing:4").unwrap()).await, Ok(Outcome::Conflict { .. })));
    call("PUBLISH", &["end", ""]).await;
    let mut heard = Vec::new();
    let mut messages = bells.on_message();
    while let Some(message) = messages.next().await {
        if message.get_channel_name() == "end" {
            break;
        }
        heard.push(format!("{} {}", message.get_channel_name(), message.get_payload::<String>().unwrap()));
    }
    assert_eq!(heard, ["bell:a-worker bell", "bell:a-worker bell"]);
}

#[tokio::test]
async fn a_read_is_two_round_trips_and_one_where_the_instance_has_the_body_and_a_commit_is_two() {
    let server = RedisServer::start().unwrap();
    let left = Arc::new(AtomicUsize::new(1000));
    let redis = Arc::new(Failing { inner: Arc::new(NativeRedis::new(server.url())), left: left.clone() });
    let bodies = Arc::new(Failing { inner: Arc::new(MemoryKeyValue::default()), left: left.clone() });
    let records = instance(CONFIG, redis.clone(), bodies.clone());
    records.commit(create("thing:1").unwrap()).await.unwrap();
    // How many calls there were since the last look.
    let trips = || 1000 - left.swap(1000, Ordering::SeqCst);
    trips();
    let version = records.load(&key().unwrap()).await.unwrap().map(|record| record.version);
    assert_eq!(trips(), 1, "a read of what the instance wrote itself");
    records.commit(Change { expected: version, ..create("thing:1").unwrap() }).await.unwrap();
    assert_eq!(trips(), 2, "a commit");
    instance(CONFIG, redis.clone(), bodies.clone()).load(&key().unwrap()).await.unwrap();
    assert_eq!(trips(), 2, "a read");
    records.commit(create("thing:2").unwrap()).await.unwrap();
    assert_eq!(trips(), 2, "a creation");
}
