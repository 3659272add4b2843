//! What is found afterwards: the checker's second source, read through the public API, from the sandbox and from Redis.

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A payment as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// Where it stands.
    pub status: String,
    /// What was asked for.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What was taken.
    pub captured_minor: i64,
    /// What was given back.
    pub refunded_minor: i64,
    /// Its refunds.
    pub refunds: Vec<Refund>,
    /// Amount and status of its dispute.
    pub dispute: Option<(i64, String)>,
    /// The moves that are open.
    pub allowed: Vec<String>,
}

/// A refund, of ours or at the acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refund {
    /// Our name for it.
    pub id: String,
    /// How much.
    pub amount_minor: i64,
    /// `pending`, `succeeded`, `failed`.
    pub status: String,
}

/// A charge as the acquirer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// Where it stands.
    pub status: String,
    /// What was asked for.
    pub amount_minor: i64,
    /// What was taken.
    pub captured_minor: i64,
    /// What was given back.
    pub refunded_minor: i64,
    /// Its refunds.
    pub refunds: Vec<Refund>,
    /// Status of its dispute.
    pub dispute: Option<String>,
}

/// One leg in the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Whose.
    pub account: String,
    /// Its place there.
    pub row: u64,
    /// The entry that it is a leg of.
    pub entry: u64,
    /// What caused it, such as `payment:pay_00…`.
    pub cause: String,
    /// ISO 4217.
    pub currency: String,
    /// Added to what is posted.
    pub posted_minor: i64,
    /// Added to what is held.
    pub held_minor: i64,
    /// What is posted then.
    pub posted_after_minor: i64,
    /// What is held then.
    pub held_after_minor: i64,
}

/// A balance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// What was posted.
    pub posted_minor: i64,
    /// What is held.
    pub held_minor: i64,
}

/// An event of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its name.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Which payment.
    pub subject: String,
    /// The version of the payment.
    pub version: (u32, u64),
    /// The status in the snapshot.
    pub status: String,
}

/// The answer to a call that was sent once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// The key.
    pub key: String,
    /// The status.
    pub status: u16,
    /// The body, byte for byte.
    pub text: String,
    /// Whether it was marked as a replay.
    pub marked: bool,
}

/// What should have ended a while after the last fault. **Invariant** all of it is empty when nothing waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Waiting(pub BTreeMap<String, u64>);

impl Waiting {
    /// Notes that so many wait.
    pub fn note(&mut self, what: impl Into<String>, how_many: u64) {
        if how_many > 0 {
            self.0.insert(what.into(), how_many);
        }
    }
}

/// Everything that is found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Payments, by name.
    pub payments: BTreeMap<String, Payment>,
    /// The acquirer's charges for each payment, and how many it says there are.
    pub charges: BTreeMap<String, (u64, Vec<Charge>)>,
    /// How many payments each client has, as the API counts them.
    pub counted: BTreeMap<usize, u64>,
    /// Receipts in the payers' inboxes, by payment.
    pub receipts: BTreeMap<String, u64>,
    /// Answers to calls that were sent once more.
    pub replays: Vec<Replay>,
    /// The trial balance: currency, sum.
    pub trial: Vec<(String, i64)>,
    /// What `verify` said, or what does not hold: rows checked.
    pub verified: Option<Result<u64, String>>,
    /// Balances by account, as the API tells them.
    pub told: BTreeMap<String, Balance>,
    /// Balances by account, as Redis keeps them.
    pub kept: BTreeMap<String, Balance>,
    /// Every leg of every account, by account and row.
    pub rows: Vec<Row>,
    /// Every event of payments, in the order of the stream.
    pub events: Vec<Event>,
    /// Status, amount and currency of each payout.
    pub payouts: BTreeMap<String, (String, i64, String)>,
    /// What still waits.
    pub waiting: Waiting,
    /// Names of secrets that stand in logs.
    pub leaked: Vec<String>,
}

fn text(value: &Value, member: &str) -> anyhow::Result<String> {
    let found = value.get(member).and_then(Value::as_str);
    Ok(found.with_context(|| format!("no text `{member}` in {value}"))?.to_owned())
}

