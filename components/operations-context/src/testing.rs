//! What the tests of this crate share: a house with streams, a consumer and dead letters in memory, and who asks.

use crate::http::public;
use crate::{Operations, Service};
use ambient::{CountedRandom, FixedClock, Sleep};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use events::{
    Consumer, DeadLetter, DeadLetters, Envelope, EventHistory, EventId, EventLog, EventVersion, EventsError, Handled,
    Journal, Span, StreamName, ToldPage, Verdict, WhenEmpty, Worker,
};
use events_memory::MemoryEventLog;
use http::Request;
use http_body_util::BodyExt;
use principal::{Idempotency, IdempotencyKey, Principal};
use records_memory::{MemoryRecords, MemoryTrail};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

pub const GROUP: &str = "notifications-worker";
pub const ADMIN: &str = "usr_0001hf9a7zj0e8vr5c2b4k6m8n9p";

pub fn stream() -> StreamName {
    StreamName::new("payments", 0)
}

/// The `number`th event.
pub fn event(number: u32) -> Envelope {
    Envelope {
        specversion: "1.0".to_owned(),
        id: EventId::new(uuid::Uuid::from_u128(u128::from(number) + 1), 0),
        source: "/payments".to_owned(),
        kind: "payments.payment.captured.v1".to_owned(),
        time: ambient::Timestamp::from_unix_ms(1_767_225_600_000),
        subject: format!("pay_{number}"),
        datacontenttype: "application/json".to_owned(),
        dataschema: "/asyncapi.json#payments.payment.captured.v1".to_owned(),
        version: EventVersion { epoch: 1, number: 1 },
        traceid: format!("{:032x}", number + 1),
        causationid: None,
        actor: None,
        data: serde_json::json!({ "number": number }),
        personal: Some(serde_json::json!({ "sealed": "secret" })),
    }
}

/// A caller with a role and a scope or two.
pub fn caller(role: &str, scopes: &[&str]) -> Principal {
    Principal {
        subject: ADMIN.to_owned(),
        session: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        roles: vec![role.to_owned()],
        assurance: 1,
        expires_at: ambient::Timestamp::from_unix_ms(i64::MAX),
    }
}

/// Who may do everything.
pub fn admin() -> Principal {
    caller("admin", &[crate::READ, crate::WRITE])
}

/// Keeps nothing.
struct Silent;

impl Journal for Silent {
    fn handled(&self, _handled: &Handled<'_>) {}
}

struct NoSleep;

#[async_trait]
impl Sleep for NoSleep {
    async fn sleep(&self, _duration: Duration) {
        core::future::pending::<()>().await;
    }
}

/// A consumer that handles even numbers only, once each; it keeps what it did.
#[derive(Default)]
pub struct Even(pub Mutex<Vec<(EventId, Value)>>);

#[async_trait]
impl Consumer for Even {
    async fn handle(&self, event: &Envelope) -> Verdict {
        if event.data["number"].as_u64().is_none_or(|number| number % 2 == 1) {
            return Verdict::Park { reason: "the number is odd".to_owned() };
        }
        let mut done = self.0.lock().unwrap();
        // The once-row.
        if !done.iter().any(|(id, _)| *id == event.id) {
            done.push((event.id.clone(), event.data.clone()));
        }
        Verdict::Done
    }
}

/// Who keeps what payments told: counts how often it is asked, and goes away.
#[derive(Clone)]
pub struct Keeper {
    log: MemoryEventLog,
    pub asked: Arc<AtomicUsize>,
    pub is_away: Arc<AtomicBool>,
}

#[async_trait]
impl EventHistory for Keeper {
    async fn told(&self, stream: &StreamName, span: Span, limit: u32) -> Result<ToldPage, EventsError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) {
            return Err(EventsError::Unavailable("status 503".to_owned()));
        }
        self.log.told(stream, span, limit).await
    }
}

/// The streams of a context in so many partitions.
fn streams(context: &str, partitions: u8) -> Vec<StreamName> {
    (0..partitions).map(|partition| StreamName::new(context, partition)).collect()
}

