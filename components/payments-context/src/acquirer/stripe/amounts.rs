//! Amounts as Stripe counts them: mostly the minor units of ISO 4217, with exceptions that its documentation lists.
//!
//! **Source** <https://docs.stripe.com/currencies>: zero-decimal, three-decimal and special cases.

use money::{Currency, Money};

/// Counted in whole units by Stripe, whatever ISO says.
const WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Counted in hundredths by Stripe, though they have none: only multiples of 100 are taken.
const PADDED: [&str; 2] = ["ISK", "UGX"];
/// Counted in thousandths, of which the last digit must be zero.
const ROUND_THOUSANDTHS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// How many of Stripe's units make one of the currency's.
fn places(currency: Currency) -> u32 {
    let code = currency.code();
    if WHOLE.contains(&code) {
        0
    } else if PADDED.contains(&code) {
        2
    } else {
        u32::from(currency.exponent())
    }
}

/// The amount in Stripe's units; `None` where Stripe cannot take it exactly.
pub fn to_stripe(amount: Money) -> Option<i64> {
    let (ours, theirs) = (u32::from(amount.currency().exponent()), places(amount.currency()));
    let minor = amount.minor();
    if ROUND_THOUSANDTHS.contains(&amount.currency().code()) && minor % 10 != 0 {
        return None;
    }
    if theirs >= ours {
        return minor.checked_mul(10i64.checked_pow(theirs.checked_sub(ours)?)?);
    }
    let unit = 10i64.checked_pow(ours.checked_sub(theirs)?)?;
    (minor % unit == 0).then(|| minor / unit)
}

/// An amount of Stripe's in ours; `None` where it is none.
pub fn from_stripe(units: i64, currency: &str) -> Option<Money> {
    let currency: Currency = currency.to_ascii_uppercase().parse().ok()?;
    let (ours, theirs) = (u32::from(currency.exponent()), places(currency));
    let minor = if theirs >= ours {
        let unit = 10i64.checked_pow(theirs.checked_sub(ours)?)?;
        (units % unit == 0).then(|| units / unit)?
    } else {
        units.checked_mul(10i64.checked_pow(ours.checked_sub(theirs)?)?)?
    };
    Money::new(minor, currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_kind_of_currency_is_counted_as_documented() {
        for (minor, code, units) in [
            (1099, "EUR", Some(1099)),
            (1099, "JPY", Some(1099)),
            (1100, "MGA", Some(11)),
            (1101, "MGA", None),
            (5, "ISK", Some(500)),
            (7, "UGX", Some(700)),
            (5120, "KWD", Some(5120)),
            (5124, "KWD", None),
        ] {
            assert_eq!(to_stripe(money(minor, code)), units, "{minor} {code}");
        }
        assert_eq!(from_stripe(501, "isk"), None);
        assert_eq!(from_stripe(1, "xxx"), None);
    }

    proptest! {
        #[test]
        fn what_stripe_can_take_comes_back_as_it_was(
            minor in 1i64..100_000_000,
            code in prop::sample::select(vec!["EUR", "JPY", "MGA", "ISK", "UGX", "KWD", "CLF"]),
        ) {
            let amount = money(minor, code);
            if let Some(units) = to_stripe(amount) {
                prop_assert_eq!(from_stripe(units, &code.to_ascii_lowercase()), Some(amount));
            }
        }
    }
}
