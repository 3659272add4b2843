//! The body: what lies in the key-value store for one version of one record, written once.
//!
//! **Shape** a JSON object that carries the whole change, so that archive, sealing and rebuild need nothing else:
//!
//! ```json
//! {"v":1,"key":"payment:pay_1","version":"1.7","previous":"payments:payment:pay_1:1.6.0199…","at":"2026-01-01T00:00:00.000Z",
//!  "trace":"…","cause":null,"actor":"usr_1","change":{"once":null,"postings":[],"events":[],"index":[],"timers":[],
//!  "keep_previous":false},"content":{"status":"captured"}}
//! ```
//!
//! A content that is not JSON stands in `content_base64`; a tombstone has `"tombstone":true` and neither.

use crate::keys::once_digest;
use ambient::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use records::{Change, Content, IndexStep, Once, OnceStep, Posting, TimerStep, TrailEntry, Version, WrittenEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The version of this shape.
const SHAPE: u8 = 1;

#[derive(Serialize)]
struct BodyOut<'a> {
    v: u8,
    key: &'a str,
    version: Version,
    previous: Option<&'a str>,
    at: Timestamp,
    trace: &'a str,
    cause: Option<&'a str>,
    actor: Option<&'a str>,
    change: ChangeOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_base64: Option<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    tombstone: bool,
}

#[derive(Serialize)]
struct ChangeOut<'a> {
    once: Option<OnceOut<'a>>,
    postings: Vec<PostingOut<'a>>,
    events: Vec<&'a RawValue>,
    index: Vec<IndexOut<'a>>,
    timers: Vec<TimerOut<'a>>,
    /// Without what is personal: bodies are kept for other reasons than rows of the trail are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trail: Vec<TrailOut<'a>>,
    keep_previous: bool,
}

#[derive(Serialize)]
struct TrailOut<'a> {
    account: &'a str,
    digest: String,
    text: &'a str,
}

#[derive(Serialize)]
struct OnceOut<'a> {
    digest: String,
    fingerprint: String,
    attempt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
}

#[derive(Serialize)]
struct PostingOut<'a> {
    account: &'a str,
    currency: &'a str,
    posted_minor: i64,
    held_minor: i64,
    floor_minor: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum IndexOut<'a> {
    Put { index: &'a str, sort: &'a str, summary: &'a str },
    Remove { index: &'a str, sort: &'a str },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum TimerOut<'a> {
    Set { name: &'a str, due: Timestamp },
    Clear { name: &'a str },
}

impl<'a> From<&'a Once> for OnceOut<'a> {
    fn from(once: &'a Once) -> Self {
        let (digest, fingerprint) = (once_digest(&once.key), once.fingerprint.to_string());
        match &once.step {
            OnceStep::Begin { attempt, lease_ms } => Self {
                digest,
                fingerprint,
                attempt: Some(attempt.to_string()),
                lease_ms: Some(*lease_ms),
                status: None,
                answer: None,
            },
            OnceStep::Finish { attempt, answer } => Self {
                digest,
                fingerprint,
                attempt: attempt.map(|attempt| attempt.to_string()),
                lease_ms: None,
                status: Some(answer.status),
                answer: Some(&answer.body),
            },
        }
    }
}

impl<'a> From<&'a Posting> for PostingOut<'a> {
    fn from(posting: &'a Posting) -> Self {
        Self {
            account: posting.account.as_str(),
            currency: &posting.currency,
            posted_minor: posting.posted_minor,
            held_minor: posting.held_minor,
            floor_minor: posting.floor_minor,
        }
    }
}

impl<'a> From<&'a TrailEntry> for TrailOut<'a> {
    fn from(entry: &'a TrailEntry) -> Self {
        Self { account: entry.account.as_str(), digest: entry.digest(), text: &entry.text }
    }
}

impl<'a> From<&'a IndexStep> for IndexOut<'a> {
    fn from(step: &'a IndexStep) -> Self {
        match step {
            IndexStep::Put { index, sort, summary } => Self::Put { index: index.as_str(), sort, summary },
            IndexStep::Remove { index, sort } => Self::Remove { index: index.as_str(), sort },
        }
    }
}

impl<'a> From<&'a TimerStep> for TimerOut<'a> {
    fn from(step: &'a TimerStep) -> Self {
        match step {
            TimerStep::Set { name, due } => Self::Set { name, due: *due },
            TimerStep::Clear { name } => Self::Clear { name },
        }
    }
}