/// Payments have a stream and keep what they told, notifications a worker that hears it and its dead letters.
pub struct House {
    pub clock: FixedClock,
    pub log: MemoryEventLog,
    pub keeper: Keeper,
    pub consumer: Arc<Even>,
    pub memory: MemoryRecords,
    pub operations: Operations,
}

impl House {
    pub fn new() -> Self {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let log = MemoryEventLog::new(Arc::new(clock.clone()));
        let elsewhere = MemoryEventLog::new(Arc::new(clock.clone()));
        let random = Arc::new(CountedRandom::default());
        let memory = MemoryRecords::new("operations", Arc::new(clock.clone()), random.clone());
        let keeper = Keeper { log: log.clone(), asked: Arc::default(), is_away: Arc::default() };
        let payments = Service {
            inspection: Arc::new(log.clone()),
            statistics: Arc::new(log.clone()),
            ..Service::new("payments", streams("payments", 1), Arc::new(elsewhere.clone()))
                .telling(Some(Arc::new(keeper.clone())))
        };
        let notifications = Service {
            inspection: Arc::new(log.clone()),
            letters: Arc::new(log.clone()),
            statistics: Arc::new(log.clone()),
            ..Service::new("notifications", streams("notifications", 3), Arc::new(elsewhere))
        };
        let operations = Operations {
            services: [payments, notifications].into(),
            records: Arc::new(memory.clone()),
            trail: Arc::new(MemoryTrail::of(memory.clone())),
            clock: Arc::new(clock.clone()),
            random,
        };
        Self { clock, log, keeper, consumer: Arc::default(), memory, operations }
    }

    /// A house in which these events were told and heard.
    pub async fn having_heard(numbers: impl IntoIterator<Item = u32>) -> Self {
        let house = Self::new();
        house.log.subscribe(GROUP, &stream()).await.unwrap();
        for number in numbers {
            house.clock.advance_ms(1_000);
            house.log.append(&stream(), &event(number));
            house.hear().await;
        }
        house
    }

    /// The worker's next visit.
    pub async fn hear(&self) {
        let log: Arc<dyn EventLog> = Arc::new(self.log.clone());
        let (clock, random) = (Arc::new(self.clock.clone()), Arc::new(CountedRandom::default()));
        let worker = Worker::new(log, GROUP, vec![stream()], self.consumer.clone(), clock, random, Arc::new(NoSleep));
        worker.with_journal(Arc::new(Silent)).on_pulse().await.unwrap();
    }

    /// Parks something that is no event.
    pub async fn parked_garbage(&self) -> DeadLetter {
        self.log.append_bytes(&stream(), b"\x00\xff no event");
        for delivery in self.log.read(GROUP, &stream(), 1, WhenEmpty::Leave).await.unwrap() {
            self.log.park(GROUP, &delivery, "not an event").await.unwrap();
        }
        self.letters().await.remove(0)
    }

    pub async fn letters(&self) -> Vec<DeadLetter> {
        self.log.list(None, 100).await.unwrap().letters
    }

    pub fn router(&self) -> Router {
        public(self.operations.clone())
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.ask(Request::get(path), Some(admin()), None, "").await
    }

    pub async fn post(&self, path: &str, key: &str, body: &str) -> Seen {
        self.ask(Request::post(path), Some(admin()), Some(key), body).await
    }

    /// Sends a request as the edge would hand it on.
    pub async fn ask(
        &self,
        request: http::request::Builder,
        caller: Option<Principal>,
        key: Option<&str>,
        body: &str,
    ) -> Seen {
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        let fingerprint = fingerprint(&format!("{} {} {body}", request.method(), request.uri()));
        let extensions = request.extensions_mut();
        caller.into_iter().for_each(|caller| drop(extensions.insert(caller)));
        if let Some(key) = key {
            extensions.insert(Idempotency { key: IdempotencyKey::new(key).unwrap(), fingerprint });
        }
        let response = self.router().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let replayed = response.headers().contains_key("idempotency-replayed");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Seen { status, replayed, json: serde_json::from_str(&text).unwrap_or_default(), text }
    }
}

fn fingerprint(text: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).into()
}

/// An answer.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub replayed: bool,
    pub json: Value,
    pub text: String,
}

impl Seen {
    pub fn kind(&self) -> (u16, &str) {
        (self.status, self.json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/"))
    }
}
