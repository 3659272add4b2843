//! The acquirer that the tests play: one charge a key, moved by the test as banks and payers would, faults in between.

use crate::acquirer::{Acquirer, Answer, NewCharge, NewRefund};
use crate::domain::properties::dispute_of;
use crate::domain::{
    CaptureMethod, Charge, ChargeId, ChargeStanding, Dispute, DisputeId, DisputeStanding, FailureCode, RefundProgress,
    RefundReport,
};
use async_trait::async_trait;
use core::time::Duration;
use money::Money;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::yield_now;

/// What goes wrong with the next call that changes something at the acquirer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The request never arrives.
    LostOnTheWay,
    /// It is carried out, the answer never arrives.
    AnswerLost,
    /// The acquirer says no to the step.
    Refused(&'static str),
}

struct Played {
    id: ChargeId,
    standing: ChargeStanding,
    amount: Money,
    refunds: BTreeMap<String, RefundReport>,
    dispute: Option<Dispute>,
}

#[derive(Default)]
struct Stage {
    charges: BTreeMap<String, Played>,
    /// Keys under which a charge or a refund was refused.
    refused: BTreeMap<String, FailureCode>,
    faults: VecDeque<Fault>,
    calls: Vec<String>,
    out_of_reach: bool,
    unavailable: bool,
}

/// An acquirer that gives one answer a key, a charge or a refusal, as a real one does.
#[derive(Clone, Default)]
pub struct PlayedAcquirer(Arc<Mutex<Stage>>);

impl PlayedAcquirer {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next changing calls go wrong like this, in order.
    pub fn fail_next(&self, fault: Fault) {
        self.stage().faults.push_back(fault);
    }

    /// No call gets through, or all do.
    pub fn out_of_reach(&self, gone: bool) {
        self.stage().out_of_reach = gone;
    }

    /// It is known to fail, or not.
    pub fn unavailable(&self, known: bool) {
        self.stage().unavailable = known;
    }

    /// How many charges there are.
    pub fn charges(&self) -> usize {
        self.stage().charges.len()
    }

    /// The calls so far, by name, oldest first.
    pub fn calls(&self) -> Vec<String> {
        self.stage().calls.clone()
    }

    /// Everything that was taken, in minor units.
    pub fn taken_minor(&self) -> i64 {
        let taken = |played: &Played| match played.standing {
            ChargeStanding::Captured { amount } => amount.minor(),
            _ => 0,
        };
        self.stage().charges.values().map(taken).sum()
    }

    /// Everything that was given back, in minor units.
    pub fn given_minor(&self) -> i64 {
        let given = |report: &&RefundReport| report.progress == RefundProgress::Succeeded;
        let of =
            |played: &Played| played.refunds.values().filter(given).map(|report| report.amount.minor()).sum::<i64>();
        self.stage().charges.values().map(of).sum()
    }

    /// A bank opens or closes a dispute of every charge.
    pub fn dispute_all(&self, dispute: &Dispute) {
        self.stage().charges.values_mut().for_each(|played| played.dispute = Some(dispute.clone()));
    }

    /// Every refund comes back.
    pub fn return_refunds(&self) {
        let failed = RefundProgress::Failed { code: FailureCode::new("lost_card") };
        for played in self.stage().charges.values_mut() {
            played.refunds.values_mut().for_each(|report| report.progress = failed.clone());
        }
    }

    /// How much was taken with the charge of this number, from 1.
    pub fn taken_of_nth(&self, nth: usize) -> i64 {
        let id = format!("ch_{nth}");
        self.stage().charges.values().find(|played| played.id.as_str() == id).map_or(0, |played| {
            match played.standing {
                ChargeStanding::Captured { amount } => amount.minor(),
                _ => 0,
            }
        })
    }

    /// The bank of the payer of one charge disputes it, or decides; each charge has one dispute, named after it.
    pub fn dispute_nth(&self, nth: usize, minor: i64, standing: DisputeStanding) {
        let id = format!("ch_{nth}");
        let mut stage = self.stage();
        let Some(played) = stage.charges.values_mut().find(|played| played.id.as_str() == id) else { return };
        if minor > 0 {
            let mut dispute = dispute_of(minor, standing);
            dispute.report.id = DisputeId::new(&format!("dp_{nth}")).unwrap();
            played.dispute = Some(dispute);
        }
    }

    /// The lines of a settlement: what counts of each charge, of its refunds and its dispute, where of what was taken so
    /// much is kept.
    pub fn settlement(&self, fee_minor: impl Fn(i64) -> i64) -> Vec<String> {
        let stage = self.stage();
        let mut played: Vec<&Played> = stage.charges.values().collect();
        played.sort_by_key(|played| played.id.as_str().trim_start_matches("ch_").parse::<u32>().unwrap());
        let mut lines = Vec::new();
        for played in played {
            let ChargeStanding::Captured { amount } = played.standing else { continue };
            let (minor, code) = (amount.minor(), amount.currency());
            lines.push(format!("charge,{},,{minor},{code},{},captured", played.id.as_str(), fee_minor(minor)));
            for report in played.refunds.values().filter(|report| report.progress == RefundProgress::Succeeded) {
                lines.push(format!("refund,{},,{},{code},0,succeeded", report.reference, report.amount.minor()));
            }
            if let Some(report) = played.dispute.as_ref().map(|dispute| &dispute.report)
                && report.standing == DisputeStanding::Lost
            {
                lines.push(format!("dispute,{},,{},{code},0,lost", report.id.as_str(), report.amount.minor()));
            }
        }
        lines
    }

