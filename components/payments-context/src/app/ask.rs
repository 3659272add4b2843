//! Asks the acquirer about the open step of a payment, and commits the outcome with the answer of the request that waits
//! for it. The same for the request itself, for its repetition and for the timer's worker.

use super::store::{self, Held, Written};
use super::{CommandError, StoreError, reply, request_row};
use crate::Payments;
use crate::acquirer::{Answer, NewCharge};
use crate::domain::{Decision, FailureCode, Payment, Step, Unsettled, refused, settle};
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
    /// Somebody else settled it.
    Overtaken,
}

/// Why nothing is known yet.
#[derive(Debug)]
pub(crate) struct Open {
    pub reason: String,
    /// Whether asking again will not help: an operator has to look.
    pub grave: bool,
}

impl Open {
    fn wait(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), grave: false }
    }

    fn grave(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), grave: true }
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
        Ok(learned) => learned,
        Err(open) => return Ok(Asked::Open(open)),
    };
    if decision.payment == *payment {
        return Ok(Asked::Open(Open::wait("nothing changed")));
    }
    let answer = match refusal {
        Some(code) => reply::refused(&code),
        None => reply::shown(200, &decision.payment).map_err(|error| StoreError::Unwritable(error.to_string()))?,
    };
    let once = held.stored.request.as_ref().map(|request| Once {
        key: request_row(payment.payer, &request.key),
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

/// What is learned: a decision, with the code where a capture or cancellation was refused; or why nothing is.
async fn learn(
    payments: &Payments,
    payment: &Payment,
    approach: Approach,
    patience: Patience,
) -> Result<(Decision, Option<FailureCode>), Open> {
    let mut called = approach == Approach::First;
    let mut answer = match approach {
        Approach::First => call(payments, payment, patience).await,
        Approach::Again => look(payments, payment, patience).await,
    };
    loop {
        let now = payments.now();
        let not_done = match answer {
            Answer::Charge(charge) => match settle(payment, &charge, now) {
                Ok(decision) => return Ok((decision, None)),
                Err(unsettled @ Unsettled::NotDone) => Open::wait(unsettled),
                Err(unsettled @ (Unsettled::Open | Unsettled::NothingAsked)) => return Err(Open::wait(unsettled)),
                Err(unsettled @ Unsettled::Contradiction(_)) => return Err(Open::grave(unsettled)),
            },
            Answer::Refused { code } => {
                let decision = refused(payment, &code, now).map_err(Open::wait)?;
                let of_a_charge = decision.payment.failure_code().is_none();
                return Ok((decision, of_a_charge.then_some(code)));
            }
            Answer::NoSuchCharge => match payment.pending {
                Some(pending) if pending.step == Step::Authorize && payment.charge.is_none() => {
                    if now.since(pending.since) > CHARGE_WITHIN {
                        let code = FailureCode::new("acquirer_unreachable");
                        let decision = refused(payment, &code, now).map_err(Open::wait)?;
                        return Ok((decision, None));
                    }
                    Open::wait("the acquirer has no such charge")
                }
                _ => return Err(Open::grave("the acquirer has lost the charge")),
            },
            Answer::Unknown { reason } => return Err(Open::wait(reason)),
        };
        if called {
            return Err(not_done);
        }
        called = true;
        answer = call(payments, payment, patience).await;
    }
}

/// Reports the charge.
async fn look(payments: &Payments, payment: &Payment, patience: Patience) -> Answer {
    match patience.timeout(payments.now()) {
        Duration::ZERO => Answer::Unknown { reason: "no time is left to ask".to_owned() },
        timeout => payments.acquirer.find(&payment.charge_key(), timeout).await,
    }
}

/// Asks for the pending step.
async fn call(payments: &Payments, payment: &Payment, patience: Patience) -> Answer {
    let timeout = patience.timeout(payments.now());
    if timeout.is_zero() {
        return Answer::Unknown { reason: "no time is left to ask".to_owned() };
    }
    let Some(pending) = payment.pending else { return look(payments, payment, patience).await };
    let key = payment.step_key(&pending.step);
    match (pending.step, &payment.charge) {
        (Step::Authorize, None) => {
            let charge = NewCharge {
                reference: payment.id.to_string(),
                amount: payment.amount,
                payment_method: payment.payment_method.clone(),
                capture_method: payment.capture_method,
            };
            payments.acquirer.authorize(&charge, &key, timeout).await
        }
        // The charge is made; what is open is what the payer did.
        (Step::Authorize, Some(_)) => payments.acquirer.find(&key, timeout).await,
        (Step::Capture { amount }, Some(charge)) => payments.acquirer.capture(charge, amount, &key, timeout).await,
        (Step::Cancel | Step::Expire, Some(charge)) => payments.acquirer.cancel(charge, &key, timeout).await,
        (Step::Capture { .. } | Step::Cancel | Step::Expire, None) => {
            Answer::Unknown { reason: "the payment has no charge".to_owned() }
        }
    }
}
