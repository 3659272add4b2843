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
    /// The merchant: plus what may be paid out; held is what refunds on their way and open disputes ask for.
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

/// What one payment amounts to in the books at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Position {
    /// The merchant's: captured, less what was given back and what a lost dispute took.
    net_minor: i64,
    /// Held at the acquirer for us.
    authorized_minor: i64,
    /// Held of the merchant's: refunds on their way and what an open dispute asks for.
    frozen_minor: i64,
}

impl Position {
    fn of(payment: &Payment) -> Self {
        let captured = payment.captured().minor();
        Self {
            net_minor: captured.saturating_sub(payment.refunded().minor()).saturating_sub(payment.lost().minor()),
            authorized_minor: payment.held().minor(),
            frozen_minor: payment.refunding().minor().saturating_add(payment.disputed().minor()),
        }
    }
}

/// The legs between two moments of one payment; `before` is `None` for its creation.
pub fn legs(before: Option<&Payment>, after: &Payment) -> Vec<Leg> {
    let currency = after.amount.currency();
    let (was, is) = (before.map(Position::of).unwrap_or_default(), Position::of(after));
    let posted_minor = is.net_minor.saturating_sub(was.net_minor);
    let acquirer = Leg {
        account: Account { role: Role::Acquirer, currency },
        posted_minor: posted_minor.saturating_neg(),
        held_minor: is.authorized_minor.saturating_sub(was.authorized_minor),
    };
    let merchant = Leg {
        account: Account { role: Role::Merchant, currency },
        posted_minor,
        held_minor: is.frozen_minor.saturating_sub(was.frozen_minor),
    };
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
