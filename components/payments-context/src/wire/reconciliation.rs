//! Reconciliations and their differences: what operators send and receive, and how both are stored.

use super::schemas::{
    AccountName, Day, DifferenceKindName, DifferenceName, ItemNameText, ItemStateName, ProviderWord, StatementName,
};
use super::settlement_file::Columns;
use crate::domain::{Difference, DifferenceKind, ItemStanding, Leg};
use ambient::Timestamp;
use ids::PaymentId;
use money::{Currency, Money};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

ids::id!(
    /// A reconciliation. Derived from the provider and the name of its statement, so that no file is taken in twice.
    ReconciliationId, "rec"
);

/// The body of `POST /v1/reconciliations`.
///
/// **Shape** `{"provider":"acquirer","statement":"2026-01","from":"2026-01-01","to":"2026-01-31"}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationRequest {
    /// Whose settlement.
    #[schema(value_type = ProviderWord)]
    pub provider: String,
    /// The provider's name for it: 1 to 40 characters out of `A-Za-z0-9_.-`.
    #[schema(value_type = StatementName)]
    pub statement: String,
    /// The first day that it is to show, UTC.
    #[schema(value_type = Day)]
    pub from: String,
    /// The last day, at most a year later; the first one where nothing is said.
    #[schema(value_type = Option<Day>)]
    #[serde(default)]
    pub to: Option<String>,
}

/// The body of `PUT /v1/reconciliations/{id}/chunks/{number}`.
///
/// **Shape** `{"csv":"kind,reference,…\ncharge,ch_1,…\n"}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChunkRequest {
    /// Whole lines; the first chunk begins with the heading, no other has one.
    #[schema(examples("kind,reference,amount_minor,currency,state\ncharge,ch_1,1000,EUR,captured\n"))]
    pub csv: String,
}

/// The body of `POST /v1/reconciliations/{id}/close`; may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// How many lines were sent: another number there is refused.
    #[schema(examples(1))]
    #[serde(default)]
    pub lines: Option<u64>,
}

/// The body of `POST /v1/reconciliations/{id}/discard`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardRequest {
    /// Why; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// What is done about a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionAction {
    /// Our books stay as they are.
    Accept,
    /// Our books follow the settlement; what differs goes to suspense.
    Adjust,
}

/// The body of `POST /v1/reconciliations/{id}/differences/{difference}/resolution`.
///
/// **Shape** `{"action":"adjust","reason":"Captured at the console on the 3rd"}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolutionRequest {
    /// What.
    pub action: ResolutionAction,
    /// Why; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// The query of a list of differences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DifferenceQuery {
    /// `open` or `all`; open where nothing is said.
    #[param(pattern = "^(open|all)$", example = "open")]
    #[serde(default)]
    pub state: Option<String>,
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many at most, 1 to 50; 50 where nothing is said.
    #[param(minimum = 1, maximum = 50, example = 50)]
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Where a reconciliation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReconciliationStatus {
    /// It takes chunks.
    Open,
    /// All chunks are there; what the settlement does not show is being looked for.
    Comparing,
    /// All differences are known and wait for somebody.
    Closed,
    /// It was a mistake: what it took in does not count.
    Discarded,
}

impl ReconciliationStatus {
    /// The public word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Comparing => "comparing",
            Self::Closed => "closed",
            Self::Discarded => "discarded",
        }
    }
}

/// A chunk of which part was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunChunk {
    /// SHA-256 of its text, in hexadecimal.
    pub digest: String,
    /// How many of its lines, the heading included.
    pub done: u64,
}

/// How far the search for what the settlement does not show is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparing {
    /// On which day.
    pub day: String,
    /// Where on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The body of a reconciliation's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReconciliation {
    /// Tells shapes apart; 1.
    pub v: u8,
    /// Its name.
    pub id: ReconciliationId,
    /// Whose settlement.
    pub provider: String,
    /// The provider's name for it.
    pub statement: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Where it stands.
    pub status: ReconciliationStatus,
    /// Who began it.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// Where in a line what stands, once the heading was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// The number of the next chunk, from 1.
    pub next_chunk: u64,
    /// The chunk of which part was taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<BegunChunk>,
    /// How many lines were taken in.
    pub lines: u64,
    /// How many of them say what our books say.
    pub matched: u64,
    /// What the provider kept, in minor units by currency: booked as costs.
    pub fees: BTreeMap<Currency, i64>,
    /// How far the search is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparing: Option<Comparing>,
    /// When it was closed or discarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it was discarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An amount of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeeAnswer {
    /// ISO 4217.
    pub currency: Currency,
    /// In minor units.
    pub minor: i64,
}

