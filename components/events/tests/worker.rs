//! The loop against the double: its bounds and its concurrency, which the contract suite does not look at.

use ambient::{Clock, CountedRandom, FixedClock, Sleep, SystemClock};
use async_trait::async_trait;
use core::time::Duration;
use events::{
    Consumer, DeadLetters, Envelope, EventId, EventStatistics, EventVersion, EventsError, Handled, Journal, Settled,
    StreamName, Verdict, Worker, WorkerConfig,
};
use events_memory::MemoryEventLog;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const GROUP: &str = "tests-worker";

struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

fn stream() -> StreamName {
    StreamName::new("source", 0)
}

fn event(number: u32) -> Envelope {
    Envelope {
        specversion: "1.0".to_owned(),
        id: EventId::new(uuid::Uuid::from_u128(number.into()), 0),
        source: "/source".to_owned(),
        kind: "source.thing.happened.v1".to_owned(),
        time: FixedClock::at("2026-01-01T00:00:00.000Z").now(),
        subject: number.to_string(),
        datacontenttype: "application/json".to_owned(),
        dataschema: "/asyncapi.json#source.thing.happened.v1".to_owned(),
        version: EventVersion { epoch: 1, number: 1 },
        traceid: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        causationid: None,
        actor: None,
        data: serde_json::json!({}),
        personal: None,
    }
}

/// Takes so long for each event by its subject; notes how many were in its hands at once and in which order they ended.
#[derive(Default)]
struct Timed {
    take: BTreeMap<String, Duration>,
    default: Duration,
    now: AtomicUsize,
    most: AtomicUsize,
    ended: Mutex<Vec<String>>,
}

#[async_trait]
impl Consumer for Timed {
    async fn handle(&self, event: &Envelope) -> Verdict {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.take.get(&event.subject).copied().unwrap_or(self.default)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(event.subject.clone());
        Verdict::Done
    }
}

/// Keeps what became of each delivery.
#[derive(Default)]
struct Kept(Mutex<Vec<(String, Settled)>>);

impl Journal for Kept {
    fn handled(&self, handled: &Handled<'_>) {
        let subject = handled.event.map(|event| event.subject.clone()).unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((subject, handled.settled.clone()));
    }
}

struct Bench {
    log: MemoryEventLog,
    kept: Arc<Kept>,
}

impl Bench {
    fn new(events: impl IntoIterator<Item = u32>) -> Self {
        let log = MemoryEventLog::new(Arc::new(SystemClock));
        for number in events {
            log.append(&stream(), &event(number));
        }
        Self { log, kept: Arc::default() }
    }

    fn worker(&self, consumer: Arc<dyn Consumer>, config: WorkerConfig) -> Worker {
        let (clock, random) = (Arc::new(SystemClock), Arc::new(CountedRandom::default()));
        Worker::new(Arc::new(self.log.clone()), GROUP, vec![stream()], consumer, clock, random, Arc::new(TokioSleep))
            .with_config(config)
            .with_journal(self.kept.clone())
    }
}

#[tokio::test]
async fn first_deliveries_are_handled_at_once_but_never_more_than_there_are_hands() {
    let bench = Bench::new(0..40);
    let consumer = Arc::new(Timed { default: Duration::from_millis(5), ..Timed::default() });
    let config = WorkerConfig { concurrency: 7, ..WorkerConfig::default() };
    let run = bench.worker(consumer.clone(), config).on_bell().await.unwrap();
    assert_eq!((run.done, run.left_behind), (40, false));
    assert_eq!(consumer.most.load(Ordering::SeqCst), 7);
}

#[tokio::test]
async fn a_slow_delivery_holds_up_no_event_that_comes_later() {
    let bench = Bench::new([0]);
    let take = BTreeMap::from([("0".to_owned(), Duration::from_millis(300))]);
    let consumer = Arc::new(Timed { take, ..Timed::default() });
    let worker = bench.worker(consumer.clone(), WorkerConfig::default());
    let append = async {
        for number in 1..4 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            bench.log.append(&stream(), &event(number));
        }
    };
    let (run, ()) = tokio::join!(worker.on_bell(), append);
    assert_eq!(run.unwrap().done, 4);
    assert_eq!(*consumer.ended.lock().unwrap(), ["1", "2", "3", "0"]);
    // It was listening all the while: nobody had to ring.
    assert_eq!(bench.log.rings(GROUP), 0);
    bench.log.append(&stream(), &event(4));
    assert_eq!(bench.log.rings(GROUP), 1, "the bell is armed again when the worker has left");
}

#[tokio::test]
async fn a_worker_out_of_time_rings_for_what_it_leaves_behind() {
    let bench = Bench::new(0..64);
    let consumer = Arc::new(Timed { default: Duration::from_millis(30), ..Timed::default() });
    let config = WorkerConfig { budget: Duration::from_millis(20), ..WorkerConfig::default() };
    let worker = bench.worker(consumer.clone(), config);
    let run = worker.on_bell().await.unwrap();
    assert!(run.left_behind && run.done < 64, "{run:?}");
    assert_eq!(bench.log.rings(GROUP), 1);
    // What it had taken it finished.
    let stats = bench.log.groups(&stream()).await.unwrap();
    assert_eq!((stats[0].pending, stats[0].lag), (0, Some(64 - u64::from(run.done))));
}

