//! Asks the acquirer about the open step of a payment, and commits the outcome with the answer of the request that waits
//! for it. The same for the request itself, for its repetition and for the timer's worker.

use super::store::{self, Held, Written};
use super::{CommandError, StoreError, reply, request_row};
use crate::Payments;
use crate::acquirer::{Acquirer, Answer, NewCharge, NewRefund};
use crate::domain::{Decision, FailureCode, Payment, RefundStanding, Step, Unsettled, refused, settle};
use ambient::Timestamp;
use core::time::Duration;
use records::{Fingerprint, Meta, Once, OnceStep};

/// The most that one call to the acquirer may take.
const CALL_MAX: Duration = Duration::from_secs(10);
/// What is kept of the deadline for the commit and the way back.
const RESERVE: Duration = Duration::from_millis(500);
/// How long a charge that the acquirer does not know is still asked for; later nobody expects to pay any more.
const CHARGE_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Whether something may have been asked before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approach {
    /// Nothing was asked yet: call.
    First,
    /// A call may have had its effect: look before calling.
    Again,
}

/// Until when an answer is of use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub until: Timestamp,
}

impl Patience {
    fn timeout(self, now: Timestamp) -> Duration {
        self.until.since(now).saturating_sub(RESERVE).min(CALL_MAX)
    }
}

/// What became of asking.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The outcome is committed; this is the answer of the request that waited for it.
    Settled(records::Answer),
    /// The request was answered before.
    Replay(records::Answer),
    /// Nothing is known yet, and nothing changed.
    Open(Open),
    /// No answer is awaited, and the acquirer knows nothing that is not known here.
    Current,
    /// Somebody else settled it.
    Overtaken,
}

/// Why nothing is known yet.
#[derive(Debug)]
pub(crate) struct Open {
    pub reason: String,
    /// Whether the acquirer has answered; otherwise it was not reached.
    pub answered: bool,
    /// Whether asking again will not help: an operator has to look.
    pub grave: bool,
}

impl Open {
    pub(crate) fn unheard(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), answered: false, grave: false }
    }

    fn wait(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), answered: true, grave: false }
    }

    fn grave(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), answered: true, grave: true }
    }
}

/// Asks, and commits what is learned.
pub(crate) async fn ask(
    payments: &Payments,
    held: &Held,
    approach: Approach,
    patience: Patience,
    meta: Meta,
) -> Result<Asked, CommandError> {
    let payment = &held.stored.payment;
    let (decision, refusal) = match learn(payments, payment, approach, patience).await {
        Learned::News(decision, refusal) => (*decision, refusal),
        Learned::Nothing => return Ok(Asked::Current),
        Learned::Open(open) => return Ok(Asked::Open(open)),
    };
    if decision.payment == *payment {
        return Ok(Asked::Open(Open::wait("nothing changed")));
    }
    let answer = match refusal {
        Some(code) => reply::refused(&code),
        None => reply::shown(200, &decision.payment).map_err(|error| StoreError::Unwritable(error.to_string()))?,
    };
    let once = held.stored.request.as_ref().map(|request| Once {
        key: request_row(request.by.unwrap_or(payment.payer), &request.key),
        fingerprint: Fingerprint(request.fingerprint),
        step: OnceStep::Finish { attempt: Some(request.attempt), answer: answer.clone() },
    });
    let meta = Meta { at: payments.now(), ..meta };
    let change = store::change(&decision, Some(held.version), None, once, meta)?;
    Ok(match store::commit(&*payments.records, change).await? {
        Written::Done(_) => Asked::Settled(answer),
        Written::Replay(answer) => Asked::Replay(answer),
        Written::Overtaken => Asked::Overtaken,
    })
}

/// What is learned.
enum Learned {
    /// A decision, with the code where a capture, cancellation or refund was refused.
    News(Box<Decision>, Option<FailureCode>),
    /// All is known already.
    Nothing,
    /// No outcome yet.
    Open(Open),
}