/// A reconciliation as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciliationAnswer {
    /// Its name.
    pub id: ReconciliationId,
    /// Whose settlement.
    #[schema(value_type = ProviderWord)]
    pub provider: String,
    /// The provider's name for it.
    #[schema(value_type = StatementName)]
    pub statement: String,
    /// The first day.
    #[schema(value_type = Day)]
    pub from: String,
    /// The last day.
    #[schema(value_type = Day)]
    pub to: String,
    /// Where it stands.
    pub status: ReconciliationStatus,
    /// The number of the next chunk, from 1.
    #[schema(minimum = 1)]
    pub next_chunk: u64,
    /// How many lines were taken in.
    pub lines: u64,
    /// How many of them say what our books say.
    pub matched: u64,
    /// What the provider kept.
    pub fees: Vec<FeeAnswer>,
    /// How many differences were found.
    pub differences: u64,
    /// How many of them nobody has resolved.
    pub open_differences: u64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was closed or discarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it was discarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ReconciliationAnswer {
    /// The answer for what is stored and so many differences.
    pub fn new(stored: &StoredReconciliation, differences: u64, open_differences: u64) -> Self {
        let fee = |(&currency, &minor): (&Currency, &i64)| FeeAnswer { currency, minor };
        Self {
            id: stored.id,
            provider: stored.provider.clone(),
            statement: stored.statement.clone(),
            from: stored.from.clone(),
            to: stored.to.clone(),
            status: stored.status,
            next_chunk: stored.next_chunk,
            lines: stored.lines,
            matched: stored.matched,
            fees: stored.fees.iter().map(fee).collect(),
            differences,
            open_differences,
            created_at: stored.created_at,
            ended_at: stored.ended_at,
            reason: stored.reason.clone(),
        }
    }
}

/// A line of the list of reconciliations, and the summary that the index keeps: at most 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciliationSummary {
    /// Its name.
    pub id: ReconciliationId,
    /// Whose settlement.
    #[schema(value_type = ProviderWord)]
    pub provider: String,
    /// The provider's name for it.
    #[schema(value_type = StatementName)]
    pub statement: String,
    /// The first day.
    #[schema(value_type = Day)]
    pub from: String,
    /// The last day.
    #[schema(value_type = Day)]
    pub to: String,
    /// Where it stands.
    pub status: ReconciliationStatus,
    /// When it was begun.
    pub created_at: Timestamp,
}

impl From<&StoredReconciliation> for ReconciliationSummary {
    fn from(stored: &StoredReconciliation) -> Self {
        Self {
            id: stored.id,
            provider: stored.provider.clone(),
            statement: stored.statement.clone(),
            from: stored.from.clone(),
            to: stored.to.clone(),
            status: stored.status,
            created_at: stored.created_at,
        }
    }
}

/// A page of reconciliations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciliationPage {
    /// Newest first.
    pub items: Vec<ReconciliationSummary>,
    /// How many there are altogether.
    pub total: u64,
    /// Where the next page starts; left out on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// How an item stands, in the index of all items. **Shape** `{"s":"captured","m":1000,"c":"EUR"}`: there is one a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredItem {
    s: String,
    m: i64,
    c: Currency,
}

impl From<ItemStanding> for StoredItem {
    fn from(standing: ItemStanding) -> Self {
        Self { s: standing.state.word().to_owned(), m: standing.amount.minor(), c: standing.amount.currency() }
    }
}

impl StoredItem {
    /// How it stands; `None` where what is stored can be no item.
    pub fn read(&self) -> Option<ItemStanding> {
        Some(ItemStanding { state: self.s.parse().ok()?, amount: Money::new(self.m, self.c).ok()? })
    }
}

/// One side of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DifferenceSide)]
pub struct Side {
    /// Where the item stands.
    #[schema(value_type = ItemStateName)]
    pub state: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: Currency,
}

impl From<ItemStanding> for Side {
    fn from(standing: ItemStanding) -> Self {
        Self {
            state: standing.state.word().to_owned(),
            amount_minor: standing.amount.minor(),
            currency: standing.amount.currency(),
        }
    }
}

impl Side {
    fn read(&self) -> Option<ItemStanding> {
        Some(ItemStanding {
            state: self.state.parse().ok()?,
            amount: Money::new(self.amount_minor, self.currency).ok()?,
        })
    }
}

/// What was done about a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DifferenceResolution)]
pub struct Resolution {
    /// What.
    pub action: ResolutionAction,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Where a settlement and our books differ. Also the body of its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Difference)]
