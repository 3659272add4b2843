//! Where a provider's settlement and our books say different things of one item, and what it takes to bring the books to
//! what the settlement says.
//!
//! Whatever is compared, an adjustment moves the acquirer's account by exactly what the two sides differ in, against
//! suspense: after all differences of a complete settlement are adjusted, the acquirer's account says what the provider
//! says, and suspense says what somebody still has to find out.

use super::{Account, ItemName, ItemStanding, Leg, ProviderName, Role, UnknownWord, cost_minor};
use core::str::FromStr;
use money::{Currency, Money};
use std::collections::BTreeMap;

/// One line of a settlement, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledLine {
    /// Which item.
    pub name: ItemName,
    /// How it stands at the provider.
    pub standing: ItemStanding,
    /// What the provider kept, in minor units of the same currency.
    pub fee_minor: i64,
}

/// In what the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// The settlement has it, our books do not.
    MissingHere,
    /// Our books have it, the settlement does not.
    MissingThere,
    /// Another amount.
    Amount,
    /// Another currency.
    Currency,
    /// Another state.
    State,
    /// The provider kept something else than its contract says.
    Fee,
    /// A settlement has shown it before.
    Duplicate,
    /// The line cannot be read.
    Unreadable,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::MissingHere,
        Self::MissingThere,
        Self::Amount,
        Self::Currency,
        Self::State,
        Self::Fee,
        Self::Duplicate,
        Self::Unreadable,
    ];

    /// The public word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MissingHere => "missing_here",
            Self::MissingThere => "missing_there",
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::State => "state",
            Self::Fee => "fee",
            Self::Duplicate => "duplicate",
            Self::Unreadable => "unreadable",
        }
    }
}

impl FromStr for DifferenceKind {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(UnknownWord)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// In what; never empty.
    pub kinds: Vec<DifferenceKind>,
    /// Of which item; `None` where the line cannot be read.
    pub name: Option<ItemName>,
    /// How our books have it.
    pub here: Option<ItemStanding>,
    /// How the settlement has it.
    pub there: Option<ItemStanding>,
    /// What the provider kept.
    pub fee_minor: i64,
    /// What it should have kept, where a contract says.
    pub expected_fee_minor: Option<i64>,
}

/// Compares a line with our books; `None` where both say the same.
pub fn compare(
    provider: &ProviderName,
    line: &SettledLine,
    ours: Option<ItemStanding>,
    duplicate: bool,
) -> Option<Difference> {
    let there = line.standing;
    let contract = cost_minor(provider, line.name.kind(), there.amount);
    let expected = if there.state.counts() { contract } else { contract.map(|_| 0) };
    let mut kinds = Vec::new();
    if duplicate {
        kinds.push(DifferenceKind::Duplicate);
    } else {
        match ours {
            None => kinds.push(DifferenceKind::MissingHere),
            Some(here) => {
                let same_currency = here.amount.currency() == there.amount.currency();
                if !same_currency {
                    kinds.push(DifferenceKind::Currency);
                } else if here.amount != there.amount {
                    kinds.push(DifferenceKind::Amount);
                }
                if here.state != there.state {
                    kinds.push(DifferenceKind::State);
                }
            }
        }
        if expected.is_some_and(|expected| expected != line.fee_minor) {
            kinds.push(DifferenceKind::Fee);
        }
    }
    (!kinds.is_empty()).then(|| Difference {
        kinds,
        name: Some(line.name.clone()),
        here: ours,
        there: Some(there),
        fee_minor: line.fee_minor,
        expected_fee_minor: expected,
    })
}

/// The legs that book what a provider has kept, summed by currency.
pub fn fee_legs(fees: &BTreeMap<Currency, i64>) -> Vec<Leg> {
    let mut legs = Vec::new();
    for (&currency, &minor) in fees.iter().filter(|(_, minor)| **minor != 0) {
        // What it keeps it does not owe us any more.
        legs.push(leg(Role::Acquirer, currency, minor));
        legs.push(leg(Role::Costs, currency, minor.saturating_neg()));
    }
    legs
}