#[tokio::test]
async fn a_visit_ends_at_the_moment_that_it_was_given_whatever_its_budget() {
    let bench = Bench::new(0..64);
    let consumer = Arc::new(Timed { default: Duration::from_millis(30), ..Timed::default() });
    let worker = bench.worker(consumer.clone(), WorkerConfig::default());
    let soon = SystemClock.now().plus(Duration::from_millis(20));
    let run = worker.ending_at(Some(soon)).on_pulse().await.unwrap();
    assert!(run.left_behind && run.done < 64, "{run:?}");
    // Without an end it takes the rest.
    let rest = worker.ending_at(None).on_pulse().await.unwrap();
    assert_eq!((run.done + rest.done, rest.left_behind), (64, false));
}

#[tokio::test]
async fn a_delivery_that_takes_too_long_is_dropped_and_comes_back() {
    let bench = Bench::new([0, 1]);
    let take = BTreeMap::from([("0".to_owned(), Duration::from_secs(60))]);
    let config = WorkerConfig {
        handling_limit: Duration::from_millis(30),
        abandoned_after: Duration::from_millis(60),
        max_deliveries: 2,
        ..WorkerConfig::default()
    };
    let worker = bench.worker(Arc::new(Timed { take, ..Timed::default() }), config);
    let run = worker.on_bell().await.unwrap();
    assert_eq!((run.done, run.unsettled), (1, 1));
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(80)).await;
        worker.on_pulse().await.unwrap();
    }
    let letters = bench.log.list(None, 10).await.unwrap().letters;
    assert_eq!(
        letters.iter().map(|letter| letter.cause.as_str()).collect::<Vec<_>>(),
        ["handed out 2 times, never answered"]
    );
    let kept = bench.kept.0.lock().unwrap();
    assert_eq!(kept.iter().filter(|(subject, settled)| subject == "0" && *settled == Settled::TimedOut).count(), 2);
}

#[tokio::test]
async fn each_delivery_is_told_to_the_journal_once() {
    let bench = Bench::new([0, 1]);
    bench.log.append_bytes(&stream(), b"no event");
    bench.worker(Arc::new(Timed::default()), WorkerConfig::default()).on_bell().await.unwrap();
    let mut kept = bench.kept.0.lock().unwrap().clone();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(matches!(&kept[0].1, Settled::Parked { cause } if cause.contains("CloudEvents")), "{:?}", kept[0]);
    assert_eq!(kept[1..], [("0".to_owned(), Settled::Done), ("1".to_owned(), Settled::Done)]);
}

#[tokio::test]
async fn what_was_handled_while_the_log_was_gone_comes_back() {
    let bench = Bench::new([0]);
    let log = bench.log.clone();
    struct Cutting(MemoryEventLog);
    #[async_trait]
    impl Consumer for Cutting {
        async fn handle(&self, _event: &Envelope) -> Verdict {
            self.0.cut(true);
            Verdict::Done
        }
    }
    let config = WorkerConfig { abandoned_after: Duration::from_millis(20), ..WorkerConfig::default() };
    let error = bench.worker(Arc::new(Cutting(log.clone())), config).on_bell().await.unwrap_err();
    assert!(matches!(error, EventsError::Unavailable(_)), "{error}");
    log.cut(false);
    tokio::time::sleep(Duration::from_millis(40)).await;
    let run = bench.worker(Arc::new(Timed::default()), config).on_pulse().await.unwrap();
    assert_eq!(run.done, 1);
}

#[tokio::test]
async fn a_log_that_is_gone_is_an_error_and_not_a_hang() {
    let bench = Bench::new([0]);
    bench.log.cut(true);
    let worker = bench.worker(Arc::new(Timed::default()), WorkerConfig::default());
    assert!(matches!(worker.on_bell().await, Err(EventsError::Unavailable(_))));
    assert!(matches!(worker.on_pulse().await, Err(EventsError::Unavailable(_))));
}

/// Never has what it needs.
struct Waiting;

#[async_trait]
impl Consumer for Waiting {
    async fn handle(&self, _event: &Envelope) -> Verdict {
        Verdict::Retry { after: Duration::from_millis(1), reason: "the provider is gone".to_owned() }
    }
}

#[tokio::test]
async fn an_entry_is_put_off_as_often_as_its_group_may_and_not_sooner() {
    let bench = Bench::new([0]);
    let config = WorkerConfig {
        max_retries: Some(2),
        least_wait: Duration::from_millis(40),
        retry_cap: Duration::from_millis(40),
        jitter_permille: 0,
        ..WorkerConfig::default()
    };
    let worker = bench.worker(Arc::new(Waiting), config);
    assert_eq!(worker.on_bell().await.unwrap().deferred, 1);
    assert_eq!(worker.on_pulse().await.unwrap(), events::Run::default(), "the consumer's millisecond is too short");
    for wanted in [(1, 0), (0, 1)] {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let run = worker.on_pulse().await.unwrap();
        assert_eq!((run.deferred, run.parked), wanted);
    }
    let letters = bench.log.list(None, 10).await.unwrap().letters;
    let causes: Vec<_> = letters.iter().map(|letter| letter.cause.as_str()).collect();
    assert_eq!(causes, ["put off 2 times, the last time because the provider is gone"]);
}
