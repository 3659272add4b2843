//! What the tests of this crate share: events as their contexts send them, records in memory, a courier that does as told, and
//! a time that passes only while everybody waits.

use crate::app::{Caller, OnceRequest, PassReport, Sender};
use crate::courier::{Courier, Parcel};
use crate::domain::{Ending, OpenedReceivers};
use crate::wire::CreateEndpointRequest;
use crate::{Announcer, GROUP, Vault, Webhooks};
use ambient::{Clock, CountedRandom, FixedClock, Sleep, Timestamp};
use async_trait::async_trait;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use events::{Consumer, Envelope, Verdict};
use futures::executor::block_on;
use ids::{ErasureId, ExportId, PaymentId, UserId};
use money::Money;
use payments_wire::{PaymentSnapshot, PaymentStatus};
use privacy::{RememberingDesk, SubjectKey};
use records::Meta;
use records_memory::MemoryRecords;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Wake;
use users_wire::{ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold, ExportRequested, USER_ERASED};
use webhooks_wire::{EndpointId, MessageId};

/// When each test begins.
pub const NOW: &str = "2026-01-01T00:00:00.000Z";

pub fn ada() -> UserId {
    UserId::derived(0, &[b"ada"])
}

pub fn bob() -> UserId {
    UserId::derived(0, &[b"bob"])
}

/// An event as it lies in the stream; the id repeats with the same arguments.
pub fn envelope(kind: &str, subject: &str, version: &str, data: serde_json::Value) -> Envelope {
    let (source, _) = kind.split_once('.').unwrap();
    serde_json::from_value(serde_json::json!({
        "specversion": "1.0",
        "id": format!("evt_{}_0", ids::derived_uuid(&[kind.as_bytes(), subject.as_bytes(), version.as_bytes()])),
        "source": format!("/{source}"),
        "type": kind,
        "time": NOW,
        "subject": subject,
        "datacontenttype": "application/json",
        "dataschema": format!("/asyncapi.json#{kind}"),
        "version": version,
        "traceid": "0af7651916cd43dd8448eb211c80319c",
        "data": data,
    }))
    .unwrap()
}

pub fn payment_event(kind: &str, user_id: UserId, name: &str, version: &str) -> Envelope {
    let id = PaymentId::derived(0, &[name.as_bytes()]);
    let eur = "EUR".parse().unwrap();
    let snapshot = PaymentSnapshot {
        id,
        user_id,
        status: PaymentStatus::Captured,
        amount: Money::new(1099, eur).unwrap(),
        refunded: None,
        captured: Money::new(1099, eur).unwrap(),
        created_at: NOW.parse().unwrap(),
        description: Some("two books".into()),
        failure_code: None,
    };
    envelope(kind, &id.to_string(), version, serde_json::to_value(snapshot).unwrap())
}

pub fn captured(user_id: UserId, name: &str) -> Envelope {
    payment_event(payments_wire::PAYMENT_CAPTURED, user_id, name, "1.4")
}

/// Ada was erased: the first look, or the second.
pub fn erasure(look: u8) -> Envelope {
    let told = ErasureTold {
        user_id: ada(),
        erasure_id: ErasureId::derived(0, &[b"erasure"]),
        requested_at: NOW.parse().unwrap(),
    };
    let (kind, version) = if look == 1 { (ERASURE_REQUESTED, "1.9") } else { (USER_ERASED, "1.3") };
    envelope(kind, &ada().to_string(), version, serde_json::to_value(told).unwrap())
}

/// Ada takes her data along.
pub fn export_event() -> Envelope {
    let told = ExportRequested { user_id: ada(), export_id: ExportId::derived(0, &[b"export"]) };
    envelope(EXPORT_REQUESTED, &ada().to_string(), "1.1", serde_json::to_value(told).unwrap())
}

/// Time that passes only while everybody waits.
#[derive(Clone)]
pub struct World {
    pub clock: FixedClock,
    sleepers: Arc<Mutex<Vec<(Timestamp, Waker)>>>,
}

struct Nap {
    world: World,
    until: Timestamp,
}

impl Future for Nap {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.world.clock.now() >= self.until {
            return Poll::Ready(());
        }
        self.world.sleepers.lock().unwrap().push((self.until, context.waker().clone()));
        Poll::Pending
    }
}

