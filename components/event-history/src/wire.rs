//! The answer of the route.

use events::{EntryId, Span, StreamEntry, StreamName, ToldPage};
use serde::{Deserialize, Serialize};

/// The most bytes of envelopes in one answer, unless its first has more: whatever has to be escaped in it, the answer stays
/// below what the house's clients read (1 MiB).
const MOST_BYTES: usize = 160 * 1024;

/// Answer of `GET /internal/<context>/events`.
///
/// **Shape** `{"stream":"payments/0","items":[{"entry":"1767225600000-0","envelope":"{…}"}],"next":"1767225600000-0",
/// "has_gap":false}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldAnswer {
    /// Whose events these are, and of which partition.
    pub stream: String,
    /// After an entry, oldest first; before one, newest first.
    pub items: Vec<ToldItem>,
    /// Where the next page begins: to send as `after`, or going back as `before`. Absent where there is nothing more now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether events are missing that are not kept any more: between `after` and the first of these; going back, before the
    /// last of these.
    pub has_gap: bool,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldItem {
    /// Its place in the stream, which is also its place in the archive.
    pub entry: String,
    /// The envelope as it was told, character for character: JSON, its `personal` member sealed.
    pub envelope: String,
}

impl ToldAnswer {
    /// A page as it goes out: of many large events only the first, the rest with the next page.
    pub(crate) fn of(stream: &StreamName, span: Span, page: ToldPage) -> Self {
        let (mut bytes, mut items) = (0usize, Vec::with_capacity(page.entries.len()));
        let ToldPage { entries, mut has_more, mut has_gap } = page;
        for entry in &entries {
            bytes = bytes.saturating_add(entry.payload.len());
            if bytes > MOST_BYTES && !items.is_empty() {
                has_more = true;
                // Going back, a gap lies behind the last page.
                has_gap &= matches!(span, Span::After(_));
                break;
            }
            // What is no text is no event: a commit writes JSON.
            let envelope = String::from_utf8_lossy(&entry.payload).into_owned();
            items.push(ToldItem { entry: entry.id.to_string(), envelope });
        }
        let next = items.last().filter(|_| has_more).map(|last| last.entry.clone());
        Self { stream: stream.to_string(), items, next, has_gap }
    }

    /// The page that it means; `None` where an entry is none.
    pub(crate) fn into_page(self) -> Option<ToldPage> {
        let entry = |item: ToldItem| {
            Some(StreamEntry { id: item.entry.parse::<EntryId>().ok()?, payload: item.envelope.into_bytes() })
        };
        let entries = self.items.into_iter().map(entry).collect::<Option<Vec<_>>>()?;
        Some(ToldPage { entries, has_more: self.next.is_some(), has_gap: self.has_gap })
    }
}
