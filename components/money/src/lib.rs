//! Amounts: an integer of minor units with its ISO 4217 currency. No floats anywhere.

mod currency;

pub use currency::{Currency, UnknownCurrency};

use core::fmt;

/// The largest amount, either way: Redis scripts hold numbers as doubles, exact up to here (2^53 − 1).
pub const MAX_MINOR: i64 = (1 << 53) - 1;

/// Why an amount cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Beyond [`MAX_MINOR`].
    #[error("an amount must lie between -{MAX_MINOR} and {MAX_MINOR} minor units")]
    OutOfRange,
    /// Two currencies in one sum.
    #[error("{left} and {right} cannot be added")]
    CurrencyMismatch {
        /// The currency of the left side.
        left: Currency,
        /// The currency of the right side.
        right: Currency,
    },
}

/// An amount of one currency, negative ones included.
///
/// **Units** minor units: 1099 EUR is 10.99 euro, 1099 JPY is 1099 yen. **Shape** on the wire
/// `{"amount_minor": 1099, "currency": "EUR"}`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

#[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
struct Wire {
    /// In minor units: 1099 EUR is 10.99 euro.
    amount_minor: i64,
    /// Of what.
    currency: Currency,
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Wire::schema()
    }
}

impl utoipa::ToSchema for Money {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed("Money")
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        Wire::schemas(schemas);
    }
}

impl TryFrom<Wire> for Money {
    type Error = MoneyError;
    fn try_from(wire: Wire) -> Result<Self, MoneyError> {
        Self::new(wire.amount_minor, wire.currency)
    }
}

impl From<Money> for Wire {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.minor, currency: money.currency }
    }
}

impl Money {
    /// An amount.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] beyond [`MAX_MINOR`].
    pub const fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor > MAX_MINOR || minor < -MAX_MINOR {
            return Err(MoneyError::OutOfRange);
        }
        Ok(Self { minor, currency })
    }

    /// Nothing, in this currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The minor units.
    pub const fn minor(&self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::OutOfRange`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency });
        }
        let sum = i128::from(self.minor) + i128::from(other.minor);
        Self::new(i64::try_from(sum).map_err(|_| MoneyError::OutOfRange)?, self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Money::checked_add`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(other.negated())
    }

    /// The sum of amounts in one currency; nothing for none.
    ///
    /// # Errors
    /// As [`Money::checked_add`]; what is in between is counted wide enough never to overflow.
    pub fn checked_sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        let mut sum: i128 = 0;
        for amount in amounts {
            if amount.currency != currency {
                return Err(MoneyError::CurrencyMismatch { left: currency, right: amount.currency });
            }
            sum = sum.checked_add(i128::from(amount.minor)).ok_or(MoneyError::OutOfRange)?;
        }
        Self::new(i64::try_from(sum).map_err(|_| MoneyError::OutOfRange)?, currency)
    }

    /// The same amount the other way; always in range, which is symmetric.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { minor: -self.minor, currency: self.currency }
    }
}

impl fmt::Display for Money {
    /// With the decimal places of the currency, such as `10.99 EUR`, `-0.05 EUR`, `1099 JPY`, `1.099 KWD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.currency.exponent());
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = self.minor.unsigned_abs();
        let unit = 10u64.pow(u32::from(self.currency.exponent()));
        if places == 0 {
            return write!(f, "{sign}{digits} {}", self.currency);
        }
        write!(f, "{sign}{}.{:0places$} {}", digits / unit, digits % unit, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap()).unwrap()
    }

    #[test]
    fn is_written_with_the_places_of_its_currency() {
        let shown: Vec<_> = [(1099, "EUR"), (-5, "EUR"), (1099, "JPY"), (1099, "KWD"), (10_990, "CLF")]
            .map(|(minor, code)| money(minor, code).to_string())
            .into();
        assert_eq!(shown, ["10.99 EUR", "-0.05 EUR", "1099 JPY", "1.099 KWD", "1.0990 CLF"]);
    }

    #[test]
    fn refuses_to_mix_currencies() {
        assert!(matches!(money(1, "EUR").checked_add(money(1, "JPY")), Err(MoneyError::CurrencyMismatch { .. })));
    }

    #[test]
    fn a_sum_may_leave_the_range_on_its_way_but_not_at_its_end() {
        let (most, eur) = (money(MAX_MINOR, "EUR"), "EUR".parse().unwrap());
        assert_eq!(Money::checked_sum(eur, [most, most, most.negated()]), Ok(most));
        assert_eq!(Money::checked_sum(eur, [most, most]), Err(MoneyError::OutOfRange));
        assert_eq!(Money::checked_sum(eur, []), Ok(Money::zero(eur)));
        assert!(matches!(Money::checked_sum(eur, [money(1, "JPY")]), Err(MoneyError::CurrencyMismatch { .. })));
    }

    proptest! {
        #[test]
        fn addition_is_exact_or_refused(a in -MAX_MINOR..=MAX_MINOR, b in -MAX_MINOR..=MAX_MINOR) {
            let exact = i128::from(a) + i128::from(b);
            match money(a, "EUR").checked_add(money(b, "EUR")) {
                Ok(sum) => prop_assert_eq!(i128::from(sum.minor()), exact),
                Err(error) => {
                    prop_assert_eq!(error, MoneyError::OutOfRange);
                    prop_assert!(exact.abs() > i128::from(MAX_MINOR));
                }
            }
        }

        #[test]
        fn what_was_added_can_be_taken_away(a in -MAX_MINOR/2..=MAX_MINOR/2, b in -MAX_MINOR/2..=MAX_MINOR/2) {
            let (a, b) = (money(a, "USD"), money(b, "USD"));
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
        }
    }
}