/// Writes the body of a change at a version.
///
/// # Errors
/// The encoder's; a change that passed its checks has none.
pub(crate) fn write(
    change: &Change,
    version: Version,
    previous: Option<&str>,
    events: &[WrittenEvent],
) -> Result<Vec<u8>, serde_json::Error> {
    let (content, content_base64, tombstone) = match &change.content {
        Content::Tombstone => (None, None, true),
        Content::Body(bytes) => match serde_json::from_slice::<&RawValue>(bytes) {
            // What is read back must be the same bytes: white space around the value would be lost, `null` be nothing.
            Ok(raw) if raw.get().len() == bytes.len() && raw.get() != "null" => (Some(raw), None, false),
            _ => (None, Some(STANDARD.encode(bytes)), false),
        },
    };
    let events = events.iter().map(|event| serde_json::from_str(&event.json)).collect::<Result<Vec<&RawValue>, _>>()?;
    serde_json::to_vec(&BodyOut {
        v: SHAPE,
        key: change.key.as_str(),
        version,
        previous,
        at: change.meta.at,
        trace: &change.meta.trace,
        cause: change.meta.cause.as_ref().map(events::EventId::as_str),
        actor: change.meta.actor.as_deref(),
        change: ChangeOut {
            once: change.once.as_ref().map(OnceOut::from),
            postings: change.postings.iter().map(PostingOut::from).collect(),
            events,
            index: change.index.iter().map(IndexOut::from).collect(),
            timers: change.timers.iter().map(TimerOut::from).collect(),
            trail: change.trail.iter().map(TrailOut::from).collect(),
            keep_previous: change.keep_previous,
        },
        content,
        content_base64,
        tombstone,
    })
}

/// What a load needs of a body; the rest is for archive, sealing and rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) content: Option<Bytes>,
    pub(crate) at: Timestamp,
}

#[derive(Deserialize)]
struct BodyIn<'a> {
    v: u8,
    at: Timestamp,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    content_base64: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    tombstone: bool,
}

/// Reads a body; `None` where the bytes are not one of this shape.
pub(crate) fn read(bytes: &[u8]) -> Option<Loaded> {
    let body: BodyIn<'_> = serde_json::from_slice(bytes).ok()?;
    if body.v != SHAPE {
        return None;
    }
    let content = match (body.content, body.content_base64, body.tombstone) {
        (Some(raw), None, false) => Some(Bytes::copy_from_slice(raw.get().as_bytes())),
        (None, Some(text), false) => Some(Bytes::from(STANDARD.decode(text.as_bytes()).ok()?)),
        (None, None, true) => None,
        _ => return None,
    };
    Some(Loaded { content, at: body.at })
}

