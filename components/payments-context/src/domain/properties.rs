//! Properties of the state machine: whatever is asked and answered, in whatever order and however often.

use super::*;
use ambient::Timestamp;
use ids::{PaymentId, UserId};
use money::Money;
use payments_wire::PaymentStatus::{self, *};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Seconds after an arbitrary beginning.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_767_225_600_000 + second * 1000)
}

pub fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

pub fn charge(standing: ChargeStanding) -> Charge {
    Charge::new(ChargeId::new("ch_1").unwrap(), standing)
}

pub fn refund_of(minor: i64) -> Refund {
    let id = RefundId::new(0, Uuid::from_u128(3));
    Refund { id, amount: eur(minor), reason: None, standing: RefundStanding::Succeeded, at: at(0) }
}

pub fn dispute_of(minor: i64, standing: DisputeStanding) -> Dispute {
    let (id, reason) = (DisputeId::new("dp_1").unwrap(), FailureCode::new("fraudulent"));
    Dispute { report: DisputeReport { id, amount: eur(minor), reason, standing }, opened_at: at(0) }
}

/// A payment of 10.00 EUR in a stage.
pub fn payment_in(stage: Stage) -> Payment {
    let asked = !matches!(stage, Stage::RequiresConfirmation);
    Payment {
        id: PaymentId::new(0, Uuid::from_u128(1)),
        payer: UserId::new(0, Uuid::from_u128(2)),
        amount: eur(1000),
        description: None,
        capture_method: CaptureMethod::Manual,
        payment_method: PaymentToken::new("tok_visa").unwrap(),
        return_url: None,
        created_at: at(0),
        stage,
        pending: None,
        provider: None,
        charge: asked.then(|| ChargeId::new("ch_1").unwrap()),
        refunds: Vec::new(),
        dispute: None,
        steps_begun: 0,
    }
}

/// Every public edge that there is; the diagram in docs/payments.md shows the same.
const EDGES: &[(PaymentStatus, PaymentStatus)] = &[
    (RequiresConfirmation, Processing),
    (RequiresConfirmation, Canceled),
    (Processing, RequiresAction),
    (Processing, Authorized),
    (Processing, Captured),
    (Processing, Canceled),
    (Processing, Failed),
    (RequiresAction, Processing),
    (RequiresAction, Authorized),
    (RequiresAction, Captured),
    (RequiresAction, Canceled),
    (RequiresAction, Expired),
    (RequiresAction, Failed),
    (Authorized, Captured),
    (Authorized, Canceled),
    (Authorized, Expired),
    (Captured, PartiallyRefunded),
    (Captured, Refunded),
    (Captured, Disputed),
    (Captured, ChargedBack),
    (PartiallyRefunded, Captured),
    (PartiallyRefunded, Refunded),
    (PartiallyRefunded, Disputed),
    (PartiallyRefunded, ChargedBack),
    (Refunded, Captured),
    (Refunded, PartiallyRefunded),
    (Refunded, Disputed),
    (Refunded, ChargedBack),
    (Disputed, Captured),
    (Disputed, PartiallyRefunded),
    (Disputed, Refunded),
    (Disputed, ChargedBack),
    (ChargedBack, Captured),
    (ChargedBack, PartiallyRefunded),
    (ChargedBack, Refunded),
    (ChargedBack, Disputed),
];

#[test]
fn the_diagram_shows_the_edges_that_there_are() {
    let word = |status: &PaymentStatus| serde_json::to_value(status).unwrap().as_str().unwrap().to_owned();
    let known: BTreeSet<_> = EDGES.iter().map(|(from, to)| (word(from), word(to))).collect();
    let shown: BTreeSet<_> = include_str!("../../../../docs/payments.md")
        .lines()
        .filter_map(|line| line.trim().split_once(" --> "))
        .filter(|(from, to)| *from != "[*]" && *to != "[*]")
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .collect();
    assert_eq!(shown, known);
}

