//! The chart of accounts, and the legs that a change of a payment posts.
//!
//! Signs are the account holder's view: plus is what we owe the holder, minus what the holder owes us, so that all
//! accounts of a currency sum to zero. The legs are the difference between two positions of one payment; whatever the
//! sequence of steps, they telescope to the last position, and repeating a step that changes nothing posts nothing.

use super::Payment;
use core::fmt;
use money::Currency;

/// Whose account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The card acquirer: minus what it has taken for us and not yet paid out; held is what it holds for us besides.
    Acquirer,
    /// The merchant: plus what may be paid out.
    Merchant,
}

/// One account, such as `merchant:EUR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Whose.
    pub role: Role,
    /// In which currency, for its whole life.
    pub currency: Currency,
}

impl Account {
    /// Reads a name; `None` where the chart has no such account.
    pub fn named(text: &str) -> Option<Self> {
        let (role, currency) = text.split_once(':')?;
        let role = match role {
            "acquirer" => Role::Acquirer,
            "merchant" => Role::Merchant,
            _ => return None,
        };
        Some(Self { role, currency: currency.parse().ok()? })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Acquirer => "acquirer",
            Role::Merchant => "merchant",
        };
        write!(f, "{role}:{}", self.currency)
    }
}

/// One leg of a posting. **Units** minor units of the account's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Which account.
    pub account: Account,
    /// Added to what is posted.
    pub posted_minor: i64,
    /// Added to what is held.
    pub held_minor: i64,
}

/// The legs between two moments of one payment; `before` is `None` for its creation.
pub fn legs(before: Option<&Payment>, after: &Payment) -> Vec<Leg> {
    let currency = after.amount.currency();
    let captured_minor = after.captured().minor() - before.map_or(0, |payment| payment.captured().minor());
    let held_minor = after.held().minor() - before.map_or(0, |payment| payment.held().minor());
    let acquirer =
        Leg { account: Account { role: Role::Acquirer, currency }, posted_minor: -captured_minor, held_minor };
    let merchant =
        Leg { account: Account { role: Role::Merchant, currency }, posted_minor: captured_minor, held_minor: 0 };
    [acquirer, merchant].into_iter().filter(|leg| leg.posted_minor != 0 || leg.held_minor != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_others_are_not_in_the_chart() {
        for name in ["acquirer:EUR", "merchant:JPY"] {
            assert_eq!(Account::named(name).map(|account| account.to_string()).as_deref(), Some(name));
        }
        for name in ["", "merchant", "merchant:eur", "merchant:EUR:1", "payer:EUR"] {
            assert_eq!(Account::named(name), None, "{name}");
        }
    }
}