#[async_trait]
impl Sleep for World {
    async fn sleep(&self, duration: Duration) {
        Nap { world: self.clone(), until: self.clock.now().plus(duration) }.await;
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl World {
    fn new() -> Self {
        Self { clock: FixedClock::at(NOW), sleepers: Arc::default() }
    }

    /// Runs to the end; whenever nothing can go on, the time of the first sleeper comes.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(flag.clone());
        loop {
            if flag.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return done;
                }
                continue;
            }
            let mut sleepers = self.sleepers.lock().unwrap();
            let first = sleepers.iter().map(|(until, _)| *until).min().expect("nobody waits, and nothing goes on");
            let now = self.clock.now();
            if first > now {
                self.clock.advance_ms(first.unix_ms() - now.unix_ms());
            }
            let now = self.clock.now();
            let (due, later): (Vec<_>, Vec<_>) = sleepers.drain(..).partition(|(until, _)| *until <= now);
            *sleepers = later;
            drop(sleepers);
            due.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }
}

/// One request that the courier was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub at: Timestamp,
    pub url: String,
    pub id: String,
    pub signature: String,
    pub body: String,
}

type Script = dyn Fn(&str, usize) -> (Duration, Ending) + Send + Sync;

/// A courier that does as told: for the URL and how often it was asked for before, how long it takes and how it ends.
#[derive(Clone)]
pub struct ScriptedCourier {
    world: World,
    script: Arc<Mutex<Arc<Script>>>,
    given: Arc<Mutex<Vec<Given>>>,
    under_way: Arc<Mutex<Vec<String>>>,
    /// The most requests to one URL that were under way at once.
    pub widest: Arc<Mutex<usize>>,
}

#[async_trait]
impl Courier for ScriptedCourier {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Ending {
        let before = {
            let mut given = self.given.lock().unwrap();
            let before = given.iter().filter(|one| one.url == parcel.url).count();
            given.push(Given {
                at: self.world.clock.now(),
                url: parcel.url.to_owned(),
                id: parcel.id.to_owned(),
                signature: parcel.signature.to_owned(),
                body: parcel.body.to_owned(),
            });
            before
        };
        let script = self.script.lock().unwrap().clone();
        let (takes, ending) = script(parcel.url, before);
        self.under_way.lock().unwrap().push(parcel.url.to_owned());
        let now = self.under_way.lock().unwrap().iter().filter(|url| *url == parcel.url).count();
        {
            let mut widest = self.widest.lock().unwrap();
            *widest = now.max(*widest);
        }
        self.world.sleep(takes).await;
        let mut under_way = self.under_way.lock().unwrap();
        let place = under_way.iter().position(|url| url == parcel.url).unwrap();
        under_way.remove(place);
        ending
    }
}

pub fn answered(status: u16) -> Ending {
    Ending::Answered { status, content_type: None, body: "seen".into(), retry_after: None }
}

pub fn timed_out() -> (Duration, Ending) {
    (crate::TIMEOUT, Ending::Failed { why: "lost", detail: "no answer in 15000 ms".into() })
}

/// One context in memory, with its consumer and its sender.
pub struct House {
    pub world: World,
    pub records: MemoryRecords,
    pub webhooks: Webhooks,
    pub announcer: Announcer,
    pub courier: ScriptedCourier,
    pub sender: Sender,
    pub desk: RememberingDesk,
    made: Mutex<u32>,
}

