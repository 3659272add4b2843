//! What is told: payments of a few people, each created and then failed or captured.

use ambient::Timestamp;
use anyhow::Context as _;
use core::ops::Range;
use ids::{NotificationId, PaymentId, UserId};
use money::Money;
use payments_wire::{PAYMENT_CAPTURED, PAYMENT_CREATED, PAYMENT_FAILED, PaymentSnapshot, PaymentStatus};
use serde_json::{Value, json};

/// So many events tell of one payment.
pub const EVENTS_OF_ONE: u64 = 2;
/// What one payment is about. **Units** minor.
const AMOUNT_MINOR: i64 = 1000;
/// When the first payment was created, and how far apart they are. **Units** milliseconds.
const FIRST_MS: i64 = 1_767_225_600_000;
const APART_MS: i64 = 10;

ids::id!(
    /// A letter at the provider, which names it after the key that it was sent with.
    LetterId, "ltr"
);

/// A run's payments: all that is told, and of whom.
#[derive(Debug, Clone)]
pub struct Plan {
    seed: u64,
    payments: u64,
    captured_every: u64,
    people: Vec<UserId>,
}

/// One record with its steps, as the guest that commits takes it.
pub type Told = Value;

/// What must follow from one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which payment.
    pub payment: PaymentId,
    /// Whose.
    pub user: UserId,
    /// Whether it ends as captured, with a letter; else as failed, with a message in the inbox only.
    pub is_captured: bool,
    /// The sort key in lists: when it was created.
    pub created_at: String,
    /// What is captured of it. **Units** minor.
    pub captured_minor: i64,
}

impl Plan {
    /// So many payments of these people; one in `captured_every` is captured.
    ///
    /// # Errors
    /// A person's name is none, or there are no people.
    pub fn new(seed: u64, payments: u64, captured_every: u64, people: &[String]) -> anyhow::Result<Self> {
        let people: Vec<UserId> = people.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        anyhow::ensure!(!people.is_empty(), "a flood concerns somebody");
        Ok(Self { seed, payments, captured_every: captured_every.max(1), people })
    }

    /// How many payments there are.
    pub fn payments(&self) -> u64 {
        self.payments
    }

    /// How many events tell of them.
    pub fn events(&self) -> u64 {
        self.payments * EVENTS_OF_ONE
    }

    /// Whom it concerns.
    pub fn people(&self) -> &[UserId] {
        &self.people
    }

    /// What must follow from the payment of this number.
    pub fn wanted(&self, number: u64) -> Wanted {
        let payment = PaymentId::derived(0, &[b"flood", &self.seed.to_be_bytes(), &number.to_be_bytes()]);
        let turn = usize::try_from(number % self.people.len() as u64).unwrap_or(0);
        let user = self.people.get(turn).copied().unwrap_or(UserId::derived(0, &[b"nobody"]));
        let is_captured = number.is_multiple_of(self.captured_every);
        let created_at = Timestamp::from_unix_ms(FIRST_MS + APART_MS * i64::try_from(number).unwrap_or(0)).to_string();
        Wanted { payment, user, is_captured, created_at, captured_minor: if is_captured { AMOUNT_MINOR } else { 0 } }
    }

    /// What is told of these payments.
    ///
    /// # Errors
    /// None that depends on the run.
    pub fn told(&self, numbers: Range<u64>) -> anyhow::Result<Vec<Told>> {
        let eur = "EUR".parse().context("EUR is a currency")?;
        let amount = Money::new(AMOUNT_MINOR, eur)?;
        numbers
            .map(|number| {
                let Wanted { payment, user, is_captured, created_at, .. } = self.wanted(number);
                let created = PaymentSnapshot {
                    id: payment,
                    user_id: user,
                    status: PaymentStatus::RequiresConfirmation,
                    amount,
                    captured: Money::zero(eur),
                    refunded: None,
                    created_at: created_at.parse()?,
                    description: None,
                    failure_code: None,
                };
                let (kind, ended) = if is_captured {
                    let captured =
                        PaymentSnapshot { status: PaymentStatus::Captured, captured: amount, ..created.clone() };
                    (PAYMENT_CAPTURED, captured)
                } else {
                    let failure_code = Some("card_declined".to_owned());
                    (PAYMENT_FAILED, PaymentSnapshot { status: PaymentStatus::Failed, failure_code, ..created.clone() })
                };
                Ok(json!({
                    "record": format!("payment:{payment}"), "subject": payment,
                    "steps": [{ "kind": PAYMENT_CREATED, "data": created }, { "kind": kind, "data": ended }],
                }))
            })
            .collect()
    }

    /// The last event that is told of a payment.
    pub fn last_kind(wanted: &Wanted) -> &'static str {
        if wanted.is_captured { PAYMENT_CAPTURED } else { PAYMENT_FAILED }
    }

    /// The name that the message about an event must have, by one channel: derived from its cause as the service derives it
    /// (docs/notifications.md), but here.
    pub fn message(event: &str, wanted: &Wanted, channel: &str) -> NotificationId {
        let template = if wanted.is_captured { "payment-receipt" } else { "payment-failed" };
        let user = wanted.user.to_string();
        NotificationId::derived(0, &[event.as_bytes(), template.as_bytes(), channel.as_bytes(), user.as_bytes()])
    }

    /// The name that the letter about an event has at the provider.
    pub fn letter(event: &str, wanted: &Wanted) -> String {
        let key = Self::message(event, wanted, "email").to_string();
        LetterId::derived(0, &[key.as_bytes()]).to_string()
    }
}