    /// Moves every charge, as a bank or a payer would.
    pub fn move_all(&self, standing: &ChargeStanding) {
        self.stage().charges.values_mut().for_each(|played| played.standing = standing.clone());
    }

    fn carry_out(&self, name: &str, step: impl FnOnce(&mut Stage) -> Answer) -> Answer {
        let mut stage = self.stage();
        stage.calls.push(name.to_owned());
        let lost = || Answer::Unknown { reason: "lost".to_owned() };
        if stage.out_of_reach {
            return lost();
        }
        let fault = if name == "find" { None } else { stage.faults.pop_front() };
        match fault {
            None => step(&mut stage),
            Some(Fault::LostOnTheWay) => lost(),
            Some(Fault::AnswerLost) => {
                step(&mut stage);
                lost()
            }
            Some(Fault::Refused(code)) => Answer::Refused { code: FailureCode::new(code) },
        }
    }
}

fn report(played: &Played) -> Answer {
    Answer::Charge(Charge {
        id: played.id.clone(),
        standing: played.standing.clone(),
        refunds: played.refunds.values().cloned().collect(),
        dispute: played.dispute.as_ref().map(|dispute| dispute.report.clone()),
    })
}

/// The charge of this id, changed.
fn change(stage: &mut Stage, id: &ChargeId, step: impl FnOnce(&mut Played) -> Option<ChargeStanding>) -> Answer {
    match stage.charges.values_mut().find(|played| played.id == *id) {
        None => Answer::NoSuchCharge,
        Some(played) => match step(played) {
            Some(standing) => {
                played.standing = standing;
                report(played)
            }
            None => report(played),
        },
    }
}

#[async_trait]
impl Acquirer for PlayedAcquirer {
    async fn authorize(&self, charge: &NewCharge, key: &str, timeout: Duration) -> Answer {
        assert!(!timeout.is_zero());
        yield_now().await;
        let answer = self.carry_out("authorize", |stage| {
            if let Some(code) = stage.refused.get(key) {
                return Answer::Refused { code: code.clone() };
            }
            let number = stage.charges.len() + 1;
            let played = stage.charges.entry(key.to_owned()).or_insert_with(|| Played {
                id: ChargeId::new(&format!("ch_{number}")).unwrap(),
                amount: charge.amount,
                refunds: BTreeMap::new(),
                dispute: None,
                standing: match (charge.payment_method.as_str(), charge.capture_method) {
                    ("tok_declined", _) => ChargeStanding::Declined { code: FailureCode::new("card_declined") },
                    ("tok_3ds", _) => ChargeStanding::RequiresAction { url: Some("/bank".to_owned()) },
                    (_, CaptureMethod::Automatic) => ChargeStanding::Captured { amount: charge.amount },
                    (_, CaptureMethod::Manual) => ChargeStanding::Authorized,
                },
            });
            assert_eq!(played.amount, charge.amount, "one key, one request");
            report(played)
        });
        let Answer::Refused { code } = answer else { return answer };
        // Of several calls under one key the first decides for all.
        let mut stage = self.stage();
        if let Some(played) = stage.charges.get(key) {
            return report(played);
        }
        stage.refused.insert(key.to_owned(), code.clone());
        Answer::Refused { code }
    }

    async fn capture(&self, charge: &ChargeId, amount: Money, _key: &str, _timeout: Duration) -> Answer {
        yield_now().await;
        self.carry_out("capture", |stage| {
            change(stage, charge, |played| {
                (played.standing == ChargeStanding::Authorized).then_some(ChargeStanding::Captured { amount })
            })
        })
    }

    async fn cancel(&self, charge: &ChargeId, _key: &str, _timeout: Duration) -> Answer {
        yield_now().await;
        self.carry_out("cancel", |stage| {
            change(stage, charge, |played| {
                let open =
                    matches!(played.standing, ChargeStanding::Authorized | ChargeStanding::RequiresAction { .. });
                open.then_some(ChargeStanding::Canceled)
            })
        })
    }

    async fn refund(&self, charge: &ChargeId, refund: &NewRefund, key: &str, _timeout: Duration) -> Answer {
        yield_now().await;
        let answer = self.carry_out("refund", |stage| {
            if let Some(code) = stage.refused.get(key) {
                return Answer::Refused { code: code.clone() };
            }
            let Some(played) = stage.charges.values_mut().find(|played| played.id == *charge) else {
                return Answer::NoSuchCharge;
            };
            let reference = refund.id.to_string();
            let report = RefundReport { reference, amount: refund.amount, progress: RefundProgress::Succeeded };
            let known = played.refunds.entry(key.to_owned()).or_insert_with(|| report.clone());
            assert_eq!((&known.reference, known.amount), (&report.reference, report.amount), "one key, one request");
            crate::app::played::report(played)
        });
        let Answer::Refused { code } = answer else { return answer };
        // As with a charge: the first call under a key decides for all.
        let mut stage = self.stage();
        if let Some(played) = stage.charges.values().find(|played| played.refunds.contains_key(key)) {
            return report(played);
        }
        stage.refused.insert(key.to_owned(), code.clone());
        Answer::Refused { code }
    }

    async fn is_available(&self) -> bool {
        !self.stage().unavailable
    }

    async fn find(&self, _known: Option<&ChargeId>, key: &str, _timeout: Duration) -> Answer {
        yield_now().await;
        self.carry_out("find", |stage| stage.charges.get(key).map_or(Answer::NoSuchCharge, report))
    }
}
