//! What a provider keeps of a charge for its work, where a contract of ours says so: what its settlement is compared
//! with. What it really kept is booked as it says.

use super::{FeeRule, ItemKind, ProviderName};
use money::Money;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostRule {
    /// Whose contract.
    pub provider: &'static str,
    /// What it takes of a charge.
    pub rule: FeeRule,
}

/// The contracts. The first row that fits counts; docs/ledger.md shows the same. A provider without a row is not compared.
pub const COSTS: &[CostRule] = &[
    CostRule { provider: "acquirer", rule: FeeRule { currency: Some("EUR"), basis_points: 90, fixed_minor: 5 } },
    CostRule { provider: "acquirer", rule: FeeRule { currency: None, basis_points: 120, fixed_minor: 0 } },
];

/// What a provider should keep of an item, in minor units of its currency; `None` where no contract says.
pub fn cost_minor(provider: &ProviderName, kind: ItemKind, amount: Money) -> Option<i64> {
    let fits = |row: &&CostRule| {
        row.provider == provider.as_str() && row.rule.currency.is_none_or(|code| code == amount.currency().code())
    };
    let row = COSTS.iter().find(fits)?;
    Some(match kind {
        ItemKind::Charge => row.rule.on(amount.minor()),
        ItemKind::Refund | ItemKind::Dispute => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_says_what_is_kept_and_without_one_nothing_is_compared() {
        let of = |provider: &str, kind, minor, currency: &str| {
            cost_minor(&provider.parse().unwrap(), kind, Money::new(minor, currency.parse().unwrap()).unwrap())
        };
        assert_eq!(of("acquirer", ItemKind::Charge, 1000, "EUR"), Some(14));
        assert_eq!(of("acquirer", ItemKind::Charge, 1000, "JPY"), Some(12));
        assert_eq!(of("acquirer", ItemKind::Refund, 1000, "EUR"), Some(0));
        assert_eq!(of("stripe", ItemKind::Charge, 1000, "EUR"), None);
    }

    #[test]
    fn the_documentation_shows_the_whole_table() {
        let documented = include_str!("../../../../docs/ledger.md");
        for row in COSTS {
            let currency = row.rule.currency.unwrap_or("any other");
            let line =
                format!("| `{}` | {currency} | {} | {} |", row.provider, row.rule.basis_points, row.rule.fixed_minor);
            assert!(documented.contains(&line), "{line}");
        }
    }
}