impl Difference {
    /// What our books have and no settlement shows.
    pub fn missing_there(name: ItemName, here: ItemStanding) -> Self {
        let kinds = vec![DifferenceKind::MissingThere];
        Self { kinds, name: Some(name), here: Some(here), there: None, fee_minor: 0, expected_fee_minor: None }
    }

    /// A line that cannot be read.
    pub fn unreadable() -> Self {
        let kinds = vec![DifferenceKind::Unreadable];
        Self { kinds, name: None, here: None, there: None, fee_minor: 0, expected_fee_minor: None }
    }

    /// The legs that bring our books to what the settlement says, against suspense; none where no money differs.
    pub fn adjustment(&self) -> Vec<Leg> {
        let Some(name) = &self.name else { return Vec::new() };
        let duplicate = self.kinds.contains(&DifferenceKind::Duplicate);
        let mut moved: BTreeMap<Currency, i64> = BTreeMap::new();
        let mut add = |amount: Money, minor: i64| {
            let sum = moved.entry(amount.currency()).or_default();
            *sum = sum.saturating_add(minor);
        };
        if let Some(there) = self.there {
            add(there.amount, there.effect_minor(name.kind()));
            if duplicate {
                // Nothing of this line was booked, neither the item nor what was kept of it.
                add(there.amount, self.fee_minor.saturating_neg());
            }
        }
        if let Some(here) = self.here.filter(|_| !duplicate) {
            add(here.amount, here.effect_minor(name.kind()).saturating_neg());
        }
        let mut legs = Vec::new();
        for (currency, minor) in moved.into_iter().filter(|(_, minor)| *minor != 0) {
            legs.push(leg(Role::Acquirer, currency, minor.saturating_neg()));
            legs.push(leg(Role::Suspense, currency, minor));
        }
        if let (true, Some(there), Some(expected)) =
            (self.kinds.contains(&DifferenceKind::Fee), self.there, self.expected_fee_minor)
        {
            // What was kept beyond the contract is no cost of ours: somebody has to get it back.
            let beyond = self.fee_minor.saturating_sub(expected);
            legs.push(leg(Role::Costs, there.amount.currency(), beyond));
            legs.push(leg(Role::Suspense, there.amount.currency(), beyond.saturating_neg()));
        }
        legs
    }
}

