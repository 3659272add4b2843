//! What the pulse brings: answers that are outstanding, and payments whose time ran out.
//!
//! A timer that is not finished comes back when its lease ends, so whatever stays open is asked about again every
//! [`LEASE`], without a write.

use super::ask::{Approach, Asked, Open, Patience, ask};
use super::hear::{Attended, attend_to};
use super::store::{self, EXPIRE, Held, SETTLE, Written};
use super::{CommandError, StoreError, notice_store};
use crate::Payments;
use crate::domain::{Command, Decision, Refusal, decide};
use crate::wire::Stored;
use ambient::Timestamp;
use core::time::Duration;
use futures::future::join_all;
use ids::PaymentId;
use records::{DueTimer, RecordsError};

/// How long a claimed timer is ours, and how often an open payment is asked about.
const LEASE: Duration = Duration::from_secs(30);
/// How long one timer's work may take; well within its lease.
const WORK_MAX: Duration = Duration::from_secs(20);
/// How many timers are worked on at once.
const BATCH: u32 = 16;
/// How long one pulse goes on claiming.
const PULSE_MAX: Duration = Duration::from_secs(5);
/// Who does it.
const ACTOR: &str = "payments-worker";

/// A timer that will come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Of which payment; the record's name where it is none.
    pub payment: String,
    /// Which timer.
    pub timer: String,
    /// Why.
    pub reason: String,
    /// Whether an operator has to look; otherwise waiting helps.
    pub grave: bool,
}

/// What one pulse did, for the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PulseReport {
    /// How many timers were brought to an end.
    pub finished: usize,
    /// Those that will come back.
    pub unfinished: Vec<Unfinished>,
}

/// What became of one timer.
enum Worked {
    Finished,
    Open(Open),
}

fn wait(reason: impl ToString) -> Worked {
    Worked::Open(Open::unheard(reason))
}

/// Whether an error goes away by itself.
fn passes(error: &CommandError) -> bool {
    matches!(error, CommandError::Contended | CommandError::Store(StoreError::Records(RecordsError::Unavailable(_))))
}

/// Works off due timers, for a bounded time and where there is an `end` no longer than until then, then does the store's
/// housekeeping.
///
/// # Errors
/// [`RecordsError`] where the store does not answer; single payments that fail are in the report.
pub async fn on_pulse(payments: &Payments, trace: &str, end: Option<Timestamp>) -> Result<PulseReport, RecordsError> {
    let until = payments.now().plus(PULSE_MAX);
    let until = end.map_or(until, |end| end.min(until));
    let mut report = PulseReport::default();
    loop {
        let due = payments.records.claim_timers(BATCH, LEASE).await?;
        let worked = join_all(due.iter().map(|timer| work(payments, timer, trace))).await;
        for (timer, worked) in due.iter().zip(worked) {
            let open = match worked {
                Ok(Worked::Finished) => {
                    payments.records.finish_timer(timer).await?;
                    report.finished += 1;
                    continue;
                }
                Ok(Worked::Open(open)) => open,
                Err(error) => Open { grave: !passes(&error), ..Open::unheard(error) },
            };
            let payment = store::payment_of(&timer.key).map_or_else(|| timer.key.to_string(), |id| id.to_string());
            report.unfinished.push(Unfinished {
                payment,
                timer: timer.name.clone(),
                reason: open.reason,
                grave: open.grave,
            });
        }
        let full = u32::try_from(due.len()).unwrap_or(u32::MAX) >= BATCH;
        if !full || payments.now() >= until {
            break;
        }
    }
    payments.records.maintain(payments.now()).await?;
    Ok(report)
}

async fn work(payments: &Payments, timer: &DueTimer, trace: &str) -> Result<Worked, CommandError> {
    if notice_store::is_notice(&timer.key) {
        let until = payments.now().plus(WORK_MAX);
        return Ok(match attend_to(payments, &timer.key, until, trace).await? {
            Attended::Done => Worked::Finished,
            Attended::Waiting(reason) => wait(reason),
        });
    }
    let Some(id) = store::payment_of(&timer.key) else { return Ok(wait("not a payment's")) };
    match timer.name.as_str() {
        SETTLE => settle(payments, id, trace).await,
        EXPIRE => expire(payments, id, trace).await,
        _ => Ok(wait("no such timer")),
    }
}

