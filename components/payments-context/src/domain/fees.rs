//! What a capture costs the merchant: a table, and the arithmetic on it.
//!
//! A fee is a share of the amount in basis points (hundredths of a percent) and a fixed part in minor units. The share is
//! rounded to the nearest minor unit, halves up; the whole is never more than the amount. It is taken once, from what is
//! captured, and stays where money is given back.

use money::Money;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRule {
    /// For which currency; `None` for all that have no row of their own.
    pub currency: Option<&'static str>,
    /// The share: 150 is 1.5 %.
    pub basis_points: u32,
    /// The fixed part, in minor units of the currency.
    pub fixed_minor: i64,
}

/// What we take. The first row that fits counts; docs/ledger.md shows the same.
pub const FEES: &[FeeRule] = &[
    FeeRule { currency: Some("EUR"), basis_points: 140, fixed_minor: 25 },
    FeeRule { currency: Some("GBP"), basis_points: 150, fixed_minor: 20 },
    FeeRule { currency: Some("USD"), basis_points: 290, fixed_minor: 30 },
    // A fixed part means something else in each currency: elsewhere there is only a share.
    FeeRule { currency: None, basis_points: 290, fixed_minor: 0 },
];

/// The fee on a captured amount, in minor units of its currency, by the table.
pub fn fee_minor(captured: Money) -> i64 {
    let currency = captured.currency();
    let fits = |rule: &&FeeRule| rule.currency.is_none_or(|code| code == currency.code());
    FEES.iter().find(fits).map_or(0, |rule| rule.on(captured.minor()))
}

impl FeeRule {
    /// The fee on an amount; zero where the amount is.
    pub fn on(&self, amount_minor: i64) -> i64 {
        if amount_minor <= 0 {
            return 0;
        }
        // Below 2^53 times below 2^32: far within i128.
        let share = (i128::from(amount_minor) * i128::from(self.basis_points) + 5_000) / 10_000;
        let fee = share.saturating_add(i128::from(self.fixed_minor.max(0)));
        i64::try_from(fee).unwrap_or(i64::MAX).min(amount_minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_is_rounded_to_the_nearest_and_halves_up() {
        let rule = |basis_points, fixed_minor| FeeRule { currency: None, basis_points, fixed_minor };
        for (amount, wanted) in
            [(1000, 15), (1033, 15), (1034, 16), (100, 2), (99, 1), (33, 0), (34, 1), (1, 0), (0, 0)]
        {
            assert_eq!(rule(150, 0).on(amount), wanted, "1.5 % of {amount}");
        }
        assert_eq!(rule(150, 25).on(1000), 40);
        assert_eq!(rule(150, 25).on(20), 20, "never more than the amount");
        assert_eq!(rule(u32::MAX, i64::MAX).on(money::MAX_MINOR), money::MAX_MINOR);
        assert_eq!(rule(150, 25).on(-1000), 0);
    }

    #[test]
    fn a_currency_has_its_own_row_or_the_last_one() {
        let fee = |minor, code: &str| fee_minor(Money::new(minor, code.parse().unwrap()).unwrap());
        assert_eq!([fee(1000, "EUR"), fee(1000, "USD"), fee(1000, "JPY")], [39, 59, 29]);
        assert_eq!(FEES.last().map(|rule| rule.currency), Some(None), "nothing falls through the table");
    }

    #[test]
    fn the_documentation_shows_the_table() {
        let documented = include_str!("../../../../docs/ledger.md");
        for FeeRule { currency, basis_points, fixed_minor } in FEES {
            let row = format!("| {} | {basis_points} | {fixed_minor} |", currency.unwrap_or("any other"));
            assert!(documented.contains(&row), "{row}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_fee_lies_between_nothing_and_the_amount_and_grows_with_it(
            basis_points in 0..10_000u32, fixed_minor in 0..500i64, amount in 0..=money::MAX_MINOR, more in 0..1_000_000i64
        ) {
            let rule = FeeRule { currency: None, basis_points, fixed_minor };
            let fee = rule.on(amount);
            prop_assert!((0..=amount).contains(&fee));
            let larger = amount.saturating_add(more).min(money::MAX_MINOR);
            prop_assert!(rule.on(larger) >= fee);
            // Within half a minor unit of the exact share, unless the amount is the limit.
            let exact = i128::from(amount) * i128::from(basis_points);
            let share = i128::from(fee - fixed_minor) * 10_000;
            prop_assert!(fee == amount || amount == 0 || (share - exact).abs() <= 5_000);
        }
    }
}