fn leg(role: Role, currency: Currency, posted_minor: i64) -> Leg {
    Leg { account: Account { role, currency }, posted_minor, held_minor: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ItemKind, ItemState};
    use proptest::prelude::*;

    fn money(minor: i64, currency: &str) -> Money {
        Money::new(minor, currency.parse().unwrap()).unwrap()
    }

    fn standing(state: ItemState, minor: i64) -> ItemStanding {
        ItemStanding { state, amount: money(minor, "EUR") }
    }

    fn line(kind: ItemKind, there: ItemStanding, fee_minor: i64) -> SettledLine {
        SettledLine { name: ItemName::new(kind, "x_1").unwrap(), standing: there, fee_minor }
    }

    fn provider() -> ProviderName {
        "acquirer".parse().unwrap()
    }

    #[test]
    fn each_difference_has_its_word_and_its_legs() {
        use DifferenceKind::{Amount, Currency, Duplicate, Fee, MissingHere, State};
        let captured = |minor| standing(ItemState::Captured, minor);
        let usd = ItemStanding { amount: money(1000, "USD"), ..captured(0) };
        let charge = ItemKind::Charge;
        // The settlement, our books, whether it was seen before; what is found and what is adjusted.
        for (line, ours, twice, kinds, legs) in [
            (line(charge, captured(1000), 14), Some(captured(1000)), false, vec![], ""),
            (line(charge, captured(1000), 14), None, false, vec![MissingHere], "acquirer:EUR -1000 suspense:EUR 1000"),
            (
                line(charge, captured(1100), 15),
                Some(captured(1000)),
                false,
                vec![Amount],
                "acquirer:EUR -100 suspense:EUR 100",
            ),
            (
                line(charge, usd, 12),
                Some(captured(1000)),
                false,
                vec![Currency],
                "acquirer:EUR 1000 suspense:EUR -1000 acquirer:USD -1000 suspense:USD 1000",
            ),
            (
                line(charge, standing(ItemState::Canceled, 1000), 0),
                Some(captured(1000)),
                false,
                vec![State],
                "acquirer:EUR 1000 suspense:EUR -1000",
            ),
            (line(charge, captured(1000), 20), Some(captured(1000)), false, vec![Fee], "costs:EUR 6 suspense:EUR -6"),
            (
                line(charge, captured(1000), 14),
                Some(captured(1000)),
                true,
                vec![Duplicate],
                "acquirer:EUR -986 suspense:EUR 986",
            ),
            (
                line(ItemKind::Refund, standing(ItemState::Succeeded, 300), 0),
                None,
                false,
                vec![MissingHere],
                "acquirer:EUR 300 suspense:EUR -300",
            ),
            (
                line(ItemKind::Dispute, standing(ItemState::Won, 300), 0),
                Some(standing(ItemState::Open, 300)),
                false,
                vec![State],
                "",
            ),
        ] {
            let found = compare(&provider(), &line, ours, twice);
            assert_eq!(found.as_ref().map(|found| found.kinds.clone()).unwrap_or_default(), kinds, "{line:?}");
            let adjusted: Vec<String> = found
                .map(|found| found.adjustment())
                .unwrap_or_default()
                .iter()
                .map(|leg| format!("{} {}", leg.account, leg.posted_minor))
                .collect();
            assert_eq!(adjusted.join(" "), legs, "{line:?}");
        }
        let missing = Difference::missing_there(ItemName::new(charge, "x").unwrap(), captured(500));
        assert_eq!(missing.adjustment().iter().map(|leg| leg.posted_minor).collect::<Vec<_>>(), [500, -500]);
        assert_eq!(Difference::unreadable().adjustment(), []);
    }

    fn side() -> impl Strategy<Value = ItemStanding> {
        (0..ItemState::ALL.len(), 0i64..5_000, prop::bool::ANY).prop_map(|(state, minor, euro)| ItemStanding {
            state: ItemState::ALL[state],
            amount: money(minor, if euro { "EUR" } else { "JPY" }),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn an_adjustment_balances_and_leaves_the_acquirer_with_what_the_settlement_says(
            kind in 0usize..3, ours in prop::option::of(side()), there in side(), fee in 0i64..200, twice in prop::bool::ANY
        ) {
            let line = line(ItemKind::ALL[kind], there, fee);
            let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
            let mut acquirer: BTreeMap<Currency, i64> = BTreeMap::new();
            let mut post = |legs: &[Leg]| for leg in legs {
                *sums.entry(leg.account.currency).or_default() += leg.posted_minor;
                if leg.account.role == Role::Acquirer {
                    *acquirer.entry(leg.account.currency).or_default() += leg.posted_minor;
                }
            };
            // What the books have: the item, and what a line that is no repetition was booked to cost.
            if !twice && let Some(ours) = ours {
                post(&[leg(Role::Acquirer, ours.amount.currency(), -ours.effect_minor(line.name.kind())),
                    leg(Role::Merchant, ours.amount.currency(), ours.effect_minor(line.name.kind()))]);
            }
            if !twice {
                post(&fee_legs(&[(there.amount.currency(), fee)].into()));
            }
            if let Some(found) = compare(&provider(), &line, ours, twice) {
                post(&found.adjustment());
            }
            prop_assert!(sums.values().all(|sum| *sum == 0));
            acquirer.entry(there.amount.currency()).or_default();
            for (currency, balance) in acquirer {
                let said = if currency == there.amount.currency() { there.effect_minor(line.name.kind()) - fee } else { 0 };
                prop_assert_eq!(balance, -said, "{}", currency);
            }
        }
    }
}