/// One thing that may happen to a payment.
#[derive(Debug, Clone)]
enum Happening {
    Command(Command),
    Report(ChargeStanding),
    /// The acquirer reports the charge as we know it, with this of the pending refund, of an older one, of a dispute.
    News {
        pending: Option<RefundProgress>,
        older: Option<RefundProgress>,
        dispute: Option<(i64, DisputeStanding)>,
    },
    Refusal,
    Later(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    let code = FailureCode::new("card_declined");
    prop_oneof![
        4 => Just(Command(super::Command::ConfirmPayment)),
        4 => prop::option::of(-5i64..1200).prop_map(|amount_minor| Command(super::Command::CapturePayment { amount_minor })),
        2 => Just(Command(super::Command::CancelPayment)),
        1 => Just(Command(super::Command::ExpirePayment)),
        1 => Just(Report(ChargeStanding::Processing)),
        1 => Just(Report(ChargeStanding::RequiresAction { url: None })),
        4 => Just(Report(ChargeStanding::Authorized)),
        4 => (-5i64..1200).prop_map(|minor| Report(ChargeStanding::Captured { amount: eur(minor) })),
        2 => Just(Report(ChargeStanding::Canceled)),
        1 => Just(Report(ChargeStanding::Declined { code: code.clone() })),
        4 => prop::option::of(-5i64..1200)
            .prop_map(|amount_minor| Command(super::Command::RefundPayment { amount_minor, reason: None })),
        6 => (prop::option::of(progress()), rarely(progress()), rarely(dispute()))
            .prop_map(|(pending, older, dispute)| News { pending, older, dispute }),
        1 => Just(Refusal),
        2 => (0i64..800_000).prop_map(Later),
    ]
}

/// Once in four times.
fn rarely<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    prop_oneof![3 => Just(None), 1 => strategy.prop_map(Some)]
}

fn progress() -> impl Strategy<Value = RefundProgress> {
    prop_oneof![
        1 => Just(RefundProgress::Processing),
        4 => Just(RefundProgress::Succeeded),
        1 => Just(RefundProgress::Failed { code: FailureCode::new("lost_card") }),
    ]
}

fn dispute() -> impl Strategy<Value = (i64, DisputeStanding)> {
    let standing = prop::sample::select(vec![DisputeStanding::Open, DisputeStanding::Won, DisputeStanding::Lost]);
    (0i64..1200, standing)
}

