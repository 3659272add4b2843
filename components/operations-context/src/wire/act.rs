//! Acts, as they are answered.

use super::stored::{StoredAct, Summary};
use crate::domain::Act;
use ambient::Timestamp;
use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

ids::id!(
    /// An act of an operator's.
    ActId, "act"
);

/// The words for acts, in the API's document.
pub struct ActWord;

impl PartialSchema for ActWord {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Act::ALL.map(Act::word))).into()
    }
}

impl ToSchema for ActWord {}

/// One act of an operator's.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActAnswer {
    /// Its name.
    pub id: ActId,
    /// What was done.
    #[schema(value_type = ActWord)]
    pub act: String,
    /// Whose dead letters.
    #[schema(examples("notifications"))]
    pub context: String,
    /// `asked`: written down, whether it has taken effect is open: repeat the request. `done`: it has.
    #[schema(pattern = "^(asked|done)$", examples("done"))]
    pub status: &'static str,
    /// Which account.
    pub by: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request, as in the logs.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub trace: String,
    /// Each letter.
    pub letters: Vec<ActLetter>,
    /// How many were there for it.
    pub done: usize,
    /// How many were not: handled or purged in the meantime, or replaced because a replay failed again.
    pub gone: usize,
    /// Where a selection goes on: what to send as `cursor`, with another key; absent where no letter is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("1767225600000-0"))]
    pub next_cursor: Option<String>,
}

/// What became of one letter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActLetter {
    /// Its name.
    #[schema(pattern = "^[0-9]+-[0-9]+$", examples("1767225600000-0"))]
    pub id: String,
    /// `replayed`, `edited`, `purged`, or `gone`; absent while the act is not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(replayed|edited|purged|gone)$", examples("replayed"))]
    pub outcome: Option<&'static str>,
}

impl ActAnswer {
    pub(crate) fn of(id: ActId, stored: &StoredAct) -> Self {
        let word = match stored.act.parse() {
            Ok(Act::Edit) => "edited",
            Ok(Act::Purge) => "purged",
            Ok(Act::Replay) | Err(_) => "replayed",
        };
        let end = stored.end.as_ref();
        let outcome = |place: usize| {
            let was_there = end?.was_there.get(place).copied()?;
            Some(if was_there { word } else { "gone" })
        };
        let letters: Vec<_> = stored
            .letters
            .iter()
            .enumerate()
            .map(|(place, letter)| ActLetter { id: letter.clone(), outcome: outcome(place) })
            .collect();
        let count = |wanted: bool| end.map_or(0, |end| end.was_there.iter().filter(|was| **was == wanted).count());
        Self {
            id,
            act: stored.act.clone(),
            context: stored.context.clone(),
            status: if end.is_some() { "done" } else { "asked" },
            by: stored.by.clone(),
            asked_at: stored.asked_at,
            done_at: end.map(|end| end.at),
            reason: stored.reason.clone(),
            trace: stored.trace.clone(),
            letters,
            done: count(true),
            gone: count(false),
            next_cursor: stored.next.clone(),
        }
    }
}

/// An act in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActLine {
    /// Its name.
    pub id: ActId,
    /// What was done.
    #[schema(value_type = ActWord)]
    pub act: String,
    /// Whose dead letters.
    #[schema(examples("notifications"))]
    pub context: String,
    /// `asked` or `done`.
    #[schema(pattern = "^(asked|done)$", examples("done"))]
    pub status: &'static str,
    /// Which account.
    pub by: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// How many letters it is about.
    pub letters: u32,
    /// How many of them were there for it.
    pub done: u32,
}

impl ActLine {
    pub(crate) fn of(id: ActId, summary: Summary) -> Self {
        Self {
            id,
            act: summary.a,
            context: summary.c,
            status: if summary.d.is_some() { "done" } else { "asked" },
            by: summary.b,
            asked_at: summary.t,
            letters: summary.n,
            done: summary.d.unwrap_or_default(),
        }
    }
}

/// Answer of `GET /v1/operations/acts`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActPage {
    /// Newest first.
    pub items: Vec<ActLine>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