pub struct StoredDifference {
    /// Its name within the reconciliation: the number of its line, or the item that the settlement does not show.
    #[schema(value_type = DifferenceName)]
    pub id: String,
    /// In what the two sides differ.
    #[schema(value_type = Vec<DifferenceKindName>, min_items = 1)]
    pub kinds: Vec<String>,
    /// The line of the settlement, from 1 after the heading.
    #[schema(minimum = 1)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Which item, such as `charge:ch_1`.
    #[schema(value_type = Option<ItemNameText>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The payment behind it, where our books have one.
    #[schema(value_type = Option<PaymentId>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    /// How our books have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub here: Option<Side>,
    /// How the settlement has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<Side>,
    /// What the provider kept, in minor units.
    #[serde(default)]
    #[schema(required)]
    pub fee_minor: i64,
    /// What it should have kept, where a contract says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_fee_minor: Option<i64>,
    /// The reconciliation that has shown the item before.
    #[schema(value_type = Option<ReconciliationId>)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_before_in: Option<String>,
    /// Why the line cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it was found.
    pub found_at: Timestamp,
    /// What was done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
}

impl StoredDifference {
    /// What is stored of a difference that was found now.
    pub fn new(id: String, line: Option<u64>, found: &Difference, found_at: Timestamp) -> Self {
        Self {
            id,
            kinds: found.kinds.iter().map(|kind| kind.word().to_owned()).collect(),
            line,
            item: found.name.as_ref().map(ToString::to_string),
            payment: None,
            here: found.here.map(Into::into),
            there: found.there.map(Into::into),
            fee_minor: found.fee_minor,
            expected_fee_minor: found.expected_fee_minor,
            shown_before_in: None,
            why: None,
            found_at,
            resolution: None,
        }
    }

    /// The difference; `None` where what is stored can be none.
    pub fn read(&self) -> Option<Difference> {
        let kinds: Option<Vec<DifferenceKind>> = self.kinds.iter().map(|word| word.parse().ok()).collect();
        let side = |side: &Option<Side>| side.as_ref().map(|side| side.read().ok_or(())).transpose().ok();
        Some(Difference {
            kinds: kinds?,
            name: self.item.as_ref().map(|text| text.parse()).transpose().ok()?,
            here: side(&self.here)?,
            there: side(&self.there)?,
            fee_minor: self.fee_minor,
            expected_fee_minor: self.expected_fee_minor,
        })
    }
}

/// A leg that an adjustment would post, or has posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentLeg {
    /// Which account.
    #[schema(value_type = AccountName)]
    pub account: String,
    /// In minor units of its currency.
    pub posted_minor: i64,
}

/// A difference as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferenceAnswer {
    /// The difference.
    #[serde(flatten)]
    pub difference: StoredDifference,
    /// What adjusting it posts; empty where no money differs.
    pub adjustment: Vec<AdjustmentLeg>,
}

impl DifferenceAnswer {
    /// The answer; `None` where what is stored can be no difference.
    pub fn new(difference: StoredDifference) -> Option<Self> {
        let leg = |leg: &Leg| AdjustmentLeg { account: leg.account.to_string(), posted_minor: leg.posted_minor };
        let adjustment = difference.read()?.adjustment().iter().map(leg).collect();
        Some(Self { difference, adjustment })
    }
}

/// A page of differences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferencePage {
    /// From the last line to the first; before them what no line shows.
    pub items: Vec<DifferenceAnswer>,
    /// How many there are altogether.
    pub total: u64,
    /// Where the next page starts; left out on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::eur;
    use crate::domain::{ItemKind, ItemName, ItemState};

    #[test]
    fn a_summary_always_fits_into_its_index() {
        let summary = ReconciliationSummary {
            id: ReconciliationId::derived(0, &[b"x"]),
            provider: "p".repeat(20),
            statement: "s".repeat(40),
            from: "2026-01-01".to_owned(),
            to: "2026-12-31".to_owned(),
            status: ReconciliationStatus::Comparing,
            created_at: Timestamp::from_unix_ms(0),
        };
        assert!(serde_json::to_string(&summary).unwrap().len() <= records::MAX_SUMMARY_BYTES);
    }

    #[test]
    fn an_item_and_a_difference_read_back() {
        for state in ItemState::ALL {
            let standing = ItemStanding { state, amount: eur(7) };
            let text = serde_json::to_string(&StoredItem::from(standing)).unwrap();
            assert_eq!(serde_json::from_str::<StoredItem>(&text).unwrap().read(), Some(standing), "{text}");
        }
        let standing = ItemStanding { state: ItemState::Captured, amount: eur(7) };
        let name = ItemName::new(ItemKind::Charge, "ch_1").unwrap();
        let found = Difference {
            kinds: DifferenceKind::ALL.to_vec(),
            name: Some(name),
            here: Some(standing),
            there: Some(standing),
            fee_minor: 3,
            expected_fee_minor: Some(4),
        };
        for found in [found, Difference::unreadable()] {
            let stored = StoredDifference::new("1".to_owned(), Some(1), &found, Timestamp::from_unix_ms(0));
            let text = serde_json::to_string(&stored).unwrap();
            assert_eq!(serde_json::from_str::<StoredDifference>(&text).unwrap().read(), Some(found));
        }
    }
}