/// Asks for an answer that is outstanding.
async fn settle(payments: &Payments, id: PaymentId, trace: &str) -> Result<Worked, CommandError> {
    match store::load(&*payments.records, id).await? {
        Some(held) => go_on(payments, &held, Approach::Again, trace).await,
        None => Ok(Worked::Finished),
    }
}

/// Gives up what nobody finished in time.
async fn expire(payments: &Payments, id: PaymentId, trace: &str) -> Result<Worked, CommandError> {
    let Some(held) = store::load(&*payments.records, id).await? else { return Ok(Worked::Finished) };
    let decision = match decide(&held.stored.payment, Command::ExpirePayment, payments.now()) {
        Ok(decision) => decision,
        // Redis' clock runs ahead of ours: later.
        Err(refusal @ Refusal::NotDue { .. }) => return Ok(wait(refusal)),
        // It moved on, and its timers with it.
        Err(
            Refusal::IllegalMove { .. }
            | Refusal::HoldExpired { .. }
            | Refusal::CaptureOutOfRange { .. }
            | Refusal::RefundOutOfRange { .. }
            | Refusal::TooManyRefunds,
        ) => return Ok(Worked::Finished),
    };
    let meta = payments.meta(trace.to_owned(), ACTOR.to_owned());
    let change = store::change(&decision, Some(held.version), None, None, meta)?;
    match store::commit(&*payments.records, change).await? {
        Written::Done(version) => {
            let held = Held { version, stored: Stored { payment: decision.payment, request: None } };
            go_on(payments, &held, Approach::First, trace).await
        }
        Written::Overtaken | Written::Replay(_) => Ok(Worked::Finished),
    }
}

async fn go_on(payments: &Payments, held: &Held, approach: Approach, trace: &str) -> Result<Worked, CommandError> {
    let payment = &held.stored.payment;
    if payment.pending.is_none() && !payment.waits_for_others() {
        return Ok(Worked::Finished);
    }
    let patience = Patience { until: payments.now().plus(WORK_MAX) };
    let meta = payments.meta(trace.to_owned(), ACTOR.to_owned());
    match ask(payments, held, approach, patience, meta).await {
        Ok(Asked::Settled(_) | Asked::Replay(_) | Asked::Overtaken) => Ok(Worked::Finished),
        Ok(Asked::Open(open)) => Ok(Worked::Open(open)),
        Ok(Asked::Current) => look_again_later(payments, held, trace).await,
        // The row was taken by a repetition of the request, which is about to settle it.
        Err(CommandError::InFlight { .. }) => Ok(wait("a repetition of the request is at it")),
        Err(error) => Err(error),
    }
}

