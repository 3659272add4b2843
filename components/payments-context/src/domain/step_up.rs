//! Step-up: above which amount a password alone does not move money.

use core::fmt;
use core::str::FromStr;
use money::{Currency, Money};
use principal::SECOND_FACTOR;

/// The largest amounts that a caller with a password alone may move.
///
/// **Shape** `*:100000 JPY:150000`: a currency, or `*` for all others, a colon and minor units; empty: no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepUpLimits {
    others_minor: Option<i64>,
    of: Vec<(Currency, i64)>,
}

/// A text that is no limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency or `*`, a colon and minor units from 0")]
pub struct InvalidLimits(pub String);

/// More is asked for than a password moves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("above {limit} a second factor is needed")]
pub struct StepUpRequired {
    /// The most without it.
    pub limit: Money,
}

impl StepUpLimits {
    /// Whether a caller with this assurance may move this amount.
    ///
    /// # Errors
    /// [`StepUpRequired`].
    pub fn check(&self, amount: Money, assurance: u8) -> Result<(), StepUpRequired> {
        if assurance >= SECOND_FACTOR {
            return Ok(());
        }
        let own = self.of.iter().find(|(currency, _)| *currency == amount.currency()).map(|(_, minor)| *minor);
        match own.or(self.others_minor) {
            Some(limit_minor) if amount.minor() > limit_minor => {
                let currency = amount.currency();
                let limit = Money::new(limit_minor, currency).unwrap_or(Money::zero(currency));
                Err(StepUpRequired { limit })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for StepUpLimits {
    type Err = InvalidLimits;

    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        let mut limits = Self::default();
        for entry in text.split_whitespace() {
            let invalid = || InvalidLimits(entry.to_owned());
            let (currency, minor) = entry.split_once(':').ok_or_else(invalid)?;
            let minor: i64 = minor.parse().map_err(|_| invalid())?;
            if minor < 0 {
                return Err(invalid());
            }
            match currency {
                "*" => limits.others_minor = Some(minor),
                code => limits.of.push((code.parse().map_err(|_| invalid())?, minor)),
            }
        }
        Ok(limits)
    }
}

impl fmt::Display for StepUpLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(minor) = self.others_minor {
            write!(f, "*:{minor} ")?;
        }
        self.of.iter().try_for_each(|(currency, minor)| write!(f, "{currency}:{minor} "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_password_moves_up_to_the_limit_of_the_currency() {
        let limits: StepUpLimits = "*:1000 JPY:150000".parse().unwrap();
        assert_eq!(limits.check(money(1000, "EUR"), 1), Ok(()));
        assert_eq!(limits.check(money(1001, "EUR"), 1), Err(StepUpRequired { limit: money(1000, "EUR") }));
        assert_eq!(limits.check(money(1001, "EUR"), 2), Ok(()));
        assert_eq!(limits.check(money(150_000, "JPY"), 1), Ok(()));
        assert!(limits.check(money(150_001, "JPY"), 0).is_err());
        assert_eq!(StepUpLimits::default().check(money(i64::from(u32::MAX), "EUR"), 0), Ok(()));
        assert_eq!("".parse(), Ok(StepUpLimits::default()));
        assert_eq!(limits.to_string().parse(), Ok(limits));
    }

    #[test]
    fn a_limit_that_is_none_is_refused_at_the_start() {
        for bad in ["1000", "EUR", "EUR:", "EUR:-1", "eur:5", "*:1.5", "XXX:1"] {
            assert_eq!(bad.parse::<StepUpLimits>(), Err(InvalidLimits(bad.to_owned())), "{bad}");
        }
    }
}
