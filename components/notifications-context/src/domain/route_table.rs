//! Which provider is asked for which message: a table, read once.

use crate::domain::Channel;
use core::str::FromStr;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    channel: Channel,
    /// How the address begins, such as `+49`; empty: any.
    prefix: String,
    providers: Vec<String>,
}

/// The table: the first rule that fits says who is asked, in order of preference.
///
/// **Shape** `email=postmark+generic sms:+49=twilio+generic sms=generic`: a channel, for telephones with the beginning of
/// their number, `=`, providers. The default has no rule: nobody is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteTable(Vec<Rule>);

/// A table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRouteTable {
    /// A rule of another shape.
    #[error("`{0}` is not a channel (`email`, `sms`, `sms:+49`), `=` and providers with `+` between them")]
    Rule(String),
    /// A channel whose messages no rule takes.
    #[error("there is no rule for every message of the channel `{0}`")]
    Hole(&'static str),
}

impl RouteTable {
    /// Who is asked for a message to this address, in order of preference.
    pub fn of(&self, channel: Channel, to: &str) -> &[String] {
        let rule = self.0.iter().find(|rule| rule.channel == channel && to.starts_with(&rule.prefix));
        rule.map(|rule| rule.providers.as_slice()).unwrap_or_default()
    }

    /// Every provider of the table, with the channel that it serves.
    pub fn providers(&self) -> impl Iterator<Item = (Channel, &str)> {
        self.0.iter().flat_map(|rule| rule.providers.iter().map(|provider| (rule.channel, provider.as_str())))
    }
}

impl FromStr for RouteTable {
    type Err = InvalidRouteTable;

    fn from_str(text: &str) -> Result<Self, InvalidRouteTable> {
        let rules = text
            .split_whitespace()
            .map(|entry| rule(entry).ok_or_else(|| InvalidRouteTable::Rule(entry.to_owned())))
            .collect::<Result<Vec<_>, _>>()?;
        for channel in [Channel::Email, Channel::Sms] {
            if !rules.iter().any(|rule| rule.channel == channel && rule.prefix.is_empty()) {
                return Err(InvalidRouteTable::Hole(channel.word()));
            }
        }
        Ok(Self(rules))
    }
}

fn rule(entry: &str) -> Option<Rule> {
    let (condition, providers) = entry.split_once('=')?;
    let (channel, prefix) = match condition.split_once(':') {
        None => (Channel::from_word(condition)?, String::new()),
        Some(("sms", prefix)) => {
            let digits = prefix.strip_prefix('+')?;
            let fits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            (Channel::Sms, fits.then(|| prefix.to_owned())?)
        }
        Some(_) => return None,
    };
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let providers: Option<Vec<String>> =
        providers.split('+').map(|name| is_name(name).then(|| name.to_owned())).collect();
    // The inbox needs no provider.
    (channel != Channel::InApp).then_some(Rule { channel, prefix, providers: providers? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_says_who_is_asked() {
        let table: RouteTable = "sms:+49=twilio+generic email=postmark+generic sms=generic".parse().unwrap();
        assert_eq!(table.of(Channel::Email, "ada@example.com"), ["postmark", "generic"]);
        assert_eq!(table.of(Channel::Sms, "+4915112345678"), ["twilio", "generic"]);
        assert_eq!(table.of(Channel::Sms, "+1555"), ["generic"]);
        assert!(table.of(Channel::InApp, "").is_empty());
    }

    #[test]
    fn a_table_with_a_hole_or_of_another_shape_is_refused_at_the_start() {
        for bad in [
            "",
            "email=generic",
            "email=generic sms:+49=generic",
            "email=Generic sms=generic",
            "email= sms=generic",
            "email=a++b sms=a",
            "email:+49=a email=a sms=a",
            "sms:49=a email=a sms=a",
            "in_app=a email=a sms=a",
            "email sms=a",
        ] {
            assert!(bad.parse::<RouteTable>().is_err(), "{bad}");
        }
    }
}
