//! What operators send to the ledger and receive from it.

use super::schemas::AccountName;
use ambient::Timestamp;
use events::NewEvent;
use payments_wire::{LEDGER_REVERSED, ReversalSnapshot};
use records::{Balance, Finding, LedgerRow, Verified};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One currency of the trial balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialBalanceLine {
    /// ISO 4217.
    #[schema(value_type = money::Currency)]
    pub currency: String,
    /// The sum over all accounts, in minor units: zero, or something is badly wrong.
    pub sum_minor: i64,
    /// How many legs were ever posted.
    pub legs: u64,
}

/// The running sums of all postings.
///
/// **Shape** `{"balanced":true,"lines":[{"currency":"EUR","sum_minor":0,"legs":42}]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialBalanceAnswer {
    /// Whether every line is zero.
    pub balanced: bool,
    /// A line per currency.
    pub lines: Vec<TrialBalanceLine>,
}

/// One account.
///
/// **Shape** `{"account":"merchant:EUR","currency":"EUR","posted_minor":1099,"held_minor":0,"available_minor":1099}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LedgerAccountAnswer)]
pub struct AccountAnswer {
    /// Its name in the chart.
    #[schema(value_type = AccountName)]
    pub account: String,
    /// ISO 4217.
    #[schema(value_type = money::Currency)]
    pub currency: String,
    /// What was posted, in minor units.
    pub posted_minor: i64,
    /// What is held, in minor units.
    pub held_minor: i64,
    /// Posted less held, in minor units.
    pub available_minor: i64,
    /// The moment that was asked for; now where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

/// A page of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LedgerAccountPage)]
pub struct AccountPage {
    /// By name.
    pub items: Vec<AccountAnswer>,
    /// Where the next page starts; left out on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The query of `GET /v1/ledger/accounts/{account}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// The moment; now where nothing is said.
    #[param(value_type = Option<Timestamp>)]
    #[serde(default)]
    pub at: Option<String>,
}

/// A balance, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceAnswer {
    /// What was posted.
    pub posted_minor: i64,
    /// What is held.
    pub held_minor: i64,
    /// Posted less held.
    pub available_minor: i64,
}

impl From<Balance> for BalanceAnswer {
    fn from(balance: Balance) -> Self {
        let Balance { posted_minor, held_minor } = balance;
        Self { posted_minor, held_minor, available_minor: balance.available_minor() }
    }
}

/// The query of a statement, as pages and as CSV.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// From this moment on.
    #[param(value_type = Option<Timestamp>)]
    #[serde(default)]
    pub from: Option<String>,
    /// Up to just before this moment.
    #[param(value_type = Option<Timestamp>)]
    #[serde(default)]
    pub to: Option<String>,
    /// Where the page before ended.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many at most, 1 to 100; 50 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 50)]
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A row of a statement.
///
/// **Shape** `{"row":2,"posted_at":"2026-…Z","entry":3,"leg":1,"kind":"payment","reference":"pay_00…","posted_minor":
/// 1000,"held_minor":0,"posted_after_minor":2000,"held_after_minor":0,"available_after_minor":2000}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementItem {
    /// The place among the account's rows, from 1.
    pub row: u64,
    /// When.
    pub posted_at: Timestamp,
    /// The entry that it is a leg of.
    pub entry: u64,
    /// Its place there, from 0.
    pub leg: u32,
    /// What caused it: `payment`, `reversal`, `payout`, `reconciliation`, `difference`.
    pub kind: String,
    /// Which.
    pub reference: String,
    /// What was added to the posted balance.
    pub posted_minor: i64,
    /// What was added to the held amount.
    pub held_minor: i64,
    /// The posted balance afterwards.
    pub posted_after_minor: i64,
    /// The held amount afterwards.
    pub held_after_minor: i64,
    /// Posted less held, afterwards.
    pub available_after_minor: i64,
}