/// Nothing is new of what others are to decide: the same payment, with its alarm at the next moment.
async fn look_again_later(payments: &Payments, held: &Held, trace: &str) -> Result<Worked, CommandError> {
    let payment = &held.stored.payment;
    let decision = Decision::between(Some(payment), payment.clone(), payments.now());
    let meta = payments.meta(trace.to_owned(), ACTOR.to_owned());
    let change = store::change(&decision, Some(held.version), None, None, meta)?;
    store::commit(&*payments.records, change).await?;
    Ok(Worked::Finished)
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::{Fault, House};
    use crate::domain::properties::dispute_of;
    use crate::domain::{ChargeStanding, DisputeStanding};
    use proptest::prelude::*;

    fn gist(status: u16, word: &str) -> (u16, String) {
        (status, word.to_owned())
    }

    #[tokio::test]
    async fn a_hold_runs_out_after_seven_days_and_is_given_back() {
        let house = House::new();
        let path = house.authorized("k1").await;
        house.later(7 * 24 * 3600 - 1);
        assert_eq!(house.pulse().await.finished, 0);
        house.later(1);
        assert_eq!(house.post(&format!("{path}/capture"), "k2", "").await.gist(), gist(409, "payment-state"));
        assert_eq!(house.pulse().await.finished, 1);
        assert_eq!(house.get(&path).await.gist(), gist(200, "expired"));
        assert_eq!((house.balances().await, house.records.timers()), ([(0, 0), (0, 0)], vec![]));
        assert_eq!(house.acquirer.calls(), ["authorize", "cancel"]);
    }

    #[tokio::test]
    async fn an_expiry_without_answer_is_asked_about_again() {
        let house = House::new();
        let path = house.authorized("k1").await;
        house.later(7 * 24 * 3600);
        house.acquirer.fail_next(Fault::AnswerLost);
        assert_eq!(house.pulse().await.unfinished.len(), 1);
        house.later(30);
        house.pulse().await;
        assert_eq!(house.get(&path).await.gist(), gist(200, "expired"));
    }

    #[tokio::test]
    async fn a_payer_who_never_acts_loses_the_payment_after_an_hour() {
        let house = House::new();
        let path = house.created("k1", "tok_3ds", "automatic").await;
        house.confirm(&path, "k2").await;
        house.later(3600);
        house.pulse().await;
        house.later(30);
        house.pulse().await;
        assert_eq!(house.get(&path).await.gist(), gist(200, "expired"));
        assert_eq!(house.told(), ["created", "processing", "requires_action", "expired"]);
    }

    #[tokio::test]
    async fn a_pulse_works_off_more_than_one_batch() {
        let house = House::new();
        for number in 0..40 {
            let path = house.created(&format!("k{number}"), "tok_visa", "automatic").await;
            house.acquirer.fail_next(Fault::AnswerLost);
            house.confirm(&path, &format!("c{number}")).await;
        }
        house.later(30);
        assert_eq!(house.pulse().await.finished, 40);
        assert_eq!(house.acquirer.taken_minor(), 40_000);
    }

    #[tokio::test]
    async fn an_open_dispute_is_asked_about_once_a_day_until_it_is_decided() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.confirm(&path, "k2").await;
        let refunds = format!("{path}/refunds");
        house.as_operator().post(&refunds, "r1", r#"{"amount_minor":100}"#).await;
        house.acquirer.dispute_all(&dispute_of(1000, DisputeStanding::Open));
        // Any next answer of the acquirer's tells it.
        house.as_operator().post(&refunds, "r2", r#"{"amount_minor":100}"#).await;
        assert_eq!(
            (house.get(&path).await.gist(), house.balances().await),
            (gist(200, "disputed"), [(-800, 0), (800, 1000)])
        );
        house.later(24 * 3600);
        assert_eq!(house.pulse().await.finished, 1);
        assert_eq!(house.pulse().await.finished, 0, "not again before tomorrow");
        house.acquirer.dispute_all(&dispute_of(1000, DisputeStanding::Lost));
        house.later(24 * 3600);
        house.pulse().await;
        assert_eq!(house.get(&path).await.gist(), gist(200, "charged_back"));
        assert_eq!((house.balances().await, house.records.timers()), ([(200, 0), (-200, 0)], vec![]));
    }

    /// Found by the property below: three timers of one payment ask at once, and the first is refused.
    #[tokio::test]
    async fn timers_that_ask_at_once_have_one_answer() {
        let house = House::new();
        let path = house.created("k", "tok_visa", "automatic").await;
        house.acquirer.fail_next(Fault::LostOnTheWay);
        house.records.fail_next_commit_after();
        house.confirm(&path, "c").await;
        house.notify(&notice(2, &path)).await;
        house.acquirer.fail_next(Fault::LostOnTheWay);
        house.acquirer.fail_next(Fault::Refused("no"));
        house.notify(&notice(0, &path)).await;
        house.later(31);
        assert_eq!(house.pulse().await.finished, 3);
        assert_eq!(house.get(&path).await.gist(), gist(200, "failed"));
        assert_eq!((house.acquirer.taken_minor(), house.acquirer.charges()), (0, 0));
    }

    /// One thing that a caller, the network or the clock does.
    #[derive(Debug, Clone)]
    enum Act {
        Post(&'static str, u8),
        Refund(u16, u8),
        RefundsComeBack,
        Notice(u8),
        Dispute(DisputeStanding),
        Fault(u8),
        CommitLost(bool),
        Later(i64),
        Pulse,
        PayerActs,
    }

    /// A notice of the payment's charge; the same number is the same notice.
    fn notice(number: u8, path: &str) -> String {
        let payment = path.trim_start_matches("/v1/payments/");
        format!(r#"{{"id":"evt_{number}","charge":{{"id":"ch_1","reference":"{payment}"}}}}"#)
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (prop::sample::select(vec!["confirm", "capture", "cancel"]), 0u8..4).prop_map(|(step, key)| Act::Post(step, key)),
            4 => (prop::sample::select(vec![0u16, 300, 1000]), 0u8..4).prop_map(|(minor, key)| Act::Refund(minor, key)),
            1 => Just(Act::RefundsComeBack),
            3 => (0u8..6).prop_map(Act::Notice),
            1 => prop::sample::select(vec![DisputeStanding::Open, DisputeStanding::Won, DisputeStanding::Lost])
                .prop_map(Act::Dispute),
            2 => (0u8..3).prop_map(Act::Fault),
            2 => any::<bool>().prop_map(Act::CommitLost),
            2 => prop::sample::select(vec![1i64, 30, 31, 3600, 700_000]).prop_map(Act::Later),
            3 => Just(Act::Pulse),
            1 => Just(Act::PayerActs),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn whatever_fails_money_is_taken_once_and_the_ledger_knows_it(
            token in prop::sample::select(vec!["tok_visa", "tok_3ds", "tok_declined"]),
            method in prop::sample::select(vec!["automatic", "manual"]),
            acts in prop::collection::vec(act(), 1..25),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async move {
                let house = House::new();
                let path = house.created("k", token, method).await;
                for act in acts {
                    match act {
                        Act::Post(step, key) => {
                            house.post(&format!("{path}/{step}"), &format!("{step}{key}"), "").await;
                        }
                        Act::Refund(minor, key) => {
                            let body = if minor == 0 { String::new() } else { format!(r#"{{"amount_minor":{minor}}}"#) };
                            house.as_operator().post(&format!("{path}/refunds"), &format!("r{minor}-{key}"), &body).await;
                        }
                        Act::Notice(number) => { house.notify(&notice(number, &path)).await; }
                        Act::RefundsComeBack => house.acquirer.return_refunds(),
                        Act::Dispute(standing) => {
                            if house.acquirer.taken_minor() > 0 {
                                let captured = house.acquirer.taken_minor();
                                house.acquirer.dispute_all(&dispute_of(captured, standing));
                            }
                        }
                        Act::Fault(0) => house.acquirer.fail_next(Fault::AnswerLost),
                        Act::Fault(1) => house.acquirer.fail_next(Fault::LostOnTheWay),
                        Act::Fault(_) => house.acquirer.fail_next(Fault::Refused("no")),
                        Act::CommitLost(true) => house.records.fail_next_commit_after(),
                        Act::CommitLost(false) => house.records.fail_next_commit_before(),
                        Act::Later(seconds) => house.later(seconds),
                        Act::Pulse => { house.pulse().await; }
                        Act::PayerActs => if house.get(&path).await.gist().1 == "requires_action" {
                            house.acquirer.move_all(&ChargeStanding::Authorized);
                        }
                    }
                }
                // Calm returns: faults run dry, open steps are settled, what others did is heard of.
                for _ in 0..60 {
                    house.later(31);
                    house.pulse().await;
                }
                // Faults that were planned and not met yet meet these.
                for number in 100..140 {
                    house.notify(&notice(number, &path)).await;
                }
                let json = house.get(&path).await.json();
                let captured = json["captured_minor"].as_i64().unwrap();
                let refunded = json["refunded_minor"].as_i64().unwrap_or(0);
                let held = if json["status"] == "authorized" { 1000 } else { 0 };
                let disputed = |status| if json["dispute"]["status"] == status { captured } else { 0 };
                let net = captured - refunded - disputed("lost");
                assert!(house.acquirer.charges() <= 1);
                assert_eq!(house.acquirer.taken_minor(), captured, "{json}");
                assert!(refunded <= captured && house.acquirer.given_minor() == refunded, "{json}");
                assert_eq!(house.balances().await, [(-net, held), (net, disputed("open"))], "{json}");
                assert_ne!(json["status"], "processing");
                let told = house.told();
                assert!(told.iter().filter(|word| *word == "captured").count() <= 1, "{told:?}");
            });
        }
    }
}
