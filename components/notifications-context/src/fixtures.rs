//! What the tests of this crate share: events as their contexts send them, records in memory, a mailbox that remembers.

use crate::app::{Mailer, Senders};
use crate::domain::{Channel, Occasion, SendOutcome, notification_id};
use crate::providers::{Carrier, Found, Letter, Mail, Provider, Providers, ShortMessage, Sms, TakenBack};
use crate::seals::Seals;
use crate::{GROUP, Notifier};
use ambient::{Clock, CountedRandom, FixedClock};
use async_trait::async_trait;
use circuit_breaker::{Admission, Breaker, Health};
use core::time::Duration;
use events::{Consumer, Envelope, Verdict};
use futures::executor::block_on;
use ids::{ErasureId, ExportId, PaymentId, UserId};
use money::Money;
use payments_wire::{PaymentSnapshot, PaymentStatus};
use privacy::{RememberingDesk, SubjectKey};
use records::{
    AccountKey, Balance, Change, Cursor, DueTimer, IndexName, Meta, OnceKey, OnceState, Outcome, Page, Record,
    RecordKey, Records, RecordsError, TrialBalance,
};
use records_memory::MemoryRecords;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use users_wire::{
    ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold, ExportRequested, USER_ERASED, UserPersonal, UserSnapshot,
};

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

pub fn user_event(kind: &str, id: UserId, version: &str, email: &str, locale: &str) -> Envelope {
    let data = serde_json::to_value(UserSnapshot { id, locale: locale.into() }).unwrap();
    let personal = UserPersonal { email: email.into(), display_name: "Ada".into() };
    let mut event = envelope(kind, &id.to_string(), version, data);
    event.personal = Some(serde_json::to_value(personal).unwrap());
    event
}

