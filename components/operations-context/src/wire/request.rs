//! What operators ask for.

use ambient::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Body of a replay of one letter; may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// Why, in the operator's words.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: Option<String>,
}

/// Body of a purge of one letter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurgeRequest {
    /// Why, in the operator's words.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// Body of an edit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// What takes the place of the event's `data`. Every other member stays, its id before all.
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
    /// Why, in the operator's words.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// Body of a replay or purge of many letters: those that are named, or those that the other members describe. At least one
/// of `letters`, `group`, `since`, `until` and `all` must say which.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManyRequest {
    /// These letters, and no other member but `reason`.
    #[schema(min_items = 1, max_items = 100)]
    pub letters: Option<Vec<String>>,
    /// Letters that this group gave up.
    #[schema(examples("notifications-worker"))]
    pub group: Option<String>,
    /// Letters that were given up at this moment or later.
    pub since: Option<Timestamp>,
    /// Letters that were given up at this moment or earlier.
    pub until: Option<Timestamp>,
    /// Every letter of the context.
    #[serde(default)]
    pub all: bool,
    /// What the answer before named as `next_cursor`.
    pub cursor: Option<String>,
    /// How many letters one request takes; 100 where nothing is said.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// Why, in the operator's words. A purge needs one.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: Option<String>,
}

/// The query of a list of dead letters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LettersQuery {
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
    /// Entries of a page; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// Only letters of this group.
    #[param(min_length = 1)]
    pub group: Option<String>,
    /// Only letters that were given up at this moment or later.
    pub since: Option<Timestamp>,
    /// Only letters that were given up at this moment or earlier.
    pub until: Option<Timestamp>,
}

/// The query of a look at what was told.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// What the page before named as `next_cursor`: what is older than that entry.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
    /// What is younger than this entry, oldest first: to follow a stream.
    #[param(min_length = 1)]
    pub after: Option<String>,
    /// What was told at this moment or later, oldest first; `next_after` goes on.
    pub since: Option<Timestamp>,
    /// Entries of a page; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// Which partition; 0 where nothing is said.
    #[param(maximum = 63, example = 0)]
    pub partition: Option<u8>,
}

/// The query of a look at one stream.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Which partition; 0 where nothing is said.
    #[param(maximum = 63, example = 0)]
    pub partition: Option<u8>,
}

/// The query of a list of acts or of the trail.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
    /// Entries of a page; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
}

/// The query of a check of the trail.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// What the check before named as `next_cursor`.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}
