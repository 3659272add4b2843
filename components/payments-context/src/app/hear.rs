//! `POST /v1/providers/{provider}/events`: a provider has news of a charge.
//!
//! The notice is kept before it is acknowledged, and attended to right away; where that fails, its timer does it. To
//! attend is to ask the provider how the charge stands now: the same way on which an unknown outcome is settled, so that
//! a notice that overtakes the answer of its own call finishes that call's request too.

use super::ask::{Approach, Asked, Patience, ask};
use super::notice_store::{self, HeldNotice};
use super::{CommandError, StoreError, store};
use crate::Payments;
use crate::domain::{ItemKind, ItemName};
use crate::notices::{SignatureError, verify};
use crate::wire::{NoticeState, StoredNotice};
use ambient::Timestamp;
use core::time::Duration;
use ids::PaymentId;
use principal::RequestScope;
use records::RecordKey;

/// How long a notice waits for its payment.
const MATCH_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// How long attending may take while the provider waits for our 200.
const ATTEND_MAX: Duration = Duration::from_secs(5);
/// How often a payment is asked about anew because somebody else changed it meanwhile.
const TRIES: u32 = 3;

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is kept.
    New,
    /// It was kept before.
    Known,
    /// It is about no charge.
    Irrelevant,
}

/// Why a notice is not taken.
#[derive(Debug, thiserror::Error)]
pub enum HearError {
    /// There is no such provider.
    #[error("no such provider")]
    UnknownProvider,
    /// It is not the provider's, or not of now.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is signed and makes no sense.
    #[error("the notice has another shape")]
    Malformed,
    /// The store: the provider has to send it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a notice.
///
/// # Errors
/// [`HearError`].
pub async fn hear(
    payments: &Payments,
    provider: &str,
    signature: &str,
    body: &[u8],
    scope: &RequestScope,
) -> Result<Heard, HearError> {
    let provider = payments.providers.named(provider).ok_or(HearError::UnknownProvider)?;
    let now = payments.now();
    verify(signature, body, &provider.notice_secrets, now)?;
    let told = provider.dialect.read(body).ok_or(HearError::Malformed)?;
    if told.payment.is_none() && told.charge.is_none() {
        return Ok(Heard::Irrelevant);
    }
    let notice = StoredNotice {
        v: 1,
        provider: provider.name.to_string(),
        id: told.id,
        payment: told.payment,
        charge: told.charge.map(|charge| charge.as_str().to_owned()),
        received_at: now,
        state: NoticeState::Waiting,
    };
    let trace = scope.trace.to_string();
    let meta = payments.meta(trace.clone(), provider.name.to_string());
    let Some(held) = notice_store::keep(&*payments.records, notice, meta, now).await? else { return Ok(Heard::Known) };
    let until = now.plus(scope.remaining(now, ATTEND_MAX));
    // It is kept: whatever goes wrong from here on is the timer's, and no reason for the provider to send it again.
    let _left_to_the_timer = attend(payments, &held, until, &trace).await;
    Ok(Heard::New)
}

/// What became of attending.
pub(crate) enum Attended {
    /// The notice is closed.
    Done,
    /// It waits, for this reason.
    Waiting(String),
}

/// Attends to the notice in a record, where there is one that waits.
pub(crate) async fn attend_to(
    payments: &Payments,
    key: &RecordKey,
    until: Timestamp,
    trace: &str,
) -> Result<Attended, CommandError> {
    match notice_store::load(&*payments.records, key).await? {
        Some(held) if held.notice.state == NoticeState::Waiting => attend(payments, &held, until, trace).await,
        _ => Ok(Attended::Done),
    }
}

async fn attend(
    payments: &Payments,
    held: &HeldNotice,
    until: Timestamp,
    trace: &str,
) -> Result<Attended, CommandError> {
    let meta = || payments.meta(trace.to_owned(), held.notice.provider.clone());
    let close = async |state, payment: Option<PaymentId>| {
        let payment = payment.or(held.notice.payment);
        let notice = StoredNotice { state, payment, ..held.notice.clone() };
        notice_store::close(&*payments.records, held, notice, meta()).await?;
        Ok(Attended::Done)
    };
    let late = payments.now().since(held.notice.received_at) > MATCH_WITHIN;
    let Some(id) = payment_behind(payments, &held.notice).await? else {
        if late {
            return close(NoticeState::Unmatched, None).await;
        }
        return Ok(Attended::Waiting("no payment has this charge yet".to_owned()));
    };
    for _ in 0..TRIES {
        let Some(payment) = store::load(&*payments.records, id).await? else { break };
        let asked = payments.providers.of(&payment.stored.payment);
        if asked.is_none_or(|provider| provider.name.as_str() != held.notice.provider) {
            return close(NoticeState::Contradicting, Some(id)).await;
        }
        match ask(payments, &payment, Approach::Again, Patience { until }, meta()).await? {
            Asked::Settled(_) | Asked::Replay(_) | Asked::Current => {
                return close(NoticeState::Attended, Some(id)).await;
            }
            Asked::Overtaken => {}
            // The provider was asked and has nothing further to say; when it has, another notice comes.
            Asked::Open(open) if open.answered && !open.grave => return close(NoticeState::Attended, Some(id)).await,
            Asked::Open(open) if open.grave => return close(NoticeState::Contradicting, Some(id)).await,
            Asked::Open(open) => return Ok(Attended::Waiting(open.reason)),
        }
    }
    if late {
        return close(NoticeState::Unmatched, None).await;
    }
    Ok(Attended::Waiting("the payment is not there, or changes all the time".to_owned()))
}

/// The payment that a notice is about: the one that the provider names, or the one with this charge.
async fn payment_behind(payments: &Payments, notice: &StoredNotice) -> Result<Option<PaymentId>, StoreError> {
    if let Some(id) = notice.payment
        && store::load(&*payments.records, id).await?.is_some()
    {
        return Ok(Some(id));
    }
    let Some(charge) = &notice.charge else { return Ok(None) };
    let Some(name) = ItemName::new(ItemKind::Charge, charge) else { return Ok(None) };
    let found = payments.records.entries_at(&store::items_index(&notice.provider)?, &[name.to_string()]).await?;
    Ok(found.iter().flatten().next().and_then(|entry| store::payment_of(&entry.key)))
}

#[cfg(test)]
#[path = "hear_tests.rs"]
mod tests;
