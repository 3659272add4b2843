//! Notices in the record store: one record a notice, for ever, so that a provider may send it as often as it likes.

use super::StoreError;
use crate::wire::{NoticeState, NoticeSummary, StoredError, StoredNotice};
use ambient::Timestamp;
use core::time::Duration;
use records::{
    Answer, Change, Content, Fingerprint, IndexName, IndexStep, InvalidName, Meta, Once, OnceKey, OnceStep, Outcome,
    RecordKey, Records, TimerStep, Version,
};

/// The timer that looks for the payment again.
pub(crate) const MATCH: &str = "match";
/// What stands before provider and id in a record's name.
const PREFIX: &str = "notice:";
/// After how long somebody else attends to a notice whose first hearer died.
const MATCH_AFTER: Duration = Duration::from_secs(10);

/// A notice with its version.
#[derive(Debug, Clone)]
pub(crate) struct HeldNotice {
    pub version: Version,
    pub notice: StoredNotice,
}

fn unwritable(error: InvalidName) -> StoreError {
    StoreError::Unwritable(error.to_string())
}

/// The index of the notices that wait or that an operator has to look at.
pub(crate) fn open_notices() -> Result<IndexName, StoreError> {
    IndexName::new("notices-open").map_err(unwritable)
}

/// Whether a record is a notice.
pub(crate) fn is_notice(key: &RecordKey) -> bool {
    key.as_str().starts_with(PREFIX)
}

fn key_of(notice: &StoredNotice) -> Result<RecordKey, StoreError> {
    RecordKey::new(format!("{PREFIX}{}:{}", notice.provider, notice.id)).map_err(unwritable)
}

/// A notice; `None` where there is none.
pub(crate) async fn load(records: &dyn Records, key: &RecordKey) -> Result<Option<HeldNotice>, StoreError> {
    let Some(record) = records.load(key).await? else { return Ok(None) };
    let Some(content) = record.content else { return Ok(None) };
    let notice = serde_json::from_slice(&content).map_err(StoredError::Shape)?;
    Ok(Some(HeldNotice { version: record.version, notice }))
}

/// Keeps a new notice; `None` where it is known already.
pub(crate) async fn keep(
    records: &dyn Records,
    notice: StoredNotice,
    meta: Meta,
    now: Timestamp,
) -> Result<Option<HeldNotice>, StoreError> {
    // Providers repeat a notice with other bytes (how many deliveries are pending, say): its id alone is the request.
    let once = Once {
        key: OnceKey { kind: "provider", who: notice.provider.clone(), key: notice.id.clone() },
        fingerprint: Fingerprint([0; 32]),
        step: OnceStep::Finish { attempt: None, answer: Answer { status: 200, body: String::new() } },
    };
    let change = change(&notice, None, meta)?
        .with_once(once)
        .with_timer(TimerStep::Set { name: MATCH, due: now.plus(MATCH_AFTER) });
    Ok(commit(records, change).await?.map(|version| HeldNotice { version, notice }))
}

/// Ends a notice. Where somebody else has, nothing changes.
pub(crate) async fn close(
    records: &dyn Records,
    held: &HeldNotice,
    notice: StoredNotice,
    meta: Meta,
) -> Result<(), StoreError> {
    let change = change(&notice, Some(held.version), meta)?.with_timer(TimerStep::Clear { name: MATCH });
    commit(records, change).await.map(|_| ())
}

fn change(notice: &StoredNotice, expected: Option<Version>, meta: Meta) -> Result<Change, StoreError> {
    let json = |error: serde_json::Error| StoreError::Unwritable(error.to_string());
    let (index, sort) = (open_notices()?, notice.received_at.to_string());
    let step = match notice.state {
        NoticeState::Attended => IndexStep::Remove { index, sort },
        NoticeState::Waiting | NoticeState::Unmatched | NoticeState::Contradicting => {
            IndexStep::Put { index, sort, summary: serde_json::to_string(&NoticeSummary::from(notice)).map_err(json)? }
        }
    };
    let body = Content::Body(serde_json::to_vec(notice).map_err(json)?.into());
    Ok(Change::new(key_of(notice)?, expected, body, meta).with_index(step))
}

async fn commit(records: &dyn Records, change: Change) -> Result<Option<Version>, StoreError> {
    match records.commit(change).await? {
        Outcome::Committed(committed) => Ok(Some(committed.version)),
        Outcome::Conflict { .. } | Outcome::Replay(_) | Outcome::Mismatch | Outcome::InFlight { .. } => Ok(None),
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}
