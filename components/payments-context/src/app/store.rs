//! Payments in the record store: names, loading, and the one change that every step commits.

use super::{CommandError, Reach, StoreError};
use crate::domain::{Alarms, Decision, Leg};
use crate::wire::{OpenRequest, PaymentSummary, Stored, StoredItem, event};
use ambient::Timestamp;
use ids::{PaymentId, UserId};
use records::{
    AccountKey, Answer, Change, Content, IndexName, IndexStep, InvalidName, Meta, Once, Outcome, Posting, RecordKey,
    Records, TimerStep, Version,
};

/// The timer that asks for an outstanding answer.
pub(crate) const SETTLE: &str = "settle";
/// The timer that gives up what nobody finished.
pub(crate) const EXPIRE: &str = "expire";
/// What stands before the id in a record's name.
const PREFIX: &str = "payment:";

/// A payment with the version on which decisions are made.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub version: Version,
    pub stored: Stored,
}

/// What became of a change, as far as the use case goes on.
#[derive(Debug)]
pub(crate) enum Written {
    /// It is true and durable.
    Done(Version),
    /// Somebody else was faster.
    Overtaken,
    /// The request was answered before.
    Replay(Answer),
}

fn unwritable(error: InvalidName) -> StoreError {
    StoreError::Unwritable(error.to_string())
}

/// The name of a payment's record.
pub(crate) fn record_of(id: PaymentId) -> Result<RecordKey, StoreError> {
    RecordKey::new(format!("{PREFIX}{id}")).map_err(unwritable)
}

/// The payment that a record's name is about.
pub(crate) fn payment_of(key: &RecordKey) -> Option<PaymentId> {
    key.as_str().strip_prefix(PREFIX)?.parse().ok()
}

/// The index of a payer's payments, newest first.
pub(crate) fn index_of(payer: UserId) -> Result<IndexName, StoreError> {
    IndexName::new(format!("payments-of:{payer}")).map_err(unwritable)
}

/// The index of all that a provider settles with us: the place of an entry is the item's name, its record the payment
/// behind it, its summary how it stands. It finds the payment behind a charge, and what a settlement is compared with.
pub(crate) fn items_index(provider: &str) -> Result<IndexName, StoreError> {
    IndexName::new(format!("items:{provider}")).map_err(unwritable)
}

/// The index of the items that a provider's settlement of a day should show: those that counted first on that day. An
/// entry says no more; how its item stands by now is said by [`items_index`].
pub(crate) fn day_index(provider: &str, day: &str) -> Result<IndexName, StoreError> {
    IndexName::new(format!("items:{provider}:{day}")).map_err(unwritable)
}

/// The most items that one change enters. A payment of which more changes at once (a hundred refunds that come back in
/// one report) leaves the rest to be found as missing by a reconciliation; the change itself must never fail for it.
const MOST_ITEMS: usize = 30;

/// The day of a moment, in UTC. **Shape** `2026-01-31`.
pub(crate) fn day_of(moment: Timestamp) -> String {
    let mut day = moment.to_string();
    day.truncate(10);
    day
}

/// A payment; `None` where there is none.
pub(crate) async fn load(records: &dyn Records, id: PaymentId) -> Result<Option<Held>, StoreError> {
    let Some(record) = records.load(&record_of(id)?).await? else { return Ok(None) };
    let Some(content) = record.content else { return Ok(None) };
    Ok(Some(Held { version: record.version, stored: Stored::from_bytes(&content)? }))
}

/// A payment within reach; any other is none.
pub(crate) async fn load_within(
    records: &dyn Records,
    reach: Reach,
    id: PaymentId,
) -> Result<Option<Held>, StoreError> {
    Ok(load(records, id).await?.filter(|held| reach.covers(held.stored.payment.payer)))
}

/// Everything that becomes true with a decision. The replaced body is kept: bodies are the ledger's journal.
pub(crate) fn change(
    decision: &Decision,
    expected: Option<Version>,
    request: Option<OpenRequest>,
    once: Option<Once>,
    meta: Meta,
) -> Result<Change, StoreError> {
    let payment = &decision.payment;
    let json = |error: serde_json::Error| StoreError::Unwritable(error.to_string());
    let stored = Stored { payment: payment.clone(), request };
    let body = Content::Body(stored.to_bytes().map_err(json)?.into());
    let summary = IndexStep::Put {
        index: index_of(payment.payer)?,
        sort: payment.created_at.to_string(),
        summary: serde_json::to_string(&PaymentSummary::from(payment)).map_err(json)?,
    };
    let legs: Result<Vec<Posting>, StoreError> = decision.legs.iter().map(posting).collect();
    let mut change = Change::new(record_of(payment.id)?, expected, body, meta)
        .keeping_previous()
        .with_index(summary)
        .with_postings(legs?);
    if let Some(happened) = decision.event {
        change = change.with_event(event(happened, payment).map_err(json)?);
    }
    if let Some(provider) = &payment.provider {
        for news in decision.items.iter().take(MOST_ITEMS) {
            let (index, sort) = (items_index(provider.as_str())?, news.name.to_string());
            let summary = serde_json::to_string(&StoredItem::from(news.standing)).map_err(json)?;
            change = change.with_index(IndexStep::Put { index, sort: sort.clone(), summary });
            if news.counts_first {
                let index = day_index(provider.as_str(), day_of(change.meta.at).as_str())?;
                change = change.with_index(IndexStep::Put { index, sort, summary: "{}".to_owned() });
            }
        }
    }
    // A new payment has no timers to clear.
    if expected.is_some() {
        let Alarms { settle, expire } = decision.alarms;
        for (name, due) in [(SETTLE, settle), (EXPIRE, expire)] {
            change = change.with_timer(match due {
                Some(due) => TimerStep::Set { name, due },
                None => TimerStep::Clear { name },
            });
        }
    }
    Ok(match once {
        Some(once) => change.with_once(once),
        None => change,
    })
}

pub(crate) fn posting(leg: &Leg) -> Result<Posting, StoreError> {
    Ok(Posting {
        account: AccountKey::new(leg.account.to_string()).map_err(unwritable)?,
        currency: leg.account.currency.to_string(),
        posted_minor: leg.posted_minor,
        held_minor: leg.held_minor,
        floor_minor: None,
    })
}

/// Commits a change.
pub(crate) async fn commit(records: &dyn Records, change: Change) -> Result<Written, CommandError> {
    match records.commit(change).await? {
        Outcome::Committed(committed) => Ok(Written::Done(committed.version)),
        Outcome::Conflict { .. } => Ok(Written::Overtaken),
        Outcome::Replay(answer) => Ok(Written::Replay(answer)),
        Outcome::Mismatch => Err(CommandError::KeyReused),
        Outcome::InFlight { retry_after_ms } => {
            Err(CommandError::InFlight { retry_after_s: patience_s(retry_after_ms) })
        }
        Outcome::Refused(refusal) => Err(StoreError::Ledger(refusal).into()),
    }
}

/// When to come back, in seconds: when the twin's lease ends, but no later than five seconds, since most end earlier.
pub(crate) fn patience_s(lease_ms: u64) -> u32 {
    u32::try_from(lease_ms.div_ceil(1000)).unwrap_or(u32::MAX).clamp(1, 5)
}
