//! Addresses that take no messages: put on the list, looked up before each try, taken off by an operator.

use crate::app::step::{Step, step};
use crate::app::{ListError, known_contact};
use crate::domain::{Channel, Suppression};
use crate::keys;
use crate::seals::Seals;
use crate::wire::{self, StoredSuppression, SuppressionSummary, SuppressionsPage};
use records::{Change, Content, Cursor, IndexStep, Meta, Records, RecordsError};

/// How often a change by somebody else in between is borne.
const TRIES: usize = 4;

/// Why an address was not taken off.
#[derive(Debug, thiserror::Error)]
pub enum LiftError {
    /// It is not on the list.
    #[error("no such address is on the list")]
    NotFound,
    /// Somebody else changed it each time in between.
    #[error("it changed {TRIES} times in between")]
    Contended,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Puts an address on the list. One that is there stays as it is, and who was erased leaves no trace there.
///
/// # Errors
/// The store's.
pub async fn suppress(
    records: &dyn Records,
    seals: &Seals,
    suppression: &Suppression,
    meta: &Meta,
) -> Result<(), RecordsError> {
    let name = seals.address(suppression.channel, &suppression.address);
    let key = keys::suppression(suppression.channel, &name)?;
    for _ in 0..TRIES {
        if known_contact(records, suppression.user_id).await? == crate::app::Known::Erased {
            return Ok(());
        }
        let version = match records.load(&key).await? {
            Some(record) if record.content.is_some() => return Ok(()),
            Some(record) => Some(record.version),
            None => None,
        };
        let content = Content::Body(wire::write(&StoredSuppression::from(suppression))?);
        let summary = serde_json::to_string(&SuppressionSummary::from(suppression))
            .map_err(|error| RecordsError::Invalid(error.to_string()))?;
        let sort = suppression.at.to_string();
        let own = keys::suppression_drawer(suppression.user_id)?.full;
        let change = Change::new(key.clone(), version, content, meta.clone())
            .with_index(IndexStep::Put { index: keys::suppressions()?, sort: sort.clone(), summary })
            .with_index(IndexStep::Put { index: own, sort, summary: String::new() });
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable("a suppression changes again and again".to_owned()))
}

/// What is known of an address; one round trip where it is not on the list.
///
/// # Errors
/// The store's.
pub async fn suppression_of(
    records: &dyn Records,
    seals: &Seals,
    channel: Channel,
    address: &str,
) -> Result<Option<Suppression>, RecordsError> {
    let key = keys::suppression(channel, &seals.address(channel, address))?;
    match records.load(&key).await? {
        Some(record) => wire::read::<StoredSuppression, Suppression>(&record),
        None => Ok(None),
    }
}

/// A page of the list, newest first.
///
/// # Errors
/// [`ListError`].
pub async fn suppressions(
    records: &dyn Records,
    cursor: Option<String>,
    limit: u32,
) -> Result<SuppressionsPage, ListError> {
    let cursor = cursor.map(Cursor);
    let page = match records.list(&keys::suppressions()?, cursor.as_ref(), limit).await {
        Err(RecordsError::Invalid(_)) if cursor.is_some() => return Err(ListError::Cursor),
        page => page?,
    };
    let line = |entry: &records::IndexEntry| {
        let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
        let id = keys::suppression_id(&entry.key).ok_or_else(corrupt)?.to_owned();
        let summary: SuppressionSummary = serde_json::from_str(&entry.summary).map_err(|_| corrupt())?;
        Ok::<_, RecordsError>(summary.named(id))
    };
    let items = page.entries.iter().map(line).collect::<Result<_, _>>()?;
    Ok(SuppressionsPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

/// Takes an address off the list, by its name there.
///
/// # Errors
/// [`LiftError`].
pub async fn lift(records: &dyn Records, id: &str, meta: &Meta) -> Result<(), LiftError> {
    let key = keys::suppression_named(id).ok_or(LiftError::NotFound)?;
    for _ in 0..TRIES {
        let record = records.load(&key).await?.ok_or(LiftError::NotFound)?;
        let suppression = wire::read::<StoredSuppression, Suppression>(&record)?.ok_or(LiftError::NotFound)?;
        let sort = suppression.at.to_string();
        let own = keys::suppression_drawer(suppression.user_id)?.full;
        let change = Change::new(key.clone(), Some(record.version), Content::Tombstone, meta.clone())
            .with_index(IndexStep::Remove { index: keys::suppressions()?, sort: sort.clone() })
            .with_index(IndexStep::Remove { index: own, sort });
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(LiftError::Contended)
}
