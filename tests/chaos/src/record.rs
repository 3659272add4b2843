//! What the clients asked for, and what they were promised: the checker's first source.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A payment is created.
    Create,
    /// It is confirmed.
    Confirm,
    /// What is held is taken.
    Capture,
    /// It is given up.
    Cancel,
    /// Money is given back.
    Refund,
    /// Money is paid out to the merchant.
    Payout,
    /// A payout is moved on.
    MovePayout,
}

impl Deed {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Confirm => "confirm",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Payout => "payout",
            Self::MovePayout => "move a payout",
        }
    }

    /// Whether only an operator may ask for it.
    pub const fn is_operators(self) -> bool {
        matches!(self, Self::Refund | Self::Payout | Self::MovePayout)
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// With a 2xx that is final: this is a promise.
    Acknowledged {
        /// The status.
        status: u16,
        /// The body, byte for byte.
        text: String,
    },
    /// With a refusal that changed nothing.
    Refused {
        /// The status.
        status: u16,
        /// The kind of problem, the last part of its `type`.
        kind: String,
    },
    /// Nobody has said yet.
    Open,
}

/// One request under one Idempotency-Key, however often it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// What it asks for.
    pub deed: Deed,
    /// Who asks: the number of a client, or the operator.
    pub who: Option<usize>,
    /// Its key.
    pub key: String,
    /// Where it goes.
    pub path: String,
    /// What it says.
    pub body: Value,
    /// Which payment or payout it is about; of a creation, which one came out of it.
    pub about: Option<String>,
    /// How often it was sent.
    pub tries: u32,
    /// How it ended.
    pub ended: Ended,
}

impl Call {
    /// The body of the promise, where there is one.
    pub fn promise(&self) -> Option<Value> {
        match &self.ended {
            Ended::Acknowledged { text, .. } => serde_json::from_str(text).ok(),
            Ended::Refused { .. } | Ended::Open => None,
        }
    }
}

/// A payment that was promised to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Which client's it is.
    pub who: usize,
    /// What was asked for.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The sandbox's token.
    pub card: String,
}

/// Everything that was asked for and promised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The payments, by name.
    pub orders: BTreeMap<String, Order>,
    /// The calls, in no order between clients.
    pub calls: Vec<Call>,
    /// What was wrong at once: two different answers to one key, an answer that never came.
    pub broken: Vec<(String, Option<String>)>,
}

impl Record {
    /// Another client's record beside this one.
    pub fn join(&mut self, other: Self) {
        let Self { orders, calls, broken } = other;
        self.orders.extend(orders);
        self.calls.extend(calls);
        self.broken.extend(broken);
    }

    /// The calls about a payment or payout: its history, for whoever has to find out what went wrong.
    pub fn history(&self, about: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.about.as_deref() == Some(about)).collect()
    }
}
