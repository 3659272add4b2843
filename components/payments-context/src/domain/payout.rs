//! A payout: money of the merchant's on its way to the merchant's bank.
//!
//! What it posts is the difference between two positions, as with payments: any sequence of moves ends in the position
//! of the payout itself.

use super::{Account, Description, Leg, Role};
use ambient::Timestamp;
use core::fmt;
use core::str::FromStr;
use ids::UserId;
use money::Money;
pub use payments_wire::PayoutId;

/// Where a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayoutStage {
    /// Taken from the merchant's balance; the bank knows nothing yet.
    Created,
    /// The bank was told.
    InTransit,
    /// The bank says that it arrived.
    Paid,
    /// The bank could not deliver it; the money is still with us.
    Failed,
    /// Put back into the merchant's balance.
    Returned,
}

/// What may be done with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayoutMove {
    /// The bank is told.
    Send,
    /// The bank says that it arrived.
    Settle,
    /// The bank could not deliver it, or sends it back after all.
    Fail,
    /// The money goes back to the merchant.
    Return,
}

/// Every edge that there is; the diagram in docs/ledger.md shows the same.
const EDGES: &[(PayoutStage, PayoutMove, PayoutStage)] = &[
    (PayoutStage::Created, PayoutMove::Send, PayoutStage::InTransit),
    (PayoutStage::Created, PayoutMove::Return, PayoutStage::Returned),
    (PayoutStage::InTransit, PayoutMove::Settle, PayoutStage::Paid),
    (PayoutStage::InTransit, PayoutMove::Fail, PayoutStage::Failed),
    (PayoutStage::Paid, PayoutMove::Fail, PayoutStage::Failed),
    (PayoutStage::Failed, PayoutMove::Send, PayoutStage::InTransit),
    (PayoutStage::Failed, PayoutMove::Return, PayoutStage::Returned),
];

impl PayoutStage {
    /// The public word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::InTransit => "in_transit",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Returned => "returned",
        }
    }

    /// The moves that are open.
    pub fn allowed(self) -> Vec<PayoutMove> {
        EDGES.iter().filter(|(from, _, _)| *from == self).map(|(_, step, _)| *step).collect()
    }
}

impl PayoutMove {
    const ALL: [Self; 4] = [Self::Send, Self::Settle, Self::Fail, Self::Return];

    /// The public word, the last segment of its path.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Settle => "settle",
            Self::Fail => "fail",
            Self::Return => "return",
        }
    }
}

/// A word that names no move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such move")]
pub struct UnknownMove;

impl FromStr for PayoutMove {
    type Err = UnknownMove;
    fn from_str(word: &str) -> Result<Self, UnknownMove> {
        Self::ALL.into_iter().find(|step| step.word() == word).ok_or(UnknownMove)
    }
}

impl fmt::Display for PayoutMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its name.
    pub id: PayoutId,
    /// How much.
    pub amount: Money,
    /// The account that asked for it, where it was a person's.
    pub requested_by: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Where it stands.
    pub stage: PayoutStage,
    /// Why, where somebody said so with the last move.
    pub reason: Option<Description>,
}

/// The move is not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a payout that is {} does not allow this move", stage.word())]
pub struct IllegalPayoutMove {
    /// Where it stands.
    pub stage: PayoutStage,
    /// What it does allow.
    pub allowed: Vec<PayoutMove>,
}

impl Payout {
    /// The payout after a move.
    ///
    /// # Errors
    /// [`IllegalPayoutMove`].
    pub fn moved(&self, step: PayoutMove, reason: Option<Description>) -> Result<Self, IllegalPayoutMove> {
        let edge = EDGES.iter().find(|(from, by, _)| *from == self.stage && *by == step);
        let Some((_, _, stage)) = edge else {
            return Err(IllegalPayoutMove { stage: self.stage, allowed: self.stage.allowed() });
        };
        Ok(Self { stage: *stage, reason, ..self.clone() })
    }

    /// Merchant, payouts and bank.
    fn position(&self) -> [i64; 3] {
        let amount = self.amount.minor();
        match self.stage {
            PayoutStage::Created | PayoutStage::InTransit | PayoutStage::Failed => [-amount, amount, 0],
            PayoutStage::Paid => [-amount, 0, amount],
            PayoutStage::Returned => [0, 0, 0],
        }
    }
}

/// The legs between two moments of one payout; `before` is `None` for its creation.
pub fn payout_legs(before: Option<&Payout>, after: &Payout) -> Vec<Leg> {
    let currency = after.amount.currency();
    let was = before.map(Payout::position).unwrap_or_default();
    let roles = [Role::Merchant, Role::Payouts, Role::Bank];
    let differences = after.position().into_iter().zip(was).map(|(is, was)| is.saturating_sub(was));
    let leg =
        |(role, posted_minor): (Role, i64)| Leg { account: Account { role, currency }, posted_minor, held_minor: 0 };
    roles.into_iter().zip(differences).filter(|(_, minor)| *minor != 0).map(leg).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use uuid::Uuid;

    fn payout() -> Payout {
        Payout {
            id: PayoutId::new(0, Uuid::from_u128(1)),
            amount: Money::new(700, "EUR".parse().unwrap()).unwrap(),
            requested_by: None,
            created_at: Timestamp::from_unix_ms(0),
            stage: PayoutStage::Created,
            reason: None,
        }
    }

    #[test]
    fn the_diagram_shows_the_edges_that_there_are() {
        let known: BTreeSet<_> =
            EDGES.iter().map(|(from, by, to)| format!("{} --> {}: {by}", from.word(), to.word())).collect();
        let shown: BTreeSet<_> = include_str!("../../../../docs/ledger.md")
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| line.contains(" --> ") && !line.contains("[*]"))
            .collect();
        assert_eq!(shown, known);
    }

    #[test]
    fn an_illegal_move_is_named_with_what_is_open() {
        let refused = payout().moved(PayoutMove::Settle, None);
        let allowed = vec![PayoutMove::Send, PayoutMove::Return];
        assert_eq!(refused, Err(IllegalPayoutMove { stage: PayoutStage::Created, allowed }));
        for step in PayoutMove::ALL {
            assert_eq!(step.word().parse(), Ok(step));
            let returned = Payout { stage: PayoutStage::Returned, ..payout() };
            assert!(returned.moved(step, None).is_err(), "an end is an end");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_happens_the_books_say_where_the_money_is(steps in prop::collection::vec(0..4usize, 0..20)) {
            let mut balances: BTreeMap<Role, i64> = BTreeMap::new();
            let mut now = payout();
            let mut post = |legs: Vec<Leg>| {
                assert_eq!(legs.iter().map(|leg| leg.posted_minor).sum::<i64>(), 0);
                for leg in legs {
                    *balances.entry(leg.account.role).or_default() += leg.posted_minor;
                }
                balances.clone()
            };
            post(payout_legs(None, &now));
            for step in steps {
                let Ok(next) = now.moved(PayoutMove::ALL[step], None) else { continue };
                let balances = post(payout_legs(Some(&now), &next));
                now = next;
                let of = |role| balances.get(&role).copied().unwrap_or_default();
                let wanted = match now.stage {
                    PayoutStage::Created | PayoutStage::InTransit | PayoutStage::Failed => (-700, 700, 0),
                    PayoutStage::Paid => (-700, 0, 700),
                    PayoutStage::Returned => (0, 0, 0),
                };
                prop_assert_eq!((of(Role::Merchant), of(Role::Payouts), of(Role::Bank)), wanted);
            }
        }
    }
}
