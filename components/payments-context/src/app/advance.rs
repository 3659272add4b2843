//! The way of every move on an existing payment: look up the key, load, decide, commit, ask the acquirer, commit.
//!
//! The first commit says what is about to be asked, under which request, and sets the timer that will ask again; only
//! then is the acquirer called. Killed anywhere after it, the timer's worker or the caller's own repetition finds the
//! open step and settles it. The second commit brings outcome, ledger legs, event and the stored answer at once.

use super::ask::{Approach, Asked, Patience, ask};
use super::store::{self, Held, Written};
use super::{Caller, CommandError, Reply, StoreError, reply};
use crate::Payments;
use crate::domain::{Command, Payment, SETTLE_AFTER, Stage, Step, decide};
use crate::wire::{OpenRequest, Stored};
use ambient::uuid_v7;
use futures::future::join;
use ids::PaymentId;
use money::Money;
use records::{Once, OnceState, OnceStep};

/// How often a move is decided anew because somebody else was faster.
const TRIES: u32 = 3;

/// Carries out a move of the payer's.
///
/// # Errors
/// Every [`CommandError`] but `Invalid` and `KeySpent`.
pub(crate) async fn advance(
    payments: &Payments,
    caller: &Caller,
    id: &str,
    command: Command,
) -> Result<Reply, CommandError> {
    let id: PaymentId = id.parse().map_err(|_| CommandError::NotFound)?;
    for _ in 0..TRIES {
        let row = caller.once_key();
        let (known, held) =
            join(payments.records.once(&row), store::load_within(&*payments.records, caller.reach, id)).await;
        if let Some(reply) = answered(payments, caller, known?)? {
            return Ok(reply);
        }
        let mut held = held?.ok_or(CommandError::NotFound)?;
        if waits_for(&held.stored, caller)? {
            return finish(payments, caller, held, Approach::Again).await;
        }
        choose_provider(payments, &mut held.stored.payment).await;
        let decision = decide(&held.stored.payment, command, payments.now())?;
        if let Some(amount) = moved(&decision.payment) {
            payments.step_up.check(amount, caller.assurance)?;
        }
        let asks = decision.payment.pending.is_some();
        let answer = reply::shown(200, &decision.payment).map_err(|error| StoreError::Unwritable(error.to_string()))?;
        let attempt = uuid_v7(&*payments.clock, &*payments.random);
        let (request, step) = if asks {
            let lease_ms = u32::try_from(SETTLE_AFTER.as_millis()).unwrap_or(u32::MAX);
            (Some(open_request(caller, &held.stored.payment, attempt)), OnceStep::Begin { attempt, lease_ms })
        } else {
            (None, OnceStep::Finish { attempt: None, answer: answer.clone() })
        };
        let once = Once { key: row, fingerprint: caller.fingerprint(), step };
        let meta = payments.meta(caller.scope.trace.to_string(), caller.user.to_string());
        let change = store::change(&decision, Some(held.version), request.clone(), Some(once), meta)?;
        match store::commit(&*payments.records, change).await? {
            Written::Done(version) if asks => {
                let stored = Stored { payment: decision.payment, request };
                return finish(payments, caller, Held { version, stored }, Approach::First).await;
            }
            Written::Done(_) => return Ok(Reply::first(answer)),
            Written::Replay(answer) => return Ok(Reply::again(answer)),
            Written::Overtaken => {}
        }
    }
    Err(CommandError::Contended)
}

/// Who is to be asked, where nobody was: the first provider of the table that answers these days, or the first of all
/// where none does. Remembered with the first step: from then on only that provider knows what became of the charge, so
/// that there is no failing over to another any more.
async fn choose_provider(payments: &Payments, payment: &mut Payment) {
    if payment.provider.is_some() || payment.stage != Stage::RequiresConfirmation {
        return;
    }
    let choices: Vec<_> = payments.providers.choices(payment).collect();
    let mut chosen = choices.first();
    if choices.len() > 1 {
        for choice in &choices {
            if choice.acquirer.is_available().await {
                chosen = Some(choice);
                break;
            }
        }
    }
    payment.provider = chosen.map(|provider| provider.name.clone());
}

/// How much money the step under way moves, as far as a second factor guards it: what is confirmed for the first time,
/// and what is given back. Who captures or cancels takes no more than was confirmed.
fn moved(payment: &Payment) -> Option<Money> {
    match (payment.pending?.step, &payment.charge) {
        (Step::Authorize, None) => Some(payment.amount),
        (Step::Refund { amount, .. }, _) => Some(amount),
        (Step::Authorize | Step::Capture { .. } | Step::Cancel | Step::Expire, _) => None,
    }
}

fn open_request(caller: &Caller, payment: &Payment, attempt: uuid::Uuid) -> OpenRequest {
    OpenRequest {
        by: Some(caller.user).filter(|user| *user != payment.payer),
        key: caller.idempotency.key.as_str().to_owned(),
        fingerprint: caller.idempotency.fingerprint,
        attempt,
    }
}

/// What the once-row already answers; nothing where the request is new or its attempt was given up.
fn answered(payments: &Payments, caller: &Caller, known: Option<OnceState>) -> Result<Option<Reply>, CommandError> {
    match known {
        None => Ok(None),
        Some(OnceState::Done { fingerprint, .. } | OnceState::InFlight { fingerprint, .. })
            if fingerprint != caller.fingerprint() =>
        {
            Err(CommandError::KeyReused)
        }
        Some(OnceState::Done { answer, .. }) => Ok(Some(Reply::again(answer))),
        Some(OnceState::InFlight { until, .. }) => {
            let left_ms = u64::try_from(until.since(payments.now()).as_millis()).unwrap_or(u64::MAX);
            if left_ms == 0 {
                return Ok(None);
            }
            Err(CommandError::InFlight { retry_after_s: store::patience_s(left_ms) })
        }
    }
}

/// Whether the open step was begun by this very request, whose attempt died or never learned the outcome.
fn waits_for(stored: &Stored, caller: &Caller) -> Result<bool, CommandError> {
    let Some(request) = stored.request.as_ref().filter(|_| stored.payment.pending.is_some()) else { return Ok(false) };
    let by = request.by.unwrap_or(stored.payment.payer);
    if by != caller.user || request.key != caller.idempotency.key.as_str() {
        return Ok(false);
    }
    if request.fingerprint != caller.idempotency.fingerprint {
        return Err(CommandError::KeyReused);
    }
    Ok(true)
}

/// Asks the acquirer and answers with what became of it.
async fn finish(payments: &Payments, caller: &Caller, held: Held, approach: Approach) -> Result<Reply, CommandError> {
    let meta = payments.meta(caller.scope.trace.to_string(), caller.user.to_string());
    let patience = Patience { until: caller.scope.deadline };
    match ask(payments, &held, approach, patience, meta).await? {
        Asked::Settled(answer) => Ok(Reply::first(answer)),
        Asked::Replay(answer) => Ok(Reply::again(answer)),
        Asked::Open(_) => {
            Ok(Reply::open(&held.stored.payment).map_err(|error| StoreError::Unwritable(error.to_string()))?)
        }
        // An answer is awaited, so that there is always news or none.
        Asked::Current => Err(CommandError::Contended),
        // Whoever was faster has stored the answer of this request with the outcome.
        Asked::Overtaken => match answered(payments, caller, payments.records.once(&caller.once_key()).await?)? {
            Some(reply) => Ok(reply),
            None => Err(CommandError::Contended),
        },
    }
}
