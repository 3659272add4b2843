//! Changes as the cases write them.

use crate::{Failure, Fixture};
use ambient::Timestamp;
use records::{
    AccountKey, Change, Committed, Content, Fingerprint, IndexName, IndexStep, Meta, Once, OnceKey, OnceStep, Outcome,
    Posting, RecordKey, Records, Version,
};
use uuid::Uuid;

/// A record's name.
pub(crate) fn key(name: &str) -> Result<RecordKey, Failure> {
    RecordKey::new(name).map_err(|error| Failure(error.to_string()))
}

/// An index' name.
pub(crate) fn index(name: &str) -> Result<IndexName, Failure> {
    IndexName::new(name).map_err(|error| Failure(error.to_string()))
}

/// An account's name.
pub(crate) fn account(name: &str) -> Result<AccountKey, Failure> {
    AccountKey::new(name).map_err(|error| Failure(error.to_string()))
}

/// Who and why.
pub(crate) fn meta(at: Timestamp) -> Meta {
    Meta { at, trace: "0af7651916cd43dd8448eb211c80319c".into(), cause: None, actor: Some("usr_1".into()) }
}

/// A change of the record to this content.
pub(crate) fn change(
    fixture: &dyn Fixture,
    name: &str,
    expected: Option<Version>,
    content: &str,
) -> Result<Change, Failure> {
    Ok(Change::new(key(name)?, expected, Content::Body(content.to_owned().into()), meta(fixture.now())))
}

/// The creation of a record.
pub(crate) fn create(fixture: &dyn Fixture, name: &str) -> Result<Change, Failure> {
    change(fixture, name, None, r#"{"state":"new"}"#)
}

/// Commits what must succeed.
pub(crate) async fn commit(records: &dyn Records, change: Change) -> Result<Committed, Failure> {
    match records.commit(change).await? {
        Outcome::Committed(committed) => Ok(committed),
        other => Err(Failure(format!("the change was not committed: {other:?}"))),
    }
}

/// An event of this number.
pub(crate) fn event(number: u32) -> events::NewEvent {
    events::NewEvent {
        kind: "contract.thing.happened.v1",
        subject: format!("thing_{number}"),
        data: serde_json::json!({ "number": number }),
        personal: None,
    }
}

/// A leg without a floor.
pub(crate) fn leg(name: &str, posted_minor: i64, held_minor: i64) -> Result<Posting, Failure> {
    Ok(Posting { account: account(name)?, currency: "EUR".into(), posted_minor, held_minor, floor_minor: None })
}

/// An entry of the index `things`.
pub(crate) fn put(sort: &str, summary: &str) -> Result<IndexStep, Failure> {
    Ok(IndexStep::Put { index: index("things")?, sort: sort.to_owned(), summary: summary.to_owned() })
}

/// The row of the request `name`.
pub(crate) fn once_key(name: &str) -> OnceKey {
    OnceKey { kind: "request", who: "usr_1".into(), key: name.to_owned() }
}

/// The once-row of the request `name`, which asked for `asked`.
pub(crate) fn once(name: &str, asked: u8, step: OnceStep) -> Once {
    Once { key: once_key(name), fingerprint: Fingerprint([asked; 32]), step }
}

/// The beginning of an attempt.
pub(crate) fn begin(attempt: u128, lease_ms: u32) -> OnceStep {
    OnceStep::Begin { attempt: Uuid::from_u128(attempt), lease_ms }
}

/// The end of a request.
pub(crate) fn finish(attempt: Option<u128>, body: &str) -> OnceStep {
    let answer = records::Answer { status: 201, body: body.to_owned() };
    OnceStep::Finish { attempt: attempt.map(Uuid::from_u128), answer }
}