/// Kind and name of what caused a row.
fn cause(row: &LedgerRow) -> (&str, &str) {
    let name = row.record.as_str();
    name.split_once(':').unwrap_or((name, ""))
}

impl From<&LedgerRow> for StatementItem {
    fn from(row: &LedgerRow) -> Self {
        let (kind, reference) = cause(row);
        Self {
            row: row.number,
            posted_at: row.at,
            entry: row.entry(),
            leg: row.leg,
            kind: kind.to_owned(),
            reference: reference.to_owned(),
            posted_minor: row.posted_minor,
            held_minor: row.held_minor,
            posted_after_minor: row.after.posted_minor,
            held_after_minor: row.after.held_minor,
            available_after_minor: row.after.available_minor(),
        }
    }
}

/// A page of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementPage {
    /// The account.
    #[schema(value_type = AccountName)]
    pub account: String,
    /// ISO 4217.
    #[schema(value_type = money::Currency)]
    pub currency: String,
    /// The balance before the first row of the range.
    pub opening: BalanceAnswer,
    /// The balance after its last row.
    pub closing: BalanceAnswer,
    /// The rows of this page, newest first.
    pub items: Vec<StatementItem>,
    /// How many rows the range has.
    pub total: u64,
    /// Where the next page starts; left out on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One line of an export; the members are the columns.
#[derive(Serialize)]
struct ExportLine<'a> {
    row: u64,
    posted_at: Timestamp,
    entry: u64,
    leg: u32,
    kind: &'a str,
    reference: &'a str,
    currency: &'a str,
    posted_minor: i64,
    held_minor: i64,
    posted_after_minor: i64,
    held_after_minor: i64,
}

/// The columns of an export.
const COLUMNS: [&str; 11] = [
    "row",
    "posted_at",
    "entry",
    "leg",
    "kind",
    "reference",
    "currency",
    "posted_minor",
    "held_minor",
    "posted_after_minor",
    "held_after_minor",
];

/// Rows as CSV (RFC 4180), with the heading or without.
///
/// # Errors
/// The writer's; does not happen in memory.
pub fn statement_csv(rows: &[LedgerRow], with_heading: bool) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if with_heading {
        writer.write_record(COLUMNS)?;
    }
    for row in rows {
        let (kind, reference) = cause(row);
        writer.serialize(ExportLine {
            row: row.number,
            posted_at: row.at,
            entry: row.entry(),
            leg: row.leg,
            kind,
            reference,
            currency: &row.currency,
            posted_minor: row.posted_minor,
            held_minor: row.held_minor,
            posted_after_minor: row.after.posted_minor,
            held_after_minor: row.after.held_minor,
        })?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One leg of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LegAnswer {
    /// The account.
    #[schema(value_type = AccountName)]
    pub account: String,
    /// Its row.
    pub row: u64,
    /// ISO 4217.
    #[schema(value_type = money::Currency)]
    pub currency: String,
    /// What was added to the posted balance.
    pub posted_minor: i64,
    /// What was added to the held amount.
    pub held_minor: i64,
}

/// An entry: everything that one change posted.
///
/// **Shape** `{"entry":1,"posted_at":"2026-…Z","kind":"payment","reference":"pay_00…","version":"1.3","legs":[…]}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryAnswer {
    /// Its name: the place of its first leg in the journal.
    pub entry: u64,
    /// When.
    pub posted_at: Timestamp,
    /// What caused it: `payment`, `reversal`, `payout`, `reconciliation`, `difference`.
    pub kind: String,
    /// Which.
    pub reference: String,
    /// The version that it brought that to.
    #[schema(examples("1.3"))]
    pub version: String,
    /// Its legs.
    pub legs: Vec<LegAnswer>,
    /// The entry that undid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversed: Option<ReversalAnswer>,
}