/// A body with the whole change, for the cleaner and for a rebuild; without the content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Whole {
    pub(crate) key: String,
    pub(crate) version: Version,
    pub(crate) previous: Option<String>,
    pub(crate) change: ChangeIn,
    pub(crate) tombstone: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChangeIn {
    pub(crate) once: Option<OnceIn>,
    pub(crate) postings: Vec<PostingIn>,
    /// Name and envelope.
    pub(crate) events: Vec<(String, String)>,
    pub(crate) index: Vec<IndexIn>,
    pub(crate) timers: Vec<TimerIn>,
    pub(crate) trail: Vec<TrailIn>,
    pub(crate) keep_previous: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrailIn {
    pub(crate) account: String,
    pub(crate) digest: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OnceIn {
    pub(crate) digest: String,
    pub(crate) fingerprint: String,
    pub(crate) attempt: Option<String>,
    pub(crate) lease_ms: i64,
    /// Status and body of the answer, where there is one.
    pub(crate) answer: Option<(i64, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PostingIn {
    pub(crate) account: String,
    pub(crate) currency: String,
    pub(crate) posted_minor: i64,
    pub(crate) held_minor: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum IndexIn {
    Put { index: String, sort: String, summary: String },
    Remove { index: String, sort: String },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TimerIn {
    Set { name: String, due: Timestamp },
    Clear { name: String },
}

/// A member that is a text.
fn text(of: &Value, member: &str) -> Option<String> {
    of.get(member)?.as_str().map(str::to_owned)
}

/// A member that is a list, each of its elements read; an absent one is empty.
fn list<T>(of: &Value, member: &str, read: fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    of.get(member).map_or_else(|| Some(Vec::new()), |all| all.as_array()?.iter().map(read).collect())
}

impl OnceIn {
    fn read(of: &Value) -> Option<Self> {
        let answer = match of.get("status") {
            Some(status) => Some((status.as_i64()?, text(of, "answer")?)),
            None => None,
        };
        let lease_ms = of.get("lease_ms").map_or(Some(0), Value::as_i64)?;
        let (digest, fingerprint) = (text(of, "digest")?, text(of, "fingerprint")?);
        Some(Self { digest, fingerprint, attempt: text(of, "attempt"), lease_ms, answer })
    }
}

impl PostingIn {
    fn read(of: &Value) -> Option<Self> {
        Some(Self {
            account: text(of, "account")?,
            currency: text(of, "currency")?,
            posted_minor: of.get("posted_minor")?.as_i64()?,
            held_minor: of.get("held_minor")?.as_i64()?,
        })
    }
}

impl IndexIn {
    fn read(of: &Value) -> Option<Self> {
        if let Some(put) = of.get("put") {
            let (index, sort, summary) = (text(put, "index")?, text(put, "sort")?, text(put, "summary")?);
            return Some(Self::Put { index, sort, summary });
        }
        let remove = of.get("remove")?;
        Some(Self::Remove { index: text(remove, "index")?, sort: text(remove, "sort")? })
    }
}

impl TimerIn {
    fn read(of: &Value) -> Option<Self> {
        if let Some(set) = of.get("set") {
            return Some(Self::Set { name: text(set, "name")?, due: text(set, "due")?.parse().ok()? });
        }
        Some(Self::Clear { name: text(of.get("clear")?, "name")? })
    }
}

impl TrailIn {
    fn read(of: &Value) -> Option<Self> {
        Some(Self { account: text(of, "account")?, digest: text(of, "digest")?, text: text(of, "text")? })
    }
}

/// The events of a change, byte for byte as they were told.
#[derive(Deserialize)]
struct EventsIn<'a> {
    #[serde(borrow)]
    change: EventsOfChange<'a>,
}

#[derive(Deserialize)]
struct EventsOfChange<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// Reads a body with its change; `None` where the bytes are not one of this shape. Not by derived readers of all its
/// parts: those weigh more in a component than the time is worth that they save.
pub(crate) fn whole(bytes: &[u8]) -> Option<Whole> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    if body.get("v")?.as_u64()? != u64::from(SHAPE) {
        return None;
    }
    let raw: EventsIn<'_> = serde_json::from_slice(bytes).ok()?;
    let change = body.get("change")?;
    let ids = list(change, "events", |event| text(event, "id"))?;
    let once = change.get("once").filter(|once| !once.is_null());
    Some(Whole {
        key: text(&body, "key")?,
        version: text(&body, "version")?.parse().ok()?,
        previous: text(&body, "previous"),
        change: ChangeIn {
            once: match once {
                Some(once) => Some(OnceIn::read(once)?),
                None => None,
            },
            postings: list(change, "postings", PostingIn::read)?,
            events: ids.into_iter().zip(raw.change.events.iter().map(|event| event.get().to_owned())).collect(),
            index: list(change, "index", IndexIn::read)?,
            timers: list(change, "timers", TimerIn::read)?,
            trail: list(change, "trail", TrailIn::read)?,
            keep_previous: change.get("keep_previous")?.as_bool()?,
        },
        tombstone: body.get("tombstone").is_some_and(|tombstone| tombstone == true),
    })
}

#[derive(Deserialize)]
struct PredecessorIn {
    v: u8,
    previous: Option<String>,
}

/// The name of the body that this one replaced, where it replaced one; `None` where the bytes are no body of this shape.
pub(crate) fn predecessor(bytes: &[u8]) -> Option<Option<String>> {
    let body: PredecessorIn = serde_json::from_slice(bytes).ok()?;
    (body.v == SHAPE).then_some(body.previous)
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::{Meta, RecordKey};

    fn written(content: Content) -> Vec<u8> {
        let meta = Meta { at: Timestamp::from_unix_ms(7), trace: "0".repeat(32), cause: None, actor: None };
        let change = Change::new(RecordKey::new("thing:1").unwrap(), None, content, meta);
        write(&change, Version { epoch: 1, number: 1 }, None, &[]).unwrap()
    }

    #[test]
    fn every_content_reads_back_byte_for_byte() {
        for content in ["{\"a\":1}", " {\"a\":1}\n", "not json", "null", "\"ü\\u0000\"", ""] {
            let body = written(Content::Body(content.into()));
            let loaded = read(&body).unwrap();
            assert_eq!(loaded.content, Some(Bytes::from(content)), "{content:?}");
            assert_eq!(loaded.at, Timestamp::from_unix_ms(7));
        }
        assert_eq!(
            read(&written(Content::Body(vec![0xff, 0].into()))).unwrap().content,
            Some(Bytes::from(vec![0xff, 0]))
        );
        assert_eq!(read(&written(Content::Tombstone)).unwrap().content, None);
    }

    #[test]
    fn bytes_that_are_no_body_are_not_read_as_one() {
        for garbage in [
            "",
            "{}",
            "{\"v\":2,\"at\":\"2026-01-01T00:00:00.000Z\",\"content\":{}}",
            "{\"v\":1,\"at\":\"2026-01-01T00:00:00.000Z\"}",
        ] {
            assert_eq!(read(garbage.as_bytes()), None, "{garbage}");
        }
    }
}
