//! Reconciliations and differences in the record store: names, indexes, loading.

use crate::Payments;
use crate::app::operator::{LedgerError, Noted, change, commit};
use crate::app::{Reply, StoreError};
use crate::wire::{
    ReconciliationAnswer, ReconciliationId, ReconciliationStatus, ReconciliationSummary, StoredDifference, StoredError,
    StoredReconciliation,
};
use records::{Answer, Change, IndexName, IndexStep, Meta, RecordKey, Version};
use serde::de::DeserializeOwned;

/// What stands before the id in a reconciliation's name.
const PREFIX: &str = "reconciliation:";

/// Something with its version.
pub(super) struct Held<T> {
    pub(super) version: Version,
    pub(super) stored: T,
}

fn unwritable(error: impl ToString) -> StoreError {
    StoreError::Unwritable(error.to_string())
}

fn index(name: String) -> Result<IndexName, StoreError> {
    IndexName::new(name).map_err(unwritable)
}

/// The name of a reconciliation's record.
pub(super) fn name_of(id: ReconciliationId) -> String {
    format!("{PREFIX}{id}")
}

/// The reconciliation that a record is.
pub(super) fn id_of(key: &RecordKey) -> Option<ReconciliationId> {
    key.as_str().strip_prefix(PREFIX)?.parse().ok()
}

/// All reconciliations, newest first.
pub(super) fn all() -> Result<IndexName, StoreError> {
    index("reconciliations".to_owned())
}

/// The items that settlements of a provider have shown: the place is the item, the record the reconciliation.
pub(super) fn shown(provider: &str) -> Result<IndexName, StoreError> {
    index(format!("settled:{provider}"))
}

/// The chunks of a reconciliation that were taken in, with their digests.
pub(super) fn chunks(id: ReconciliationId) -> Result<IndexName, StoreError> {
    index(format!("chunks:{id}"))
}

/// The place of a chunk among them.
pub(super) fn chunk_place(number: u64) -> String {
    format!("{number:020}")
}

/// All differences of a reconciliation.
pub(super) fn differences(id: ReconciliationId) -> Result<IndexName, StoreError> {
    index(format!("differences:{id}"))
}

/// Those that nobody has resolved.
pub(super) fn open_differences(id: ReconciliationId) -> Result<IndexName, StoreError> {
    index(format!("differences-open:{id}"))
}

/// The name of a difference's record; `None` for a text that names none.
pub(super) fn difference_key(id: ReconciliationId, difference: &str) -> Option<RecordKey> {
    RecordKey::new(format!("difference:{id}:{difference}")).ok()
}

/// The place of a difference among others: lines in their order, then what no line shows.
pub(super) fn difference_place(difference: &StoredDifference) -> String {
    match difference.line {
        Some(line) => format!("{line:020}"),
        None => format!("~{}", difference.id),
    }
}

async fn load_as<T: DeserializeOwned>(payments: &Payments, key: &RecordKey) -> Result<Option<Held<T>>, StoreError> {
    let Some(record) = payments.records.load(key).await? else { return Ok(None) };
    let Some(content) = record.content else { return Ok(None) };
    let stored = serde_json::from_slice(&content).map_err(StoredError::Shape)?;
    Ok(Some(Held { version: record.version, stored }))
}

/// A reconciliation by its record.
pub(super) async fn load_key(
    payments: &Payments,
    key: &RecordKey,
) -> Result<Option<Held<StoredReconciliation>>, StoreError> {
    load_as(payments, key).await
}

/// A reconciliation by the text of its name.
pub(super) async fn load(payments: &Payments, id: &str) -> Result<Option<Held<StoredReconciliation>>, StoreError> {
    let Ok(id) = id.parse::<ReconciliationId>() else { return Ok(None) };
    load_key(payments, &RecordKey::new(name_of(id)).map_err(unwritable)?).await
}

/// A difference.
pub(super) async fn load_difference(
    payments: &Payments,
    id: ReconciliationId,
    difference: &str,
) -> Result<Option<Held<StoredDifference>>, StoreError> {
    let Some(key) = difference_key(id, difference) else { return Ok(None) };
    load_as(payments, &key).await
}

/// A change of the head, which is kept as history: some of them post.
pub(super) fn head_change(
    expected: Option<Version>,
    stored: &StoredReconciliation,
    meta: Meta,
) -> Result<Change, StoreError> {
    change(name_of(stored.id), expected, stored, meta)
}

/// The line of the list, new or with another status.
pub(super) fn summary(stored: &StoredReconciliation) -> Result<IndexStep, StoreError> {
    let summary = serde_json::to_string(&ReconciliationSummary::from(stored)).map_err(unwritable)?;
    Ok(IndexStep::Put { index: all()?, sort: stored.created_at.to_string(), summary })
}

/// Keeps a difference that was found; one that was found before stays as it is.
pub(super) async fn keep_difference(
    payments: &Payments,
    id: ReconciliationId,
    difference: &StoredDifference,
    meta: Meta,
) -> Result<(), LedgerError> {
    let key = difference_key(id, &difference.id).ok_or_else(|| unwritable("a difference without a name"))?;
    let sort = difference_place(difference);
    let put = |index| IndexStep::Put { index, sort: sort.clone(), summary: "{}".to_owned() };
    let change = change(key.as_str().to_owned(), None, difference, meta)?
        .with_index(put(differences(id)?))
        .with_index(put(open_differences(id)?));
    match commit(payments, change).await? {
        Noted::Done | Noted::Overtaken | Noted::Replay(_) => Ok(()),
    }
}

/// How a reconciliation stands, for the caller.
pub(super) async fn answer(
    payments: &Payments,
    stored: &StoredReconciliation,
) -> Result<ReconciliationAnswer, StoreError> {
    let counts = payments.records.counts(&[differences(stored.id)?, open_differences(stored.id)?]).await?;
    let count = |place: usize| counts.get(place).copied().unwrap_or_default();
    Ok(ReconciliationAnswer::new(stored, count(0), count(1)))
}

/// The same as an answer that can be stored.
pub(super) async fn shown_answer(
    payments: &Payments,
    stored: &StoredReconciliation,
    status: u16,
) -> Result<Answer, StoreError> {
    let body = serde_json::to_string(&answer(payments, stored).await?).map_err(unwritable)?;
    Ok(Answer { status, body })
}

/// The work is not at its end: the same request again goes on.
pub(super) async fn unfinished(payments: &Payments, stored: &StoredReconciliation) -> Result<Reply, LedgerError> {
    Ok(Reply { retry_after_s: Some(0), ..Reply::first(shown_answer(payments, stored, 202).await?) })
}

/// The refusal of what the status does not allow.
pub(super) fn not_now(stored: &StoredReconciliation) -> LedgerError {
    LedgerError::ReconciliationState { status: stored.status, next_chunk: stored.next_chunk }
}

/// Whether what a reconciliation has shown counts.
pub(super) fn counts(stored: &StoredReconciliation) -> bool {
    stored.status != ReconciliationStatus::Discarded
}
