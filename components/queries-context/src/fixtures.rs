//! What the tests of this crate share: events as their contexts send them, and records that let others in between.

use crate::Projector;
use crate::app::{Freshness, SOURCES, overview};
use crate::wire::OverviewAnswer;
use ambient::{CountedRandom, FixedClock, Timestamp};
use async_trait::async_trait;
use core::time::Duration;
use events::{Consumer, Envelope, EventStatistics, EventsError, GroupStats, StreamName, Verdict};
use futures::executor::block_on;
use ids::{ErasureId, ExportId, NotificationId, PaymentId, UserId};
use money::Money;
use notifications_wire::NotificationSnapshot;
use payments_wire::{PaymentSnapshot, PaymentStatus};
use privacy::RememberingDesk;
use records::{
    AccountKey, Balance, Change, Cursor, DueTimer, IndexName, OnceKey, OnceState, Outcome, Page, Record, RecordKey,
    Records, RecordsError, TrialBalance,
};
use records_memory::MemoryRecords;
use std::sync::Arc;
use users_wire::{ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold, ExportRequested, USER_ERASED, UserSnapshot};

/// When each test begins.
pub const NOW: &str = "2026-01-01T00:00:00.000Z";

pub fn ada() -> UserId {
    UserId::derived(0, &[b"ada"])
}

pub fn bob() -> UserId {
    UserId::derived(0, &[b"bob"])
}

/// A moment some seconds after the beginning.
pub fn after(seconds: u64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap().plus(Duration::from_secs(seconds))
}

/// An event as it lies in the stream; the id repeats with the same arguments.
pub fn envelope(kind: &str, subject: &str, number: u64, at: Timestamp, data: serde_json::Value) -> Envelope {
    let (source, _) = kind.split_once('.').unwrap();
    serde_json::from_value(serde_json::json!({
        "specversion": "1.0",
        "id": format!("evt_{}_0", ids::derived_uuid(&[kind.as_bytes(), subject.as_bytes(), &number.to_be_bytes()])),
        "source": format!("/{source}"),
        "type": kind,
        "time": at,
        "subject": subject,
        "datacontenttype": "application/json",
        "dataschema": format!("/asyncapi.json#{kind}"),
        "version": format!("1.{number}"),
        "traceid": "0af7651916cd43dd8448eb211c80319c",
        "data": data,
    }))
    .unwrap()
}

pub fn user_event(kind: &str, id: UserId, number: u64, locale: &str) -> Envelope {
    let data = serde_json::to_value(UserSnapshot { id, locale: locale.into() }).unwrap();
    envelope(kind, &id.to_string(), number, after(number), data)
}

/// One payment's event; the payment is created as many seconds after the beginning as its name says.
pub fn payment_event(
    user_id: UserId,
    name: u8,
    number: u64,
    status: PaymentStatus,
    captured_minor: i64,
    currency: &str,
) -> Envelope {
    let id = PaymentId::derived(0, &[user_id.to_string().as_bytes(), &[name]]);
    let currency = currency.parse().unwrap();
    let snapshot = PaymentSnapshot {
        id,
        user_id,
        status,
        amount: Money::new(1000, currency).unwrap(),
        captured: Money::new(captured_minor, currency).unwrap(),
        refunded: None,
        created_at: after(u64::from(name)),
        description: None,
        failure_code: None,
    };
    let kind = format!("payments.payment.{}.v1", kind_word(status));
    envelope(&kind, &id.to_string(), number, after(100 + number), serde_json::to_value(snapshot).unwrap())
}

fn kind_word(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::RequiresConfirmation => "created",
        other => crate::domain::status_word(other),
    }
}

pub fn notification_event(user_id: UserId, name: u8, read: bool) -> Envelope {
    let id = NotificationId::derived(0, &[user_id.to_string().as_bytes(), &[name]]);
    let snapshot =
        NotificationSnapshot { id, user_id, kind: "welcome".into(), read, created_at: after(u64::from(name)) };
    let (kind, number) =
        if read { (notifications_wire::NOTIFICATION_READ, 2) } else { (notifications_wire::NOTIFICATION_CREATED, 1) };
    envelope(kind, &id.to_string(), number, after(200), serde_json::to_value(snapshot).unwrap())
}