/// The report that a happening stands for.
fn news_of(
    payment: &Payment,
    pending: Option<&RefundProgress>,
    older: Option<&RefundProgress>,
    dispute: Option<(i64, DisputeStanding)>,
) -> Charge {
    let mut told = charge(ChargeStanding::Captured { amount: payment.captured() });
    let known = payment.refunds.first().map(|refund| (refund.id, refund.amount));
    let asked = match payment.pending.map(|pending| pending.step) {
        Some(Step::Refund { id, amount, .. }) => Some((id, amount)),
        _ => None,
    };
    for ((id, amount), progress) in known.zip(older).into_iter().chain(asked.zip(pending)) {
        told.refunds.push(RefundReport { reference: id.to_string(), amount, progress: progress.clone() });
    }
    told.dispute = dispute.map(|(minor, standing)| dispute_of(minor, standing).report);
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn no_history_takes_too_much_jumps_or_unbalances_the_ledger(
        history in prop::collection::vec((happening(), 1usize..3), 0..25)
    ) {
        let mut payment = payment_in(Stage::RequiresConfirmation);
        let mut now = at(0);
        let mut balances: BTreeMap<Account, (i64, i64)> = BTreeMap::new();
        for (happening, times) in history {
            for _ in 0..times {
                let decision = match &happening {
                    Happening::Command(command) => decide(&payment, *command, now).ok(),
                    Happening::Report(standing) => settle(&payment, &charge(standing.clone()), now).ok(),
                    Happening::News { pending, older, dispute } => {
                        let told = news_of(&payment, pending.as_ref(), older.as_ref(), *dispute);
                        settle(&payment, &told, now).ok()
                    }
                    Happening::Refusal => refused(&payment, &FailureCode::new("refused"), now).ok(),
                    Happening::Later(seconds) => {
                        now = now.plus(core::time::Duration::from_secs(u64::try_from(*seconds).unwrap()));
                        None
                    }
                };
                let Some(decision) = decision else { continue };
                let (from, to) = (payment.status(), decision.payment.status());
                prop_assert!(from == to || EDGES.contains(&(from, to)), "{from:?} to {to:?}");
                let given = (payment.refunded(), decision.payment.refunded());
                prop_assert_eq!(decision.event.is_some(), from != to || given.0 != given.1);
                prop_assert_eq!(decision.legs.iter().map(|leg| leg.posted_minor).sum::<i64>(), 0);
                prop_assert!(payment.charge.is_none() || payment.charge == decision.payment.charge);
                for leg in &decision.legs {
                    let balance = balances.entry(leg.account).or_default();
                    *balance = (balance.0 + leg.posted_minor, balance.1 + leg.held_minor);
                }
                payment = decision.payment;
                let (captured, held, amount) = (payment.captured().minor(), payment.held().minor(), payment.amount.minor());
                prop_assert!(0 <= captured && captured <= amount && (held == 0 || held == amount));
                prop_assert!(captured == 0 || held == 0);
                let account = |role| Account { role, currency: payment.amount.currency() };
                let balance = |role| balances.get(&account(role)).copied().unwrap_or_default();
                let (refunded, refunding) = (payment.refunded().minor(), payment.refunding().minor());
                let (lost, disputed) = (payment.lost().minor(), payment.disputed().minor());
                prop_assert!(0 <= refunded && refunded + refunding <= captured, "{refunded} + {refunding} of {captured}");
                prop_assert!(lost <= captured && disputed <= captured);
                let net = captured - refunded - lost;
                prop_assert_eq!(balance(Role::Acquirer), (-net, 0));
                prop_assert_eq!(balance(Role::Holds), (0, held));
                let fee = fee_minor(payment.captured());
                prop_assert_eq!(balance(Role::Merchant), (net - fee - refunding - disputed, 0));
                prop_assert_eq!((balance(Role::Refunds), balance(Role::Disputes)), ((refunding, 0), (disputed, 0)));
                prop_assert_eq!(balance(Role::Fees), (fee, 0));
                // Whatever waits for an answer or for its end has an alarm that will wake somebody.
                let waits = payment.pending.is_some()
                    || payment.waits_for_others()
                    || matches!(payment.stage, Stage::RequiresAction { .. } | Stage::Authorized { .. });
                prop_assert_eq!(waits, decision.alarms.settle.or(decision.alarms.expire).is_some());
            }
        }
    }

    #[test]
    fn an_end_is_an_end(end in 0usize..3, happenings in prop::collection::vec(happening(), 1..20)) {
        let ends = [
            Stage::Canceled,
            Stage::Expired,
            Stage::Failed { code: FailureCode::new("x") },
        ];
        let payment = payment_in(ends[end].clone());
        for happening in happenings {
            match happening {
                Happening::Command(command) => prop_assert!(decide(&payment, command, at(9_000_000)).is_err()),
                Happening::Report(standing) => prop_assert!(settle(&payment, &charge(standing), at(1)).is_err()),
                Happening::News { pending, older, dispute } => {
                    let told = news_of(&payment, pending.as_ref(), older.as_ref(), dispute);
                    prop_assert!(settle(&payment, &told, at(1)).is_err());
                }
                Happening::Refusal => prop_assert!(refused(&payment, &FailureCode::new("x"), at(1)).is_err()),
                Happening::Later(_) => {}
            }
        }
    }
}
