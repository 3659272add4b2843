//! The two parts of a row of the audit trail, and what is answered of it.

use super::act::ActWord;
use ambient::Timestamp;
use principal::Client;
use records::{Break, Finding, MAX_TRAIL_BYTES, TrailRow, Verified};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// What proves, for ever in the chain; nothing personal.
///
/// **Shape** `{"act":"edit","step":"asked","id":"act_00…","actor":"usr_00…","letters":1,"first":"1767225600000-0",
/// "before":"<sha-256>","after":"<sha-256>","trace":"0af7…"}`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TrailText<'a> {
    pub act: Cow<'a, str>,
    pub step: Cow<'a, str>,
    pub id: Cow<'a, str>,
    pub actor: Cow<'a, str>,
    pub letters: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Cow<'a, str>>,
    pub trace: Cow<'a, str>,
}

/// What is personal: from where, and why in somebody's own words.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TrailPersonal<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// 32 hexadecimal digits, so that the digest in the chain tells nothing to whoever tries all addresses.
    pub salt: Cow<'a, str>,
}

impl TrailPersonal<'_> {
    /// The line, with 16 random bytes. Where agent and reason are too long together (both may be of characters that need
    /// four bytes), the agent is left out: it is what the client claims.
    pub(crate) fn line(client: &Client, reason: Option<&str>, salt: [u8; 16]) -> Result<String, serde_json::Error> {
        let with = |agent: Option<&str>| {
            serde_json::to_string(&TrailPersonal {
                address: client.address.map(|address| address.to_string().into()),
                agent: agent.map(|agent| agent.to_owned().into()),
                reason: reason.map(Cow::from),
                salt: format!("{:032x}", u128::from_be_bytes(salt)).into(),
            })
        };
        let line = with(client.agent.as_deref())?;
        if line.len() <= MAX_TRAIL_BYTES { Ok(line) } else { with(None) }
    }
}

/// One row of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRow {
    /// The place in the trail, from 1 without gaps.
    #[schema(minimum = 1)]
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Whose dead letters.
    #[schema(examples("notifications"))]
    pub context: String,
    /// What.
    #[schema(value_type = ActWord)]
    pub act: String,
    /// `asked` before it took effect, `done` afterwards.
    #[schema(pattern = "^(asked|done)$", examples("done"))]
    pub step: String,
    /// The act's name.
    pub id: String,
    /// Which account.
    pub actor: String,
    /// How many letters it is about.
    pub letters: u32,
    /// How many of them were there for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<u32>,
    /// The first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// SHA-256 of the event before an edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// SHA-256 of the event after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The request, as in the logs.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub trace: String,
    /// From which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the client said it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Why, in the operator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl AuditRow {
    /// What operators see of a row; `None` where it is not one that this context wrote.
    pub(crate) fn of(row: &TrailRow) -> Option<Self> {
        let text: TrailText<'_> = serde_json::from_str(&row.text).ok()?;
        let personal: Option<TrailPersonal<'_>> = row.personal.as_deref().map(serde_json::from_str).transpose().ok()?;
        let (address, agent, reason) =
            personal.map_or((None, None, None), |personal| (personal.address, personal.agent, personal.reason));
        Some(Self {
            seq: row.seq,
            at: row.at,
            context: row.account.to_string(),
            act: text.act.into_owned(),
            step: text.step.into_owned(),
            id: text.id.into_owned(),
            actor: text.actor.into_owned(),
            letters: text.letters,
            done: text.done,
            first: text.first.map(Cow::into_owned),
            before: text.before.map(Cow::into_owned),
            after: text.after.map(Cow::into_owned),
            trace: text.trace.into_owned(),
            address: address.map(Cow::into_owned),
            agent: agent.map(Cow::into_owned),
            reason: reason.map(Cow::into_owned),
        })
    }
}

/// Answer of `GET /v1/operations/audit`.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// Newest first.
    pub items: Vec<AuditRow>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Answer of `GET /v1/operations/audit/verify`.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditVerified {
    /// `intact`, `unfinished` or `broken`.
    #[schema(pattern = "^(intact|unfinished|broken)$", examples("intact"))]
    pub status: &'static str,
    /// Pages checked since the beginning.
    pub pages: u64,
    /// Rows checked since the beginning.
    pub rows: u64,
    /// Where `unfinished`: what to send as `cursor` to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Where `broken`: the first thing that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl From<Verified> for AuditVerified {
    fn from(verified: Verified) -> Self {
        let Verified { pages, rows, finding } = verified;
        let (status, next_cursor, broken) = match finding {
            Finding::Intact => ("intact", None, None),
            Finding::Unfinished(from) => ("unfinished", Some(from.to_string()), None),
            Finding::Broken(found) => ("broken", None, Some(Break::to_string(&found))),
        };
        Self { status, pages, rows, next_cursor, broken }
    }
}
