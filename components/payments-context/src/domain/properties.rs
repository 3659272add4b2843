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
    Charge { id: ChargeId::new("ch_1").unwrap(), standing }
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
        created_at: at(0),
        stage,
        pending: None,
        charge: asked.then(|| ChargeId::new("ch_1").unwrap()),
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
        1 => Just(Refusal),
        2 => (0i64..800_000).prop_map(Later),
    ]
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
                    Happening::Refusal => refused(&payment, &FailureCode::new("refused"), now).ok(),
                    Happening::Later(seconds) => {
                        now = now.plus(core::time::Duration::from_secs(u64::try_from(*seconds).unwrap()));
                        None
                    }
                };
                let Some(decision) = decision else { continue };
                let (from, to) = (payment.status(), decision.payment.status());
                prop_assert!(from == to || EDGES.contains(&(from, to)), "{from:?} to {to:?}");
                prop_assert_eq!(decision.event.is_some(), from != to);
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
                prop_assert_eq!(balance(Role::Acquirer), (-captured, held));
                prop_assert_eq!(balance(Role::Merchant), (captured, 0));
                // Whatever waits for an answer or for its end has an alarm that will wake somebody.
                let waits = payment.pending.is_some()
                    || matches!(payment.stage, Stage::RequiresAction { .. } | Stage::Authorized { .. });
                prop_assert_eq!(waits, decision.alarms.settle.or(decision.alarms.expire).is_some());
            }
        }
    }

    #[test]
    fn an_end_is_an_end(end in 0usize..4, happenings in prop::collection::vec(happening(), 1..20)) {
        let ends = [
            Stage::Captured { captured: eur(1000) },
            Stage::Canceled,
            Stage::Expired,
            Stage::Failed { code: FailureCode::new("x") },
        ];
        let payment = payment_in(ends[end].clone());
        for happening in happenings {
            match happening {
                Happening::Command(command) => prop_assert!(decide(&payment, command, at(9_000_000)).is_err()),
                Happening::Report(standing) => prop_assert!(settle(&payment, &charge(standing), at(1)).is_err()),
                Happening::Refusal => prop_assert!(refused(&payment, &FailureCode::new("x"), at(1)).is_err()),
                Happening::Later(_) => {}
            }
        }
    }
}
