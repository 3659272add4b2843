//! The chart of accounts.
//!
//! Signs are the account holder's view: plus is what we owe the holder, minus what the holder owes us, so that all
//! accounts of a currency sum to zero. docs/ledger.md shows the same table; a test compares them.

use core::fmt;
use money::Currency;

/// Whose account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The card acquirer: minus what it has taken for us and not yet paid out.
    Acquirer,
    /// Our bank: minus what lies there for us.
    Bank,
    /// Providers: minus what they have kept for their work.
    Costs,
    /// Banks of payers that dispute: plus what open disputes ask for.
    Disputes,
    /// What our own work earned: plus the fees that captures left behind.
    Fees,
    /// Banks of payers: nothing is posted; held is what they hold for us and nobody has taken yet.
    Holds,
    /// The merchant: plus what may be paid out.
    Merchant,
    /// What is on its way to the merchant's bank: plus what payouts have taken and not yet delivered.
    Payouts,
    /// Payers: plus what is on its way back to them, its outcome unknown.
    Refunds,
    /// What a provider's settlement says and our books do not, until somebody has found out: plus what we were given and
    /// do not know for what, minus what we miss.
    Suspense,
}

/// One row of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartRow {
    /// Whose.
    pub role: Role,
    /// What a posted balance says.
    pub posted: &'static str,
}

/// Every account that there can be, one a currency.
pub const CHART: &[ChartRow] = &[
    ChartRow { role: Role::Acquirer, posted: "minus what the acquirer has taken for us and not yet paid out" },
    ChartRow { role: Role::Bank, posted: "minus what lies in our bank account" },
    ChartRow { role: Role::Costs, posted: "minus what providers have kept for their work" },
    ChartRow { role: Role::Disputes, posted: "plus what open disputes ask for" },
    ChartRow { role: Role::Fees, posted: "plus what our fees have earned" },
    ChartRow {
        role: Role::Holds,
        posted: "always nothing; `held` is what payers' banks hold for us and nobody has taken",
    },
    ChartRow { role: Role::Merchant, posted: "plus what may be paid out to the merchant" },
    ChartRow { role: Role::Payouts, posted: "plus what is on its way to the merchant's bank" },
    ChartRow { role: Role::Refunds, posted: "plus what is on its way back to payers, its outcome unknown" },
    ChartRow {
        role: Role::Suspense,
        posted: "plus what providers gave us and we do not know for what, minus what we miss",
    },
];

impl Role {
    /// The word before the currency in an account's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Acquirer => "acquirer",
            Self::Bank => "bank",
            Self::Costs => "costs",
            Self::Disputes => "disputes",
            Self::Fees => "fees",
            Self::Holds => "holds",
            Self::Merchant => "merchant",
            Self::Payouts => "payouts",
            Self::Refunds => "refunds",
            Self::Suspense => "suspense",
        }
    }

    /// Whether what lies here is set aside for the outcome of something under way: only that outcome moves it on.
    pub const fn sets_aside(self) -> bool {
        match self {
            Self::Disputes | Self::Holds | Self::Refunds => true,
            Self::Acquirer
            | Self::Bank
            | Self::Costs
            | Self::Fees
            | Self::Merchant
            | Self::Payouts
            | Self::Suspense => false,
        }
    }

    /// The account of this role in a currency.
    pub const fn account(self, currency: Currency) -> Account {
        Account { role: self, currency }
    }
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
        let (word, currency) = text.split_once(':')?;
        let row = CHART.iter().find(|row| row.role.word() == word)?;
        Some(row.role.account(currency.parse().ok()?))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.role.word(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_others_are_not_in_the_chart() {
        for row in CHART {
            let name = format!("{}:JPY", row.role.word());
            assert_eq!(Account::named(&name).map(|account| account.to_string()).as_deref(), Some(name.as_str()));
        }
        for name in ["", "merchant", "merchant:eur", "merchant:EUR:1", "payer:EUR"] {
            assert_eq!(Account::named(name), None, "{name}");
        }
    }

    #[test]
    fn the_documentation_shows_the_whole_chart() {
        let documented = include_str!("../../../../docs/ledger.md");
        for row in CHART {
            assert!(
                documented.contains(&format!("| `{}:<currency>` | {} |", row.role.word(), row.posted)),
                "{:?}",
                row.role
            );
        }
        let rows = documented.lines().filter(|line| line.contains(":<currency>` |")).count();
        assert_eq!(rows, CHART.len());
    }
}