fn minor(value: &Value, member: &str) -> anyhow::Result<i64> {
    value.get(member).and_then(Value::as_i64).with_context(|| format!("no number `{member}` in {value}"))
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn refunds(value: &Value, name: &str) -> anyhow::Result<Vec<Refund>> {
    let read = |refund: &Value| {
        let (id, amount_minor) = (text(refund, name)?, minor(refund, "amount_minor")?);
        Ok(Refund { id, amount_minor, status: text(refund, "status")? })
    };
    list(value, "refunds").iter().map(read).collect()
}

impl Payment {
    /// Reads an answer of `/v1/payments/{id}`.
    ///
    /// # Errors
    /// A member is missing.
    pub fn read(value: &Value) -> anyhow::Result<Self> {
        let dispute = match value.get("dispute") {
            Some(dispute) => Some((minor(dispute, "amount_minor")?, text(dispute, "status")?)),
            None => None,
        };
        Ok(Self {
            status: text(value, "status")?,
            amount_minor: minor(value, "amount_minor")?,
            currency: text(value, "currency")?,
            captured_minor: minor(value, "captured_minor")?,
            refunded_minor: minor(value, "refunded_minor").unwrap_or(0),
            refunds: refunds(value, "id")?,
            dispute,
            allowed: list(value, "allowed").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }
}

impl Charge {
    /// Reads a charge of the sandbox's.
    ///
    /// # Errors
    /// A member is missing.
    pub fn read(value: &Value) -> anyhow::Result<Self> {
        Ok(Self {
            status: text(value, "status")?,
            amount_minor: minor(value, "amount_minor")?,
            captured_minor: minor(value, "captured_minor")?,
            refunded_minor: minor(value, "refunded_minor")?,
            refunds: refunds(value, "reference")?,
            dispute: value.get("dispute").map(|dispute| text(dispute, "status")).transpose()?,
        })
    }
}

impl Event {
    /// Reads an envelope.
    ///
    /// # Errors
    /// It is none.
    pub fn read(envelope: &str) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_str(envelope)?;
        let version = text(&value, "version")?;
        let (epoch, number) = version.split_once('.').context("a version without a dot")?;
        Ok(Self {
            id: text(&value, "id")?,
            kind: text(&value, "type")?,
            subject: text(&value, "subject")?,
            version: (epoch.parse()?, number.parse()?),
            status: value.get("data").map_or_else(|| Ok(String::new()), |data| text(data, "status"))?,
        })
    }
}

impl Row {
    /// Reads a line of a statement's CSV (see docs/ledger.md); its heading is none.
    ///
    /// # Errors
    /// It is none.
    pub fn read(account: &str, line: &str) -> anyhow::Result<Self> {
        let fields: Vec<&str> = line.split(',').collect();
        let [row, _at, entry, _leg, kind, reference, currency, posted, held, posted_after, held_after] =
            fields.as_slice()
        else {
            anyhow::bail!("not a line of a statement: {line}");
        };
        Ok(Self {
            account: account.to_owned(),
            row: row.parse()?,
            entry: entry.parse()?,
            cause: format!("{kind}:{reference}"),
            currency: (*currency).to_owned(),
            posted_minor: posted.parse()?,
            held_minor: held.parse()?,
            posted_after_minor: posted_after.parse()?,
            held_after_minor: held_after.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_read_with_what_followed_it() {
        let answer = serde_json::json!({
            "id": "pay_1", "status": "disputed", "amount_minor": 1000, "currency": "EUR", "captured_minor": 900,
            "refunded_minor": 100, "allowed": [], "dispute": { "amount_minor": 900, "status": "open" },
            "refunds": [{ "id": "rfd_1", "amount_minor": 100, "status": "succeeded" }],
        });
        let payment = Payment::read(&answer).unwrap();
        assert_eq!((payment.captured_minor, payment.refunds[0].id.as_str()), (900, "rfd_1"));
        assert_eq!(payment.dispute, Some((900, "open".to_owned())));
        assert!(Payment::read(&serde_json::json!({})).is_err());
    }

    #[test]
    fn a_line_of_a_statement_is_a_row() {
        let row = Row::read("merchant:EUR", "2,2026-01-01T00:00:00.000Z,3,1,payment,pay_1,EUR,1000,0,2000,5").unwrap();
        assert_eq!((row.row, row.entry, row.cause.as_str(), row.posted_after_minor), (2, 3, "payment:pay_1", 2000));
        assert!(Row::read("merchant:EUR", "row,posted_at").is_err());
    }

    #[test]
    fn an_event_is_read_from_its_envelope() {
        let envelope = r#"{"id":"evt_1","type":"payments.payment.captured.v1","subject":"pay_1","version":"1.3",
            "data":{"status":"captured"}}"#;
        let event = Event::read(envelope).unwrap();
        assert_eq!((event.version, event.status.as_str()), ((1, 3), "captured"));
    }
}
