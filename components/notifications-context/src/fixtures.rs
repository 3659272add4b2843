//! What the tests of this crate share: events as their contexts send them, records in memory, a mailbox that remembers.

use crate::app::Mailer;
use crate::domain::MailOutcome;
use crate::mail::{Letter, Mail};
use crate::{GROUP, Notifier};
use ambient::{Clock, CountedRandom, FixedClock};
use async_trait::async_trait;
use core::time::Duration;
use events::{Consumer, Envelope, Verdict};
use futures::executor::block_on;
use ids::{PaymentId, UserId};
use money::Money;
use payments_wire::{PaymentSnapshot, PaymentStatus};
use records_memory::MemoryRecords;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use users_wire::{UserPersonal, UserSnapshot};

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

/// A provider that remembers letters by their key and answers as told, then accepts.
#[derive(Clone, Default)]
pub struct Mailbox {
    /// Key, address and subject of each call.
    pub calls: Arc<Mutex<Vec<(String, String, String)>>>,
    /// What the next calls are answered. A lost answer was taken all the same.
    pub answers: Arc<Mutex<VecDeque<MailOutcome>>>,
    /// Keys that were taken.
    pub taken: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Mail for Mailbox {
    async fn send(&self, letter: &Letter<'_>, _timeout: Duration) -> MailOutcome {
        let key = letter.idempotency_key.to_owned();
        self.calls.lock().unwrap().push((key.clone(), letter.to.to_owned(), letter.subject.to_owned()));
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(MailOutcome::Accepted { provider_id: Some(key.clone()) });
        let mut taken = self.taken.lock().unwrap();
        if matches!(answer, MailOutcome::Accepted { .. } | MailOutcome::Lost { .. }) && !taken.contains(&key) {
            taken.push(key);
        }
        answer
    }
}

/// One context in memory, with its consumer and its mailer.
pub struct House {
    pub clock: FixedClock,
    pub records: MemoryRecords,
    pub notifier: Notifier,
    pub mailbox: Mailbox,
    pub mailer: Mailer,
}

impl House {
    pub fn new() -> Self {
        let clock = FixedClock::at(NOW);
        let records = MemoryRecords::new("notifications", Arc::new(clock.clone()), Arc::new(CountedRandom::default()));
        let mailbox = Mailbox::default();
        Self {
            notifier: Notifier { records: Arc::new(records.clone()), clock: Arc::new(clock.clone()) },
            mailer: Mailer {
                records: Arc::new(records.clone()),
                mail: Arc::new(mailbox.clone()),
                clock: Arc::new(clock.clone()),
                actor: GROUP,
            },
            clock,
            records,
            mailbox,
        }
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