/// Ada was erased: the first look, or the second.
pub fn erasure(look: u64) -> Envelope {
    let told = ErasureTold {
        user_id: ada(),
        erasure_id: ErasureId::derived(0, &[b"erasure"]),
        requested_at: NOW.parse().unwrap(),
    };
    let kind = if look == 1 { ERASURE_REQUESTED } else { USER_ERASED };
    envelope(kind, &ada().to_string(), 90 + look, after(300), serde_json::to_value(told).unwrap())
}

/// Ada takes her data along.
pub fn export_event() -> Envelope {
    let told = ExportRequested { user_id: ada(), export_id: ExportId::derived(0, &[b"export"]) };
    envelope(EXPORT_REQUESTED, &ada().to_string(), 80, after(300), serde_json::to_value(told).unwrap())
}

/// A log without a lag.
pub struct NothingWaits;

#[async_trait]
impl EventStatistics for NothingWaits {
    async fn groups(&self, stream: &StreamName) -> Result<Vec<GroupStats>, EventsError> {
        Ok(vec![GroupStats {
            stream: stream.clone(),
            group: crate::GROUP.into(),
            lag: Some(0),
            pending: 0,
            oldest_age_ms: 0,
            oldest_pending_age_ms: 0,
            oldest_pending_deliveries: 0,
        }])
    }

    async fn dead_letters(&self, _context: &str) -> Result<u64, EventsError> {
        Ok(0)
    }
}

/// Records that give way before each call, so that deliveries handled together really mix.
#[derive(Clone)]
pub struct Courteous(pub MemoryRecords);

/// Ready the second time.
async fn give_way() {
    let mut asked = false;
    futures::future::poll_fn(|context| {
        if std::mem::replace(&mut asked, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[async_trait]
impl Records for Courteous {
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        give_way().await;
        self.0.load(key).await
    }

    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError> {
        give_way().await;
        self.0.commit(change).await
    }

    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        self.0.once(key).await
    }

    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError> {
        self.0.list(index, after, limit).await
    }

    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError> {
        self.0.count(index).await
    }

    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        self.0.balances(accounts).await
    }

    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        self.0.trial_balance().await
    }

    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        self.0.claim_timers(limit, lease).await
    }

    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        self.0.finish_timer(timer).await
    }

    async fn maintain(&self, now: Timestamp) -> Result<(), RecordsError> {
        self.0.maintain(now).await
    }

    async fn ready(&self) -> Result<(), RecordsError> {
        self.0.ready().await
    }
}

/// One context in memory, with its consumer.
pub struct House {
    pub records: MemoryRecords,
    pub projector: Projector,
    pub freshness: Freshness,
    pub desk: RememberingDesk,
}

impl House {
    pub fn new() -> Self {
        let clock = FixedClock::at(NOW);
        let records = MemoryRecords::new("queries", Arc::new(clock.clone()), Arc::new(CountedRandom::default()));
        let desk = RememberingDesk::default();
        let streams = SOURCES.map(|source| StreamName::new(source, 0)).into();
        Self {
            projector: Projector {
                records: Arc::new(Courteous(records.clone())),
                clock: Arc::new(clock.clone()),
                desk: Arc::new(desk.clone()),
            },
            desk,
            freshness: Freshness::new(Arc::new(NothingWaits), Arc::new(clock), crate::GROUP, streams),
            records,
        }
    }

    pub fn hear(&self, event: &Envelope) -> Verdict {
        block_on(self.projector.handle(event))
    }

    /// Handles several deliveries side by side.
    pub fn hear_together(&self, events: &[Envelope]) -> Vec<Verdict> {
        block_on(futures::future::join_all(events.iter().map(|event| self.projector.handle(event))))
    }

    pub fn overview(&self, user_id: UserId) -> OverviewAnswer {
        block_on(overview(&self.records, &self.freshness, user_id)).unwrap()
    }
}