impl House {
    pub fn new() -> Self {
        let world = World::new();
        let clock = Arc::new(world.clock.clone());
        let random = Arc::new(CountedRandom::default());
        let records = MemoryRecords::new("webhooks", clock.clone(), random.clone());
        let webhooks = Webhooks {
            records: Arc::new(records.clone()),
            vault: Vault::new(&SubjectKey::new([7; 32]).expose(), random.clone()).unwrap(),
            opened: OpenedReceivers::default(),
            clock,
            random,
        };
        let desk = RememberingDesk::default();
        let script: Arc<Script> = Arc::new(|_: &str, _| (Duration::ZERO, answered(200)));
        let courier = ScriptedCourier {
            world: world.clone(),
            script: Arc::new(Mutex::new(script)),
            given: Arc::default(),
            under_way: Arc::default(),
            widest: Arc::default(),
        };
        Self {
            announcer: Announcer { webhooks: webhooks.clone(), desk: Arc::new(desk.clone()) },
            sender: Sender {
                webhooks: webhooks.clone(),
                courier: Arc::new(courier.clone()),
                sleep: Arc::new(world.clone()),
                actor: GROUP,
            },
            world,
            records,
            webhooks,
            courier,
            desk,
            made: Mutex::new(0),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    pub fn wait(&self, duration: Duration) {
        self.world.clock.advance_ms(i64::try_from(duration.as_millis()).unwrap());
    }

    pub fn hear(&self, event: &Envelope) -> Verdict {
        block_on(self.announcer.handle(event))
    }

    pub fn caller(&self, user: UserId) -> Caller {
        let meta = Meta { at: self.now(), trace: "0".repeat(32), cause: None, actor: Some(user.to_string()) };
        Caller { user, admin: false, meta }
    }

    pub fn once(key: &str) -> OnceRequest {
        OnceRequest { key: key.to_owned(), fingerprint: [1; 32] }
    }

    /// An endpoint of this owner's at `https://<name>.example.com/`; `change` says what else of it.
    pub fn endpoint_with(
        &self,
        owner: UserId,
        name: &str,
        change: impl FnOnce(&mut CreateEndpointRequest),
    ) -> EndpointId {
        let mut request = CreateEndpointRequest {
            url: format!("https://{name}.example.com/"),
            description: None,
            events: Vec::new(),
            rate_per_s: None,
            ordered: false,
            all_accounts: false,
            secret: None,
        };
        change(&mut request);
        let key = {
            let mut made = self.made.lock().unwrap();
            *made += 1;
            format!("endpoint {made}")
        };
        let caller = Caller { admin: request.all_accounts, ..self.caller(owner) };
        block_on(crate::app::create_endpoint(&self.webhooks, &caller, &Self::once(&key), request)).unwrap().id
    }

    pub fn endpoint(&self, owner: UserId, name: &str) -> EndpointId {
        self.endpoint_with(owner, name, |_| {})
    }

    /// What the courier does from now on.
    pub fn script(&self, script: impl Fn(&str, usize) -> (Duration, Ending) + Send + Sync + 'static) {
        *self.courier.script.lock().unwrap() = Arc::new(script);
    }

    /// One visit of the sender; what it did.
    pub fn send(&self) -> Vec<PassReport> {
        let reports = Mutex::new(Vec::new());
        let keep = |report: &PassReport| {
            let PassReport { timer, tries, disabled, error } = report;
            let (timer, tries) = (timer.clone(), tries.clone());
            reports.lock().unwrap().push(PassReport { timer, tries, disabled: *disabled, error: error.clone() });
        };
        self.world.run(self.sender.send_due(&keep, None)).unwrap();
        reports.into_inner().unwrap()
    }

    /// Sends until nothing is due before `limit` has passed, letting time pass.
    pub fn send_for(&self, limit: Duration) {
        let until = self.now().plus(limit);
        loop {
            self.send();
            let next = self.records.timers().iter().map(|(.., due)| *due).min();
            match next {
                Some(next) if next <= until => {
                    let now = self.now();
                    if next > now {
                        self.wait(next.since(now));
                    }
                }
                _ => return,
            }
        }
    }

    /// What the courier was given for one endpoint.
    pub fn given(&self, name: &str) -> Vec<Given> {
        let url = format!("https://{name}.example.com/");
        self.courier.given.lock().unwrap().iter().filter(|one| one.url == url).cloned().collect()
    }

    pub fn message(&self, event: &Envelope, endpoint: EndpointId) -> Option<crate::domain::Message> {
        let id = MessageId::derived(0, &[event.id.as_str().as_bytes(), endpoint.to_string().as_bytes()]);
        block_on(crate::app::load_message_for_tests(&self.webhooks, endpoint, id))
    }

    /// The types of the events so far.
    pub fn said(&self) -> Vec<String> {
        self.records.events().into_iter().map(|event| event.kind).collect()
    }
}
