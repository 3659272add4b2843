//! The server is killed in the middle of the work, and comes back from its append-only file.

#[path = "contract/native_redis.rs"]
mod native_redis;

use ambient::{Sleep, SystemClock, SystemRandom};
use async_trait::async_trait;
use core::time::Duration;
use events::{
    Consumer, Envelope, EventId, EventLog, EventStatistics, Handled, Journal, StreamName, Verdict, Worker, WorkerConfig,
};
use events_redis::RedisEventLog;
use native_redis::NativeRedis;
use redis_client::{Redis, RedisError, Repeat, Reply};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use support::RedisServer;

struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[derive(Default)]
struct Effects(Mutex<BTreeSet<EventId>>);

impl Effects {
    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[async_trait]
impl Consumer for Effects {
    async fn handle(&self, event: &Envelope) -> Verdict {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(event.id.clone());
        Verdict::Done
    }
}

/// Keeps nothing: the lines of 600 events are no result.
struct Silent;

impl Journal for Silent {
    fn handled(&self, _handled: &Handled<'_>) {}
}

#[tokio::test]
async fn a_server_killed_in_the_middle_loses_no_event_and_hangs_no_worker() {
    const EVENTS: u32 = 600;
    let mut server = RedisServer::start().unwrap();
    let redis = Arc::new(NativeRedis::new(server.url()));
    let log = Arc::new(RedisEventLog::new("notifications", redis.clone()));
    let stream = StreamName::new("payments", 0);
    log.subscribe("notifications-worker", &stream).await.unwrap();
    for number in 0..EVENTS {
        let event = serde_json::to_vec(&events_contract::event(number)).unwrap();
        let arguments = vec!["{payments/0}:events".into(), "*".into(), "e".into(), event.into()];
        redis.execute("XADD", arguments, Repeat::Never).await.unwrap();
    }
    let effects = Arc::new(Effects::default());
    let config = WorkerConfig { abandoned_after: Duration::from_millis(100), ..WorkerConfig::default() };
    let worker = Worker::new(
        log.clone(),
        "notifications-worker",
        vec![stream.clone()],
        effects.clone(),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
        Arc::new(TokioSleep),
    )
    .with_config(config)
    .with_journal(Arc::new(Silent));
    let visit = tokio::spawn({
        let worker = worker.clone();
        async move { worker.on_bell().await }
    });
    while effects.count() < 50 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.kill().unwrap();
    let broken = tokio::time::timeout(Duration::from_secs(10), visit).await.expect("the worker hangs").unwrap();
    assert!(broken.is_err() && effects.count() < EVENTS as usize, "the server was killed too late to test anything");
    server.restart().unwrap();
    for _ in 0..50 {
        worker.on_pulse().await.unwrap();
        let stats = log.groups(&stream).await.unwrap();
        if stats.iter().all(|stats| (stats.lag, stats.pending) == (Some(0), 0)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(effects.count(), EVENTS as usize);
    let stats = log.groups(&stream).await.unwrap();
    assert!(stats.iter().all(|stats| (stats.lag, stats.pending) == (Some(0), 0)), "{stats:?}");
}

/// Has the append-only file written anew, and waits until it is.
async fn rewrite(redis: &NativeRedis) -> Result<(), RedisError> {
    redis.execute("BGREWRITEAOF", Vec::new(), Repeat::Never).await?;
    loop {
        let state = redis.execute("INFO", vec!["persistence".into()], Repeat::Never).await?;
        let text = match state.first() {
            Some(Reply::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        };
        if text.contains("aof_rewrite_in_progress:0") && text.contains("aof_rewrite_scheduled:0") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_group_that_has_read_everything_is_not_behind_after_a_restart_of_the_server() {
    let mut server = RedisServer::start().unwrap();
    let redis = Arc::new(NativeRedis::new(server.url()));
    let log = Arc::new(RedisEventLog::new("notifications", redis.clone()));
    let stream = StreamName::new("payments", 0);
    log.subscribe("notifications-worker", &stream).await.unwrap();
    let effects = Arc::new(Effects::default());
    let worker = Worker::new(
        log.clone(),
        "notifications-worker",
        vec![stream.clone()],
        effects.clone(),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
        Arc::new(TokioSleep),
    )
    .with_journal(Arc::new(Silent));
    for number in 0..40 {
        // What is written anew holds how many the group has read by then; what follows in the file does not.
        if number == 10 {
            rewrite(&redis).await.unwrap();
        }
        let event = serde_json::to_vec(&events_contract::event(number)).unwrap();
        let arguments = vec!["{payments/0}:events".into(), "*".into(), "e".into(), event.into()];
        redis.execute("XADD", arguments, Repeat::Never).await.unwrap();
        // Read one by one, as they come on a quiet day.
        worker.on_bell().await.unwrap();
    }
    assert_eq!(effects.count(), 40);
    server.restart().unwrap();
    let stats = log.groups(&stream).await.unwrap();
    assert!(stats.iter().all(|s| (s.lag, s.pending, s.oldest_age_ms) == (Some(0), 0, 0)), "{stats:?}");
    assert_eq!(stats.len(), 1);
}
