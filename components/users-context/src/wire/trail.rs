//! The two parts of an entry of the audit trail, and what is answered of it.

use crate::domain::{Act, Deed, Why};
use ambient::Timestamp;
use ids::UserId;
use principal::Client;
use records::{Break, Finding, TrailRow, Verified};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// What proves, for ever in the chain; nothing personal.
///
/// **Shape** `{"act":"log_in","result":"refused","why":"password","actor":null,"about":null,"trace":"0af7…"}`
#[derive(Debug, Serialize, Deserialize)]
pub struct TrailText<'a> {
    act: Cow<'a, str>,
    result: Cow<'a, str>,
    why: Option<Cow<'a, str>>,
    actor: Option<UserId>,
    about: Option<Cow<'a, str>>,
    trace: Cow<'a, str>,
}

impl TrailText<'_> {
    /// Tells a deed.
    pub(crate) fn of(deed: &Deed, actor: Option<UserId>, trace: String) -> TrailText<'_> {
        TrailText {
            act: deed.act.word().into(),
            result: if deed.refused.is_some() { "refused" } else { "done" }.into(),
            why: deed.refused.map(|why| why.word().into()),
            actor,
            about: deed.about.as_deref().map(Cow::from),
            trace: trace.into(),
        }
    }
}

/// What is personal, among the account's own rows until it is erased.
///
/// **Shape** `{"address":"192.0.2.1","agent":"Laptop/1.0","salt":"<32 hexadecimal digits>"}`; the salt keeps the digest in
/// the chain from telling an address to whoever tries them all.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrailPersonal<'a> {
    address: Option<Cow<'a, str>>,
    agent: Option<Cow<'a, str>>,
    salt: Cow<'a, str>,
}

impl TrailPersonal<'_> {
    /// Of a client, with 16 random bytes.
    pub(crate) fn of(client: &Client, salt: [u8; 16]) -> TrailPersonal<'_> {
        TrailPersonal {
            address: client.address.map(|address| address.to_string().into()),
            agent: client.agent.as_deref().map(Cow::from),
            salt: format!("{:032x}", u128::from_be_bytes(salt)).into(),
        }
    }
}

/// One entry of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailAnswer {
    /// The place in the trail, from 1 without gaps. Absent where a person looks at their own.
    #[schema(minimum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// When.
    pub at: Timestamp,
    /// To whom: an account, or `unknown`. Absent where a person looks at their own.
    #[schema(pattern = "^(usr_[0-9a-z]{28}|unknown)$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What.
    #[schema(value_type = ActName)]
    pub act: String,
    /// `done` or `refused`.
    #[schema(pattern = "^(done|refused)$", examples("done"))]
    pub result: String,
    /// Why it was refused.
    #[schema(value_type = Option<WhyName>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who: an account, absent where nobody had proven who they are. For a person who looks at their own, `you` or
    /// `operator`.
    #[schema(pattern = "^(usr_[0-9a-z]{28}|you|operator)$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Which session, key or roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The request, as in the logs. Absent where a person looks at their own.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// From which address; absent where it was erased or the platform did not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the client said it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl TrailAnswer {
    /// What operators see of a row; `None` where it is not one that this context wrote.
    pub(crate) fn for_operators(row: &TrailRow) -> Option<Self> {
        let text: TrailText<'_> = serde_json::from_str(&row.text).ok()?;
        let personal: Option<TrailPersonal<'_>> = row.personal.as_deref().map(serde_json::from_str).transpose().ok()?;
        let (address, agent) = personal.map_or((None, None), |personal| (personal.address, personal.agent));
        Some(Self {
            seq: Some(row.seq),
            at: row.at,
            account: Some(row.account.to_string()),
            act: text.act.into_owned(),
            result: text.result.into_owned(),
            why: text.why.map(Cow::into_owned),
            actor: text.actor.map(|actor| actor.to_string()),
            about: text.about.map(Cow::into_owned),
            trace: Some(text.trace.into_owned()),
            address: address.map(Cow::into_owned),
            agent: agent.map(Cow::into_owned),
        })
    }

    /// What the account's owner sees: not who among the operators it was, nor from where they came.
    pub(crate) fn for_owner(row: &TrailRow, owner: UserId) -> Option<Self> {
        let all = Self::for_operators(row)?;
        let owner = owner.to_string();
        let by_other = all.actor.as_deref().is_some_and(|actor| actor != owner);
        let actor = all.actor.map(|_| if by_other { "operator" } else { "you" }.to_owned());
        let (address, agent) = if by_other { (None, None) } else { (all.address, all.agent) };
        Some(Self { seq: None, account: None, trace: None, actor, address, agent, ..all })
    }
}

/// The words for acts, in the API's document.
struct ActName;

impl PartialSchema for ActName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Act::ALL.map(Act::word))).into()
    }
}

impl ToSchema for ActName {}

/// The words for why something was refused, in the API's document.
struct WhyName;

impl PartialSchema for WhyName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Why::ALL.map(Why::word))).into()
    }
}

impl ToSchema for WhyName {}

/// Answer of `GET /v1/audit` and `GET /v1/users/me/activity`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailPage {
    /// Newest first.
    pub items: Vec<TrailAnswer>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Answer of `GET /v1/audit/verify`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailVerified {
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
    pub broken: Option<BrokenAnswer>,
}

/// The first thing that does not hold.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = TrailBrokenAnswer)]
pub struct BrokenAnswer {
    /// In words.
    pub what: String,
    /// The page of the chain, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// The place in the trail, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The account whose own rows differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Which of its rows, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

impl From<Verified> for TrailVerified {
    fn from(verified: Verified) -> Self {
        let Verified { pages, rows, finding } = verified;
        let (status, next_cursor, broken) = match finding {
            Finding::Intact => ("intact", None, None),
            Finding::Unfinished(from) => ("unfinished", Some(from.to_string()), None),
            Finding::Broken(found) => ("broken", None, Some(found.into())),
        };
        Self { status, pages, rows, next_cursor, broken }
    }
}

impl From<Break> for BrokenAnswer {
    fn from(found: Break) -> Self {
        let what = found.to_string();
        match found {
            Break::PageMissing { page } | Break::PageAltered { page } => {
                Self { what, page: Some(page), ..Self::default() }
            }
            Break::RowUnreadable { seq } | Break::RowOutOfOrder { seq } | Break::EntryUnbalanced { entry: seq } => {
                Self { what, seq: Some(seq), ..Self::default() }
            }
            Break::AccountDiffers { account, number } | Break::BalanceDoesNotFollow { account, number } => {
                Self { what, account: Some(account.to_string()), number: Some(number), ..Self::default() }
            }
            Break::BalanceDiffers { account, .. } => {
                Self { what, account: Some(account.to_string()), ..Self::default() }
            }
        }
    }
}