pub fn registered(id: UserId) -> Envelope {
    user_event(users_wire::USER_REGISTERED, id, "1.1", "ada@example.com", "en")
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

/// The same event with its personal member sealed.
pub fn sealed(event: Envelope, subject: UserId, key: &SubjectKey) -> Envelope {
    let sealed = key.seal(subject, &event.kind, event.personal.as_ref().unwrap(), [5; privacy::NONCE_BYTES]).unwrap();
    Envelope { personal: Some(serde_json::to_value(sealed).unwrap()), ..event }
}

/// The key under which Ada's welcome went to the provider.
pub fn key_of_the_welcome() -> String {
    let event = registered(ada());
    notification_id(&event.id, Occasion::Registered.template(), Channel::Email, ada()).to_string()
}

pub fn payment_event(kind: &str, user_id: UserId, name: &str, version: &str) -> Envelope {
    let id = PaymentId::derived(0, &[name.as_bytes()]);
    let eur = "EUR".parse().unwrap();
    let captured = kind == payments_wire::PAYMENT_CAPTURED;
    let snapshot = PaymentSnapshot {
        id,
        user_id,
        status: if captured { PaymentStatus::Captured } else { PaymentStatus::Failed },
        amount: Money::new(1099, eur).unwrap(),
        refunded: None,
        captured: if captured { Money::new(1099, eur).unwrap() } else { Money::zero(eur) },
        created_at: NOW.parse().unwrap(),
        description: Some("two books".into()),
        failure_code: (!captured).then(|| "card_declined".into()),
    };
    envelope(kind, &id.to_string(), version, serde_json::to_value(snapshot).unwrap())
}

pub fn captured(user_id: UserId, name: &str) -> Envelope {
    payment_event(payments_wire::PAYMENT_CAPTURED, user_id, name, "1.4")
}

/// A breaker that is closed, or open where a test says so; it remembers what it is told.
#[derive(Clone, Default)]
pub struct Closed {
    /// Whether it is open after all.
    pub open: Arc<Mutex<bool>>,
}

#[async_trait]
impl Breaker for Closed {
    async fn admit(&self) -> Admission {
        if *self.open.lock().unwrap() {
            Admission::Open { retry_after: Duration::from_secs(1) }
        } else {
            Admission::Call
        }
    }
    async fn report(&self, _: Admission, _: Health) {}
    async fn may_retry(&self) -> bool {
        false
    }
    async fn is_closed(&self) -> bool {
        !*self.open.lock().unwrap()
    }
}

/// A letter as HTML and as text, with the address of its way out.
pub type TakenLetter = (String, String, Option<String>);

/// A provider that remembers letters by their key and answers as told, then accepts.
#[derive(Clone, Default)]
pub struct Mailbox {
    /// Key, address and subject of each call.
    pub calls: Arc<Mutex<Vec<(String, String, String)>>>,
    /// Whole letters.
    pub letters: Arc<Mutex<Vec<TakenLetter>>>,
    /// What the next calls are answered. A lost answer was taken all the same.
    pub answers: Arc<Mutex<VecDeque<SendOutcome>>>,
    /// Keys that were taken: each as often as it was delivered.
    pub taken: Arc<Mutex<Vec<String>>>,
    /// What deleting a letter is answered instead of being done.
    pub taking_back: Arc<Mutex<Option<TakenBack>>>,
    /// Whether it keeps no keys: then every call that is taken is another delivery.
    pub forgetful: bool,
    /// What it says when it is asked whether it has a letter.
    pub found: Arc<Mutex<Option<Found>>>,
    /// Whether it is left alone.
    pub breaker: Closed,
}

impl Mailbox {
    fn take(&self, key: &str, to: &str, subject: &str) -> SendOutcome {
        let key = key.to_owned();
        self.calls.lock().unwrap().push((key.clone(), to.to_owned(), subject.to_owned()));
        let accepted = SendOutcome::Accepted { provider_id: Some(key.clone()) };
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(accepted);
        let mut taken = self.taken.lock().unwrap();
        let has_it = matches!(answer, SendOutcome::Accepted { .. } | SendOutcome::Lost { .. });
        if has_it && (self.forgetful || !taken.contains(&key)) {
            taken.push(key);
        }
        answer
    }

    fn give_back(&self, key: &str) -> TakenBack {
        if let Some(answer) = *self.taking_back.lock().unwrap() {
            return answer;
        }
        self.taken.lock().unwrap().retain(|taken| taken != key);
        TakenBack::Gone
    }
}

#[async_trait]
impl Mail for Mailbox {
    async fn send(&self, letter: &Letter<'_>, _timeout: Duration) -> SendOutcome {
        let html = letter.html.unwrap_or_default().to_owned();
        self.letters.lock().unwrap().push((html, letter.text.to_owned(), letter.unsubscribe.map(str::to_owned)));
        self.take(letter.idempotency_key, letter.to, letter.subject)
    }

    fn keeps_keys(&self) -> bool {
        !self.forgetful
    }

    async fn find(&self, _: &str, _: Duration) -> Found {
        self.found.lock().unwrap().clone().unwrap_or(Found::CannotTell)
    }

    fn deletes(&self) -> bool {
        !self.forgetful
    }

    async fn take_back(&self, idempotency_key: &str, _timeout: Duration) -> TakenBack {
        self.give_back(idempotency_key)
    }
}

#[async_trait]
impl Sms for Mailbox {
    async fn send(&self, message: &ShortMessage<'_>, _timeout: Duration) -> SendOutcome {
        self.take(message.idempotency_key, message.to, message.text)
    }

    fn keeps_keys(&self) -> bool {
        !self.forgetful
    }

    fn deletes(&self) -> bool {
        !self.forgetful
    }

    async fn take_back(&self, idempotency_key: &str, _timeout: Duration) -> TakenBack {
        self.give_back(idempotency_key)
    }
}

/// Who acts at this house's time, on nobody's behalf.
pub fn meta(house: &House) -> Meta {
    Meta { at: house.clock.now(), trace: "0".repeat(32), cause: None, actor: None }
}

/// The providers of a house: a mailbox, and a second one behind it where there is one; telephones at a third.
pub fn providers(mailbox: &Mailbox, second: Option<&Mailbox>, phones: &Mailbox) -> Providers {
    let provider = |name: &str, breaker: &Closed, carrier| Provider {
        name: name.to_owned(),
        carrier,
        breaker: Arc::new(breaker.clone()),
    };
    let mut all = vec![
        provider("generic", &mailbox.breaker, Carrier::Mail(Arc::new(mailbox.clone()))),
        provider("generic", &phones.breaker, Carrier::Sms(Arc::new(phones.clone()))),
    ];
    let mut table = "email=generic sms=generic";
    if let Some(second) = second {
        all.push(provider("second", &second.breaker, Carrier::Mail(Arc::new(second.clone()))));
        table = "email=generic+second sms=generic";
    }
    Providers::new(all, table.parse().unwrap()).unwrap()
}

/// The key of the tests' houses.
pub fn seals() -> Seals {
    Seals::new("a key of the tests")
}

/// One context in memory, with its consumer and its mailer.
pub struct House {
    pub clock: FixedClock,
    pub records: MemoryRecords,
    pub notifier: Notifier,
    pub mailbox: Mailbox,
    pub phones: Mailbox,
    pub mailer: Mailer,
    pub desk: RememberingDesk,
    faults: Arc<Mutex<Option<(u32, bool)>>>,
}

impl House {
    pub fn new() -> Self {
        Self::with(Mailbox::default(), None)
    }

    /// A house with this mailbox, and another one that is asked where the first does not take a letter.
    pub fn with(mailbox: Mailbox, second: Option<&Mailbox>) -> Self {
        let clock = FixedClock::at(NOW);
        let records = MemoryRecords::new("notifications", Arc::new(clock.clone()), Arc::new(CountedRandom::default()));
        let phones = Mailbox::default();
        let providers = providers(&mailbox, second, &phones);
        let desk = RememberingDesk::default();
        let faults = Arc::<Mutex<Option<(u32, bool)>>>::default();
        let failing = Failing { records: records.clone(), faults: faults.clone() };
        Self {
            notifier: Notifier {
                records: Arc::new(failing),
                clock: Arc::new(clock.clone()),
                desk: Arc::new(desk.clone()),
                providers: providers.clone(),
            },
            mailer: Mailer {
                records: Arc::new(records.clone()),
                providers,
                senders: Senders {
                    mail: "Spindrift <no-reply@spindrift.example>".into(),
                    sms: "Spindrift".into(),
                    public_url: "https://spindrift.example".into(),
                },
                seals: seals(),
                clock: Arc::new(clock.clone()),
                actor: GROUP,
            },
            clock,
            records,
            mailbox,
            phones,
            desk,
            faults,
        }
    }

    /// The commit of the consumer after this many others fails, before or after it was carried out.
    pub fn fail_commit(&self, others: u32, after: bool) {
        *self.faults.lock().unwrap() = Some((others, after));
    }

    pub fn hear(&self, event: &Envelope) -> Verdict {
        block_on(self.notifier.handle(event))
    }

    /// Delivers what is due; what became of each try.
    pub fn deliver(&self) -> Vec<Result<crate::app::Delivered, String>> {
        let reports = block_on(self.mailer.deliver_due(self.clock.now())).unwrap();
        reports.into_iter().map(|report| report.result.map_err(|error| error.to_string())).collect()
    }

    /// Type and subject of each event so far.
    pub fn said(&self) -> Vec<String> {
        self.records.events().into_iter().map(|event| event.kind).collect()
    }
}

/// Records of which one commit fails on command.
struct Failing {
    records: MemoryRecords,
    faults: Arc<Mutex<Option<(u32, bool)>>>,
}

#[async_trait]
impl Records for Failing {
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        self.records.load(key).await
    }

    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError> {
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            match *faults {
                Some((0, after)) => {
                    *faults = None;
                    Some(after)
                }
                Some((others, after)) => {
                    *faults = Some((others - 1, after));
                    None
                }
                None => None,
            }
        };
        match fault {
            Some(false) => self.records.fail_next_commit_before(),
            Some(true) => self.records.fail_next_commit_after(),
            None => {}
        }
        self.records.commit(change).await
    }

    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        self.records.once(key).await
    }

    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError> {
        self.records.list(index, after, limit).await
    }

    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError> {
        self.records.count(index).await
    }

    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        self.records.balances(accounts).await
    }

    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        self.records.trial_balance().await
    }

    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        self.records.claim_timers(limit, lease).await
    }

    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        self.records.finish_timer(timer).await
    }

    async fn maintain(&self, now: ambient::Timestamp) -> Result<(), RecordsError> {
        self.records.maintain(now).await
    }

    async fn ready(&self) -> Result<(), RecordsError> {
        self.records.ready().await
    }
}
