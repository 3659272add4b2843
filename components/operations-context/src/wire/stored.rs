//! An act as it lies in the store.

use ambient::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One act: what was asked, and once it has taken effect, what became of each letter.
///
/// **Invariant** written before anything happens, with the letters that it is about: whoever repeats the request after a
/// crash goes on with these, and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAct {
    /// `replay`, `edit` or `purge`.
    pub act: String,
    /// Whose dead letters.
    pub context: String,
    /// Which account.
    pub by: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// The trace of the request.
    pub trace: String,
    /// SHA-256 of the request, in hexadecimal.
    pub fingerprint: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which letters.
    pub letters: Vec<String>,
    /// Where the selection goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// An edit's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    /// SHA-256 of the event before and after an edit, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<(String, String)>,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<StoredEnd>,
}

/// The end of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEnd {
    /// When.
    pub at: Timestamp,
    /// Whether each letter, in the order of `letters`, was there for it.
    pub was_there: Vec<bool>,
}

/// What the list of acts shows, in the index.
///
/// **Shape** `{"a":"replay","c":"payments","b":"usr_00…","t":"2026-…Z","n":3,"d":3}`, without `d` until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The act.
    pub a: String,
    /// The context.
    pub c: String,
    /// By whom.
    pub b: String,
    /// When it was asked for.
    pub t: Timestamp,
    /// How many letters.
    pub n: u32,
    /// How many of them were there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub d: Option<u32>,
}
