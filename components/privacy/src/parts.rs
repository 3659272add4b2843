//! The parts of a receipt and of an export: what each service hands in.

use ambient::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The most bytes that one page of an export may have as JSON; it becomes the body of a record.
pub const MAX_PAGE_BYTES: usize = 48 * 1024;
/// The most pages that one service hands in.
pub const MAX_EXPORT_PAGES: u32 = 64;

/// Who has data of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Accounts, sessions, claims on addresses.
    Users,
    /// Payments and saved ways to pay.
    Payments,
    /// Inbox, letters, contacts.
    Notifications,
    /// What is projected from the events of the others.
    Queries,
    /// Endpoints, and what was sent to them.
    Webhooks,
}

impl Service {
    /// All of them, in the order of the receipt.
    pub const ALL: [Self; 5] = [Self::Users, Self::Payments, Self::Notifications, Self::Queries, Self::Webhooks];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Payments => "payments",
            Self::Notifications => "notifications",
            Self::Queries => "queries",
            Self::Webhooks => "webhooks",
        }
    }

    /// The service of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.word() == word)
    }
}

/// Something that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Erased {
    /// What, such as `inbox_notifications`.
    pub what: String,
    /// How many there were.
    pub count: u64,
}

/// Something that stays, and why it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    /// What, such as `ledger_rows`.
    pub what: String,
    /// How many; absent where nobody counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Why, in a sentence.
    pub why: String,
}

/// Something that must end before it can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InFlight {
    /// What, such as `payments_in_flight`.
    pub what: String,
    /// How many.
    pub count: u64,
    /// What they wait for, in a sentence.
    pub why: String,
}

/// What one service did for an erasure. Handing it in again replaces it, unless it is older.
///
/// **Invariant** counts are those of everything that was taken away so far, however often the service was asked: a
/// repetition never says less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasurePart {
    /// Which of the two looks this was: 1 at once, 2 when the last access token had expired.
    pub look: u8,
    /// When it was done.
    pub at: Timestamp,
    /// What is gone.
    pub erased: Vec<Erased>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// What has to end first; the part is done when there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<InFlight>,
}

/// Which page of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageOf {
    /// From 0.
    pub number: u32,
    /// Whether it is the last one.
    pub last: bool,
}

/// One page of one service's part of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportPage {
    /// Which.
    pub page: PageOf,
    /// Whether there was more than may be handed in; said on the last page.
    pub truncated: bool,
    /// What is on it: a section's name with its items, in order. **Invariant** at most [`MAX_PAGE_BYTES`] as JSON.
    pub items: Vec<(String, Value)>,
}

/// Fills pages one after the other.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    full: Vec<Vec<(String, Value)>>,
    open: Vec<(String, Value)>,
    open_bytes: usize,
    truncated: bool,
}

impl Pages {
    /// Adds an item of a section: whether there was room. What is larger than a page, or comes when all are full, is left
    /// out, and the last page says so.
    pub fn add(&mut self, section: &str, item: Value) -> bool {
        let bytes = item.to_string().len().saturating_add(section.len()).saturating_add(8);
        if self.truncated || bytes > MAX_PAGE_BYTES {
            self.truncated = true;
            return false;
        }
        if self.open_bytes.saturating_add(bytes) > MAX_PAGE_BYTES {
            if self.full.len().saturating_add(1) >= MAX_EXPORT_PAGES as usize {
                self.truncated = true;
                return false;
            }
            self.full.push(core::mem::take(&mut self.open));
            self.open_bytes = 0;
        }
        self.open_bytes = self.open_bytes.saturating_add(bytes);
        self.open.push((section.to_owned(), item));
        true
    }

    /// The pages; at least one, so that an empty part is handed in too.
    pub fn finish(mut self) -> Vec<ExportPage> {
        self.full.push(self.open);
        let count = self.full.len();
        let (truncated, numbered) = (self.truncated, self.full.into_iter().zip(0u32..));
        numbered
            .map(|(items, number)| {
                let last = (number as usize).saturating_add(1) == count;
                ExportPage { page: PageOf { number, last }, truncated: truncated && last, items }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_hold_everything_in_order_and_none_is_too_large() {
        let mut pages = Pages::default();
        for number in 0..200 {
            assert!(pages.add("things", json!({ "number": number, "text": "x".repeat(1_000) })));
        }
        let pages = pages.finish();
        assert!(pages.len() > 1);
        let numbers: Vec<_> =
            pages.iter().flat_map(|page| &page.items).map(|(_, item)| item["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
        for (place, page) in pages.iter().enumerate() {
            assert!(serde_json::to_string(&page.items).unwrap().len() <= MAX_PAGE_BYTES);
            assert_eq!((page.page.number as usize, page.page.last), (place, place + 1 == pages.len()));
            assert!(!page.truncated);
        }
    }

    #[test]
    fn an_empty_part_is_one_empty_page() {
        let pages = Pages::default().finish();
        assert_eq!(pages, [ExportPage { page: PageOf { number: 0, last: true }, truncated: false, items: vec![] }]);
    }

    #[test]
    fn more_than_fits_is_left_out_and_said() {
        let mut pages = Pages::default();
        let mut taken = 0;
        while pages.add("things", json!("x".repeat(40_000))) {
            taken += 1;
        }
        assert!(!pages.add("things", json!(1)), "what comes after a gap would hide it");
        let pages = pages.finish();
        assert_eq!((taken, pages.len()), (MAX_EXPORT_PAGES as usize, MAX_EXPORT_PAGES as usize));
        assert!(pages.iter().all(|page| page.truncated == page.page.last));
        let mut large = Pages::default();
        assert!(!large.add("things", json!("x".repeat(MAX_PAGE_BYTES))));
        assert!(large.finish()[0].truncated);
    }

    #[test]
    fn every_service_is_found_by_its_word() {
        for service in Service::ALL {
            assert_eq!(Service::of_word(service.word()), Some(service));
            assert_eq!(serde_json::to_value(service).unwrap(), service.word());
        }
        assert_eq!(Service::of_word("sandbox"), None);
    }
}
