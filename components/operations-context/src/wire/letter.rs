//! Dead letters.

use super::event::Lying;
use ambient::Timestamp;
use events::{DeadLetter, Envelope, ReplayState};
use serde::Serialize;
use utoipa::ToSchema;

/// How many dead letters a context has.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepthAnswer {
    /// Whose groups gave them up.
    #[schema(examples("notifications"))]
    pub context: String,
    /// How many there are.
    pub letters: u64,
    /// When the oldest was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_at: Option<Timestamp>,
}

/// Answer of `GET /v1/operations/dead-letters`.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepthsAnswer {
    /// Every context.
    pub items: Vec<DepthAnswer>,
}

/// A dead letter in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterLine {
    /// Its name among the dead letters of its context.
    #[schema(pattern = "^[0-9]+-[0-9]+$", examples("1767225600000-0"))]
    pub id: String,
    /// When it was given up.
    pub at: Timestamp,
    /// Which group gave it up.
    #[schema(examples("notifications-worker"))]
    pub group: String,
    /// Why.
    pub cause: String,
    /// The stream that it came from.
    #[schema(pattern = "^[a-z-]+/[0-9]+$", examples("payments/0"))]
    pub stream: String,
    /// Its place there.
    #[schema(pattern = "^[0-9]+-[0-9]+$", examples("1767225600000-0"))]
    pub entry: String,
    /// How often it was handed out.
    pub deliveries: u32,
    /// The trace of its cause; absent where it is no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub trace: Option<String>,
    /// The event's id; absent where it is no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(examples("payments.payment.captured.v1"))]
    pub kind: Option<String>,
    /// What it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl From<&DeadLetter> for LetterLine {
    fn from(letter: &DeadLetter) -> Self {
        let event = Envelope::from_json(&letter.payload).ok();
        let (event_id, kind, subject) = event
            .map_or((None, None, None), |event| (Some(event.id.to_string()), Some(event.kind), Some(event.subject)));
        Self {
            id: letter.id.to_string(),
            at: letter.at,
            group: letter.group.clone(),
            cause: letter.cause.clone(),
            stream: letter.stream.to_string(),
            entry: letter.entry.to_string(),
            deliveries: letter.deliveries,
            trace: Some(letter.trace.clone()).filter(|trace| !trace.is_empty()),
            event_id,
            kind,
            subject,
        }
    }
}

/// Answer of `GET /v1/operations/dead-letters/{context}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterPage {
    /// Newest first. A page may be shorter than its limit although more follow, where a group or a moment is asked for.
    pub items: Vec<LetterLine>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("1767225600000-0"))]
    pub next_cursor: Option<String>,
}

/// A replay that was asked for and is not at its end.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// When the group is handed the letter, or where it is in a worker's hands, when it is handed to another.
    pub due_at: Timestamp,
    /// How often it was handed out since it was asked for.
    pub deliveries: u32,
    /// How often it was put off since.
    pub retries: u32,
    /// Whether it is handed out with other data.
    pub edited: bool,
}

impl From<ReplayState> for ReplayAnswer {
    fn from(state: ReplayState) -> Self {
        let ReplayState { due, deliveries, retries, edited } = state;
        Self { due_at: due, deliveries, retries, edited }
    }
}

/// Answer of `GET /v1/operations/dead-letters/{context}/{letter}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterAnswer {
    /// As in a list.
    #[serde(flatten)]
    pub line: LetterLine,
    /// What lies there.
    #[serde(flatten)]
    pub lying: Lying,
    /// The replay that is under way, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayAnswer>,
}
