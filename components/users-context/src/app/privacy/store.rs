//! Names, loading and changes of exports and erasures.

use crate::domain::{Erasure, Export};
use crate::state::{content, indexed, load, named, user_key};
use crate::wire::body::UserBody;
use crate::wire::privacy::{ErasureBody, ExportBody};
use ids::{ErasureId, ExportId, UserId};
use privacy::{Drawer, Service};
use records::{Change, IndexName, Meta, RecordKey, Records, RecordsError, Version};

/// The timer of an erasure: this service's part, the second look.
pub(super) const ERASE: &str = "erase";
/// The timer of an export: its end.
pub(super) const EXPIRE_EXPORT: &str = "expire-export";

pub(super) fn erasure_key(id: ErasureId) -> Result<RecordKey, RecordsError> {
    named(format!("erasure:{id}"))
}

pub(super) fn erasure_id(key: &RecordKey) -> Option<ErasureId> {
    key.as_str().strip_prefix("erasure:")?.parse().ok()
}

/// An account has at most one export.
pub(super) fn export_key(user: UserId) -> Result<RecordKey, RecordsError> {
    named(format!("export:{user}"))
}

pub(super) fn export_owner(key: &RecordKey) -> Option<UserId> {
    key.as_str().strip_prefix("export:")?.parse().ok()
}

pub(super) fn page_key(id: ExportId, service: Service, number: u32) -> Result<RecordKey, RecordsError> {
    named(format!("export-page:{id}:{}:{number}", service.word()))
}

/// All pages of a person's exports, so that none is forgotten that a crash left unregistered.
pub(super) fn pages_of(user: UserId) -> Result<IndexName, RecordsError> {
    indexed(format!("export-pages-of:{user}"))
}

pub(super) fn page_drawer(user: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: pages_of(user)?, emptied: indexed(format!("erased-export-pages-of:{user}"))? })
}

/// `None` where there never was one.
pub(super) async fn load_erasure(
    records: &dyn Records,
    id: ErasureId,
) -> Result<Option<(Version, Erasure)>, RecordsError> {
    let found = load::<ErasureBody>(records, &erasure_key(id)?).await?;
    Ok(found.and_then(|(version, body)| Some((version, body?.into()))))
}

/// A version alone where it is over.
pub(super) async fn load_export(
    records: &dyn Records,
    user: UserId,
) -> Result<Option<(Version, Option<Export>)>, RecordsError> {
    let found = load::<ExportBody>(records, &export_key(user)?).await?;
    Ok(found.map(|(version, body)| (version, body.map(Export::from))))
}

/// Whether the account was erased: there was one, and it is a tombstone.
pub(super) async fn is_erased(records: &dyn Records, user: UserId) -> Result<bool, RecordsError> {
    Ok(matches!(load::<UserBody>(records, &user_key(user)?).await?, Some((_, None))))
}

pub(super) fn erasure_change(erasure: &Erasure, expected: Option<Version>, meta: Meta) -> Result<Change, RecordsError> {
    Ok(Change::new(erasure_key(erasure.id)?, expected, content(&ErasureBody::from(erasure))?, meta))
}

pub(super) fn export_change(export: &Export, expected: Option<Version>, meta: Meta) -> Result<Change, RecordsError> {
    Ok(Change::new(export_key(export.user)?, expected, content(&ExportBody::from(export))?, meta))
}