async fn learn(payments: &Payments, payment: &Payment, approach: Approach, patience: Patience) -> Learned {
    let mut called = approach == Approach::First;
    let mut answer = match approach {
        Approach::First => call(payments, payment, patience).await,
        Approach::Again => look(payments, payment, patience).await,
    };
    loop {
        let now = payments.now();
        let not_done = match answer {
            Answer::Charge(charge) => match settle(payment, &charge, now) {
                Ok(decision) => {
                    let refusal = came_back(payment, &decision);
                    return Learned::News(Box::new(decision), refusal);
                }
                Err(unsettled @ Unsettled::NotDone) => Open::wait(unsettled),
                Err(unsettled @ Unsettled::Open) => return Learned::Open(Open::wait(unsettled)),
                Err(Unsettled::NothingNew) => return Learned::Nothing,
                Err(unsettled @ Unsettled::Contradiction(_)) => return Learned::Open(Open::grave(unsettled)),
            },
            Answer::Refused { code } => match refused(payment, &code, now) {
                Ok(decision) => {
                    let of_a_charge = decision.payment.failure_code().is_none();
                    return Learned::News(Box::new(decision), of_a_charge.then_some(code));
                }
                Err(unsettled) => return Learned::Open(Open::wait(unsettled)),
            },
            Answer::NoSuchCharge => match payment.pending {
                Some(pending) if pending.step == Step::Authorize && payment.charge.is_none() => {
                    if now.since(pending.since) > CHARGE_WITHIN
                        && let Ok(decision) = refused(payment, &FailureCode::new("acquirer_unreachable"), now)
                    {
                        return Learned::News(Box::new(decision), None);
                    }
                    Open::wait("the acquirer has no such charge")
                }
                None if payment.charge.is_none() => return Learned::Nothing,
                _ => return Learned::Open(Open::grave("the acquirer has lost the charge")),
            },
            Answer::Unknown { reason } => return Learned::Open(Open::unheard(reason)),
        };
        if called {
            return Learned::Open(not_done);
        }
        called = true;
        answer = call(payments, payment, patience).await;
    }
}

/// The refusal where the refund that was asked for came straight back.
fn came_back(payment: &Payment, decision: &Decision) -> Option<FailureCode> {
    let Step::Refund { id, .. } = payment.pending?.step else { return None };
    let failed = |refund: &crate::domain::Refund| refund.id == id && refund.standing == RefundStanding::Failed;
    decision.payment.refunds.iter().any(failed).then(|| FailureCode::new("refund_failed"))
}

/// Reports the charge.
async fn look(payments: &Payments, payment: &Payment, patience: Patience) -> Answer {
    let acquirer = match acquirer_of(payments, payment) {
        Ok(acquirer) => acquirer,
        Err(reason) => return Answer::Unknown { reason },
    };
    match patience.timeout(payments.now()) {
        Duration::ZERO => Answer::Unknown { reason: "no time is left to ask".to_owned() },
        timeout => acquirer.find(payment.charge.as_ref(), &payment.charge_key(), timeout).await,
    }
}

/// Who has the charge. A provider that was taken out of the configuration while payments still need it is a mistake that
/// an operator mends; until then nothing is known.
fn acquirer_of<'a>(payments: &'a Payments, payment: &Payment) -> Result<&'a dyn Acquirer, String> {
    let provider = payments.providers.of(payment);
    provider.map(|provider| &*provider.acquirer).ok_or_else(|| {
        let name = payment.provider.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("the provider {name} is not set up")
    })
}

/// Asks for the pending step.
async fn call(payments: &Payments, payment: &Payment, patience: Patience) -> Answer {
    let timeout = patience.timeout(payments.now());
    if timeout.is_zero() {
        return Answer::Unknown { reason: "no time is left to ask".to_owned() };
    }
    let Some(pending) = payment.pending else { return look(payments, payment, patience).await };
    let acquirer = match acquirer_of(payments, payment) {
        Ok(acquirer) => acquirer,
        Err(reason) => return Answer::Unknown { reason },
    };
    let key = payment.step_key(&pending.step);
    match (pending.step, &payment.charge) {
        (Step::Authorize, None) => {
            let charge = NewCharge {
                reference: payment.id.to_string(),
                amount: payment.amount,
                payment_method: payment.payment_method.clone(),
                capture_method: payment.capture_method,
                return_url: payment.return_url.clone(),
            };
            acquirer.authorize(&charge, &key, timeout).await
        }
        // The charge is made; what is open is what the payer did.
        (Step::Authorize, Some(charge)) => acquirer.find(Some(charge), &key, timeout).await,
        (Step::Capture { amount }, Some(charge)) => acquirer.capture(charge, amount, &key, timeout).await,
        (Step::Cancel | Step::Expire, Some(charge)) => acquirer.cancel(charge, &key, timeout).await,
        (Step::Refund { id, amount, reason }, Some(charge)) => {
            acquirer.refund(charge, &NewRefund { id, amount, reason }, &key, timeout).await
        }
        (Step::Capture { .. } | Step::Cancel | Step::Expire | Step::Refund { .. }, None) => {
            Answer::Unknown { reason: "the payment has no charge".to_owned() }
        }
    }
}
