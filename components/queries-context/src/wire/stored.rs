//! What lies in the bodies of records and in the summaries of indexes.

use crate::domain::{NotificationView, PaymentView, Profile};
use ambient::Timestamp;
use bytes::Bytes;
use events::EventVersion;
use ids::{NotificationId, PaymentId, UserId};
use money::Money;
use payments_wire::PaymentStatus;
use records::{Record, RecordsError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The noun in a record's body; `None` for a tombstone.
///
/// # Errors
/// [`RecordsError::Corrupt`] when the body is of another shape.
pub fn read<S, N>(record: &Record) -> Result<Option<N>, RecordsError>
where
    S: DeserializeOwned + Into<N>,
{
    let Some(content) = &record.content else { return Ok(None) };
    let stored: S =
        serde_json::from_slice(content).map_err(|_| RecordsError::Corrupt { key: record.key.to_string() })?;
    Ok(Some(stored.into()))
}

/// The body of a noun.
///
/// # Errors
/// [`RecordsError::Invalid`] when it cannot be written as JSON.
pub fn write<S: Serialize>(stored: &S) -> Result<Bytes, RecordsError> {
    serde_json::to_vec(stored).map(Bytes::from).map_err(|error| RecordsError::Invalid(error.to_string()))
}

/// The body of `payment-view:<pay>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPaymentView {
    id: PaymentId,
    user_id: UserId,
    status: PaymentStatus,
    amount: Money,
    captured: Money,
    created_at: Timestamp,
    changed_at: Timestamp,
    version: EventVersion,
}

impl From<&PaymentView> for StoredPaymentView {
    fn from(view: &PaymentView) -> Self {
        let PaymentView { id, user_id, status, amount, captured, created_at, changed_at, version } = view.clone();
        Self { id, user_id, status, amount, captured, created_at, changed_at, version }
    }
}

impl From<StoredPaymentView> for PaymentView {
    fn from(stored: StoredPaymentView) -> Self {
        let StoredPaymentView { id, user_id, status, amount, captured, created_at, changed_at, version } = stored;
        Self { id, user_id, status, amount, captured, created_at, changed_at, version }
    }
}

/// The body of `notification-view:<ntf>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNotificationView {
    id: NotificationId,
    user_id: UserId,
    read: bool,
    created_at: Timestamp,
    version: EventVersion,
}

impl From<&NotificationView> for StoredNotificationView {
    fn from(view: &NotificationView) -> Self {
        let NotificationView { id, user_id, read, created_at, version } = view.clone();
        Self { id, user_id, read, created_at, version }
    }
}

impl From<StoredNotificationView> for NotificationView {
    fn from(stored: StoredNotificationView) -> Self {
        let StoredNotificationView { id, user_id, read, created_at, version } = stored;
        Self { id, user_id, read, created_at, version }
    }
}

/// The body of `profile:<usr>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredProfile {
    user_id: UserId,
    locale: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registered_at: Option<Timestamp>,
    version: EventVersion,
}

impl From<&Profile> for StoredProfile {
    fn from(profile: &Profile) -> Self {
        let Profile { user_id, locale, registered_at, version } = profile.clone();
        Self { user_id, locale, registered_at, version }
    }
}

impl From<StoredProfile> for Profile {
    fn from(stored: StoredProfile) -> Self {
        let StoredProfile { user_id, locale, registered_at, version } = stored;
        Self { user_id, locale, registered_at, version }
    }
}

/// What the list of a person's payments shows without reading bodies.
///
/// **Shape** `{"status":"captured","amount":{…},"captured":{…},"created_at":"…Z","changed_at":"…Z"}`: at most 237
/// bytes, because every part is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSummary {
    /// Where it is.
    pub status: PaymentStatus,
    /// What was asked for.
    pub amount: Money,
    /// What was taken.
    pub captured: Money,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it came to this.
    pub changed_at: Timestamp,
}

impl From<&PaymentView> for PaymentSummary {
    fn from(view: &PaymentView) -> Self {
        Self {
            status: view.status,
            amount: view.amount,
            captured: view.captured,
            created_at: view.created_at,
            changed_at: view.changed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_summary_of_a_payment_fits_into_an_index() {
        let most = Money::new(-money::MAX_MINOR, "EUR".parse().unwrap()).unwrap();
        let at = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let status = PaymentStatus::RequiresConfirmation;
        let summary = PaymentSummary { status, amount: most, captured: most, created_at: at, changed_at: at };
        let text = serde_json::to_string(&summary).unwrap();
        assert!(text.len() <= records::MAX_SUMMARY_BYTES, "{} bytes", text.len());
    }
}