impl EntryAnswer {
    /// The entry of these legs; `None` where there are none.
    pub fn new(legs: &[LedgerRow], reversed: Option<ReversalAnswer>) -> Option<Self> {
        let first = legs.first()?;
        let (kind, reference) = cause(first);
        let leg = |row: &LedgerRow| LegAnswer {
            account: row.account.to_string(),
            row: row.number,
            currency: row.currency.clone(),
            posted_minor: row.posted_minor,
            held_minor: row.held_minor,
        };
        Some(Self {
            entry: first.seq,
            posted_at: first.at,
            kind: kind.to_owned(),
            reference: reference.to_owned(),
            version: first.version.to_string(),
            legs: legs.iter().map(leg).collect(),
            reversed,
        })
    }
}

/// The body of `POST /v1/ledger/entries/{entry}/reversal`.
///
/// **Shape** `{"reason": "Booked twice"}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversalRequest {
    /// Why; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, examples("Booked twice"))]
    pub reason: String,
}

/// A reversal, as it is stored and as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReversalAnswer {
    /// The entry that it undoes.
    pub entry: u64,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// The event that tells of a reversal.
///
/// # Errors
/// The encoder's; does not happen with a snapshot.
pub fn reversal_event(reversal: &ReversalAnswer) -> Result<NewEvent, serde_json::Error> {
    let data = serde_json::to_value(ReversalSnapshot { entry: reversal.entry, at: reversal.at })?;
    Ok(NewEvent { kind: LEDGER_REVERSED, subject: reversal.entry.to_string(), data, personal: None })
}

/// The query of `GET /v1/ledger/verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// Where the check before ended; the beginning where nothing is said.
    #[param(min_length = 1)]
    #[serde(default)]
    pub cursor: Option<String>,
}

/// How far a check came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyStatus {
    /// Everything up to the newest row holds.
    Intact,
    /// What was checked holds; `next_cursor` goes on.
    Unfinished,
    /// `broken` does not hold.
    Broken,
}

/// What a check found.
///
/// **Shape** `{"status":"unfinished","pages":16,"rows":2048,"next_cursor":"16.2048.9f…"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifyAnswer {
    /// The outcome.
    pub status: VerifyStatus,
    /// Pages checked since the beginning.
    pub pages: u64,
    /// Rows checked since the beginning.
    pub rows: u64,
    /// Where to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// The first thing that does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// Where the checks of the pulse stand: the body of their record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredWatch {
    /// Where the check under way goes on; nothing between two of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many rows it has checked.
    pub checked_rows: u64,
    /// When the last check ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When all of the journal was last found to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// How many rows it had then.
    pub verified_rows: u64,
    /// What the last check found that does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// What the checks of the pulse have found.
///
/// **Shape** `{"running":false,"checked_rows":2048,"verified_at":"2026-…Z","verified_rows":2048}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationAnswer {
    /// Whether a check is under way.
    pub running: bool,
    /// How many rows it, or the last one, has checked.
    pub checked_rows: u64,
    /// When all of the journal was last found to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// How many rows it had then.
    pub verified_rows: u64,
    /// What the last check found that does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl From<&StoredWatch> for VerificationAnswer {
    fn from(stored: &StoredWatch) -> Self {
        Self {
            running: stored.cursor.is_some(),
            checked_rows: stored.checked_rows,
            verified_at: stored.verified_at,
            verified_rows: stored.verified_rows,
            broken: stored.broken.clone(),
        }
    }
}

impl From<Verified> for VerifyAnswer {
    fn from(Verified { pages, rows, finding }: Verified) -> Self {
        let (status, next_cursor, broken) = match finding {
            Finding::Intact => (VerifyStatus::Intact, None, None),
            Finding::Unfinished(checkpoint) => (VerifyStatus::Unfinished, Some(checkpoint.to_string()), None),
            Finding::Broken(found) => (VerifyStatus::Broken, None, Some(found.to_string())),
        };
        Self { status, pages, rows, next_cursor, broken }
    }
}
