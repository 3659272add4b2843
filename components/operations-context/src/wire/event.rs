//! Events as operators see them: without the personal part, which nobody but the context's own consumers unseals.

use super::born;
use ambient::Timestamp;
use events::{Envelope, Span, StreamEntry, StreamName, ToldPage};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// How much of what is no event is shown.
const SHOWN_BYTES: usize = 512;

/// What lies somewhere: an event, or something that is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lying {
    /// The envelope without its `personal` member; absent where it is no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub event: Option<Map<String, Value>>,
    /// Whether the envelope has a `personal` member.
    pub has_personal: bool,
    /// What lies there instead of an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

/// Something that is no event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unreadable {
    /// Why it is none.
    pub why: String,
    /// Its first bytes as text; what is no text is replaced.
    pub beginning: String,
}

impl Lying {
    pub(crate) fn of(payload: &[u8]) -> Self {
        let unreadable = |why: String| {
            let beginning = payload.get(..SHOWN_BYTES).unwrap_or(payload);
            let beginning = String::from_utf8_lossy(beginning).into_owned();
            Self { event: None, has_personal: false, unreadable: Some(Unreadable { why, beginning }) }
        };
        if payload.is_empty() {
            return unreadable("the stream was trimmed before the event was handled".to_owned());
        }
        if let Err(error) = Envelope::from_json(payload) {
            return unreadable(error.to_string());
        }
        match serde_json::from_slice::<Map<String, Value>>(payload) {
            Ok(mut members) => {
                let has_personal = members.remove("personal").is_some();
                Self { event: Some(members), has_personal, unreadable: None }
            }
            Err(error) => unreadable(error.to_string()),
        }
    }
}

/// One entry of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventAnswer {
    /// Its place.
    #[schema(pattern = "^[0-9]+-[0-9]+$", examples("1767225600000-0"))]
    pub entry: String,
    /// When it was appended.
    pub at: Timestamp,
    /// The size of the envelope.
    pub bytes: usize,
    /// What lies there.
    #[serde(flatten)]
    pub lying: Lying,
}

impl From<StreamEntry> for EventAnswer {
    fn from(entry: StreamEntry) -> Self {
        let lying = Lying::of(&entry.payload);
        Self { entry: entry.id.to_string(), at: born(entry.id), bytes: entry.payload.len(), lying }
    }
}

/// Answer of `GET /v1/operations/streams/{context}/events`.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The stream: the context and the partition.
    #[schema(pattern = "^[a-z-]+/[0-9]+$", examples("payments/0"))]
    pub stream: String,
    /// Newest first; with `after` and `since`, oldest first. A page may have fewer than were asked for and not be the last.
    pub items: Vec<EventAnswer>,
    /// What to send as `cursor` for the next page; absent on the last one, and with `after` and `since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("1767225600000-0"))]
    pub next_cursor: Option<String>,
    /// With `after` and `since`: what to send as `after` for the next page; absent where nothing more was told by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("1767225600000-0"))]
    pub next_after: Option<String>,
    /// Whether events are missing that are not kept any more: between `after` or `since` and the first item; going back, before
    /// the last one.
    pub has_gap: bool,
}

impl EventPage {
    pub(crate) fn of(stream: &StreamName, span: Span, page: ToldPage) -> Self {
        let next = page.entries.last().filter(|_| page.has_more).map(|last| last.id.to_string());
        let (next_cursor, next_after) = match span {
            Span::Before(_) => (next, None),
            Span::After(_) => (None, next),
        };
        let items = page.entries.into_iter().map(Into::into).collect();
        Self { stream: stream.to_string(), items, next_cursor, next_after, has_gap: page.has_gap }
    }
}
