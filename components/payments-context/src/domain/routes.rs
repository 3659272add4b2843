//! Which provider is asked for which payment: a table, read once.

use super::{InvalidProvider, Payment, ProviderName};
use core::str::FromStr;
use money::Currency;

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// `*`: every payment.
    Any,
    /// `EUR`: payments in this currency.
    Of(Currency),
    /// `pm_`: payments whose token begins so; tokens are worthless to other providers than the one that made them.
    Token(String),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    conditions: Vec<Condition>,
    providers: Vec<ProviderName>,
}

/// The table: the first rule that fits says who is asked, in order of preference.
///
/// **Shape** `pm_=stripe EUR,USD=sandbox+stripe *=sandbox`: conditions (any of them), `=`, providers. The default has no
/// rule: nobody is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes(Vec<Rule>);

/// A table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoutes {
    /// A rule of another shape.
    #[error("`{0}` is not conditions, `=` and providers")]
    Rule(String),
    /// No provider.
    #[error(transparent)]
    Provider(#[from] InvalidProvider),
    /// The last rule has to take what no other took.
    #[error("the last rule must be `*`")]
    NoLastRule,
}

impl Routes {
    /// Who is asked for a payment, in order of preference; somebody, where the table was read.
    pub fn of(&self, payment: &Payment) -> &[ProviderName] {
        let fits = |condition: &Condition| match condition {
            Condition::Any => true,
            Condition::Of(currency) => *currency == payment.amount.currency(),
            Condition::Token(prefix) => payment.payment_method.as_str().starts_with(prefix),
        };
        let rule = self.0.iter().find(|rule| rule.conditions.iter().any(fits));
        rule.map(|rule| rule.providers.as_slice()).unwrap_or_default()
    }

    /// Every provider of the table.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderName> {
        self.0.iter().flat_map(|rule| &rule.providers)
    }
}

impl FromStr for Routes {
    type Err = InvalidRoutes;

    fn from_str(text: &str) -> Result<Self, InvalidRoutes> {
        let mut rules = Vec::new();
        for entry in text.split_whitespace() {
            let invalid = || InvalidRoutes::Rule(entry.to_owned());
            let (conditions, providers) = entry.split_once('=').ok_or_else(invalid)?;
            let conditions: Option<Vec<Condition>> = conditions.split(',').map(condition).collect();
            let providers: Result<Vec<ProviderName>, InvalidProvider> = providers.split('+').map(str::parse).collect();
            rules.push(Rule { conditions: conditions.ok_or_else(invalid)?, providers: providers? });
        }
        match rules.last() {
            Some(last) if last.conditions.contains(&Condition::Any) => Ok(Self(rules)),
            _ => Err(InvalidRoutes::NoLastRule),
        }
    }
}

fn condition(text: &str) -> Option<Condition> {
    match text {
        "*" => Some(Condition::Any),
        "pm_" | "tok_" => Some(Condition::Token(text.to_owned())),
        code => code.parse().ok().map(Condition::Of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::payment_in;
    use crate::domain::{PaymentToken, Stage};
    use money::Money;

    fn asked(routes: &str, token: &str, currency: &str) -> Vec<String> {
        let mut payment = payment_in(Stage::RequiresConfirmation);
        payment.payment_method = PaymentToken::new(token).unwrap();
        payment.amount = Money::new(1, currency.parse().unwrap()).unwrap();
        let routes: Routes = routes.parse().unwrap();
        routes.of(&payment).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_rule_that_fits_says_who_is_asked() {
        let routes = "pm_=stripe EUR,USD=sandbox+stripe *=sandbox";
        assert_eq!(asked(routes, "pm_1", "EUR"), ["stripe"]);
        assert_eq!(asked(routes, "tok_visa", "USD"), ["sandbox", "stripe"]);
        assert_eq!(asked(routes, "tok_visa", "JPY"), ["sandbox"]);
    }

    #[test]
    fn a_table_with_a_hole_or_of_another_shape_is_refused_at_the_start() {
        for bad in ["", "EUR=stripe", "*", "*=", "*=Stripe", "XXX=a *=b", "EUR;USD=a *=b", "=a *=b"] {
            assert!(bad.parse::<Routes>().is_err(), "{bad}");
        }
    }
}
