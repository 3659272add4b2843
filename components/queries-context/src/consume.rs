//! Event dispatch: which event feeds which projection, and what is done when it cannot be taken in now, or ever.

use crate::app::{
    EraseError, ProjectError, SOURCES, erase, export, project_notification, project_payment, project_profile,
};
use crate::domain::{NotificationView, PaymentView, Profile};
use ambient::Clock;
use async_trait::async_trait;
use core::time::Duration;
use events::{Consumer, Envelope, Verdict};
use notifications_wire::{NOTIFICATION_CREATED, NOTIFICATION_READ, NotificationSnapshot};
use payments_wire::{
    PAYMENT_AUTHORIZED, PAYMENT_CANCELED, PAYMENT_CAPTURED, PAYMENT_CHARGED_BACK, PAYMENT_CREATED, PAYMENT_DISPUTE_WON,
    PAYMENT_DISPUTED, PAYMENT_EXPIRED, PAYMENT_FAILED, PAYMENT_PARTIALLY_REFUNDED, PAYMENT_PROCESSING,
    PAYMENT_REFUND_FAILED, PAYMENT_REFUNDED, PAYMENT_REQUIRES_ACTION, PaymentSnapshot,
};
use privacy::{DeskError, PrivacyDesk, Service};
use records::{Meta, Records, RecordsError};
use std::sync::Arc;
use users_wire::{
    ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold, ExportRequested, USER_ERASED, USER_REGISTERED, USER_UPDATED,
    UserSnapshot,
};

/// The consumer group, named as the worker's component.
pub const GROUP: &str = "queries-worker";
/// The contexts whose streams it hears.
pub const HEARS: [&str; 3] = SOURCES;

/// The first wait for a store that is gone; the loop lengthens it.
const STORE_GONE: Duration = Duration::from_secs(1);
/// The first wait for the operator where Redis came back with less than was acknowledged.
const OPERATOR_NEEDED: Duration = Duration::from_secs(30);
/// The first wait for a contended view.
const SOON: Duration = Duration::from_millis(500);

/// Feeds events to the projections.
#[derive(Clone)]
pub struct Projector {
    /// Where the read models lie.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who takes parts of exports and erasures in.
    pub desk: Arc<dyn PrivacyDesk>,
}

/// Why an event was not taken in.
#[derive(Debug, thiserror::Error)]
enum ConsumeError {
    /// The event is not what its type promises.
    #[error("{kind} has another shape: {why}")]
    Shape { kind: String, why: String },
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Erase(#[from] EraseError),
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The desk did not take something.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

#[async_trait]
impl Consumer for Projector {
    async fn handle(&self, event: &Envelope) -> Verdict {
        match self.take_in(event).await {
            Ok(()) => Verdict::Done,
            Err(error) => verdict(&error),
        }
    }
}

impl Projector {
    async fn take_in(&self, event: &Envelope) -> Result<(), ConsumeError> {
        let records = &*self.records;
        let meta = Meta {
            at: self.clock.now(),
            trace: event.traceid.clone(),
            cause: Some(event.id.clone()),
            actor: Some(GROUP.to_owned()),
        };
        match event.kind.as_str() {
            kind @ (USER_REGISTERED | USER_UPDATED) => {
                let UserSnapshot { id, locale } = snapshot(event)?;
                let registered_at = (kind == USER_REGISTERED).then_some(event.time);
                let told = Profile { user_id: id, locale, registered_at, version: event.version };
                Ok(project_profile(records, told, &meta).await?)
            }
            PAYMENT_CREATED
            | PAYMENT_PROCESSING
            | PAYMENT_REQUIRES_ACTION
            | PAYMENT_AUTHORIZED
            | PAYMENT_CAPTURED
            | PAYMENT_CANCELED
            | PAYMENT_EXPIRED
            | PAYMENT_FAILED
            | PAYMENT_PARTIALLY_REFUNDED
            | PAYMENT_REFUNDED
            | PAYMENT_REFUND_FAILED
            | PAYMENT_DISPUTED
            | PAYMENT_DISPUTE_WON
            | PAYMENT_CHARGED_BACK => {
                let told: PaymentSnapshot = snapshot(event)?;
                let told = PaymentView {
                    id: told.id,
                    user_id: told.user_id,
                    status: told.status,
                    amount: told.amount,
                    captured: told.captured,
                    created_at: told.created_at,
                    changed_at: event.time,
                    version: event.version,
                };
                Ok(project_payment(records, told, &meta).await?)
            }
            NOTIFICATION_CREATED | NOTIFICATION_READ => {
                let told: NotificationSnapshot = snapshot(event)?;
                let told = NotificationView {
                    id: told.id,
                    user_id: told.user_id,
                    read: told.read,
                    created_at: told.created_at,
                    version: event.version,
                };
                Ok(project_notification(records, &told, &meta).await?)
            }
            kind @ (ERASURE_REQUESTED | USER_ERASED) => {
                let ErasureTold { user_id, erasure_id, .. } = snapshot(event)?;
                let look = if kind == USER_ERASED { 2 } else { 1 };
                let part = erase(records, user_id, look, &meta).await?;
                Ok(self.desk.erased(erasure_id, Service::Queries, &part).await?)
            }
            EXPORT_REQUESTED => {
                let ExportRequested { user_id, export_id } = snapshot(event)?;
                for page in export(records, user_id).await?.finish() {
                    if !self.desk.exported(user_id, export_id, Service::Queries, &page).await? {
                        break;
                    }
                }
                Ok(())
            }
            // Other events of these streams change nothing in these models.
            _ => Ok(()),
        }
    }
}

fn snapshot<T: serde::de::DeserializeOwned>(event: &Envelope) -> Result<T, ConsumeError> {
    event.data_as().map_err(|error| ConsumeError::Shape { kind: event.kind.clone(), why: error.to_string() })
}

/// Retry what another moment may mend, park what none will.
fn verdict(error: &ConsumeError) -> Verdict {
    let reason = error.to_string();
    match error {
        ConsumeError::Shape { .. }
        | ConsumeError::Project(ProjectError::Contradiction(_))
        | ConsumeError::Desk(DeskError::Refused(_)) => Verdict::Park { reason },
        ConsumeError::Project(ProjectError::Contended) | ConsumeError::Erase(EraseError::More) => {
            Verdict::Retry { after: SOON, reason }
        }
        ConsumeError::Desk(DeskError::Unavailable(_)) => Verdict::Retry { after: STORE_GONE, reason },
        ConsumeError::Project(ProjectError::Records(error))
        | ConsumeError::Erase(EraseError::Records(error))
        | ConsumeError::Records(error) => match error {
            RecordsError::Unavailable(_) => Verdict::Retry { after: STORE_GONE, reason },
            RecordsError::RolledBack { .. } | RecordsError::Layout(_) => {
                Verdict::Retry { after: OPERATOR_NEEDED, reason }
            }
            RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => Verdict::Park { reason },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{House, ada, after, bob, envelope, payment_event, user_event};
    use payments_wire::PaymentStatus;

    fn is_park(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Park { .. })
    }

    #[test]
    fn an_event_of_another_shape_is_parked_and_one_of_another_kind_is_none_of_its_business() {
        let house = House::new();
        let broken = envelope(PAYMENT_CAPTURED, "pay_x", 1, after(0), serde_json::json!({ "id": 7 }));
        assert!(is_park(&house.hear(&broken)));
        let other = envelope("users.session.started.v1", "ses_x", 1, after(0), serde_json::json!({}));
        assert_eq!(house.hear(&other), Verdict::Done);
        assert_eq!(house.records.commits(), 0);
    }

    #[test]
    fn a_payment_that_changes_its_owner_is_parked_and_moves_nothing() {
        let house = House::new();
        house.hear(&payment_event(ada(), 1, 1, PaymentStatus::Captured, 500, "EUR"));
        let mut stolen = payment_event(ada(), 1, 2, PaymentStatus::Captured, 900, "EUR");
        stolen.data["user_id"] = bob().to_string().into();
        assert!(is_park(&house.hear(&stolen)));
        assert_eq!(house.overview(bob()).payments.total, 0);
        assert_eq!(house.overview(ada()).payments.captured["EUR"], 500);
    }

    #[test]
    fn an_event_is_one_commit_and_a_repetition_none() {
        let house = House::new();
        house.hear(&user_event(USER_REGISTERED, ada(), 1, "en"));
        house.hear(&payment_event(ada(), 1, 1, PaymentStatus::Processing, 0, "EUR"));
        house.hear(&payment_event(ada(), 1, 2, PaymentStatus::Authorized, 0, "EUR"));
        assert_eq!(house.records.commits(), 3);
        house.hear(&payment_event(ada(), 1, 2, PaymentStatus::Authorized, 0, "EUR"));
        house.hear(&user_event(USER_REGISTERED, ada(), 1, "en"));
        assert_eq!(house.records.commits(), 3);
        // The first money of a currency makes the currency known too.
        house.hear(&payment_event(ada(), 1, 3, PaymentStatus::Captured, 900, "EUR"));
        house.hear(&payment_event(ada(), 2, 1, PaymentStatus::Captured, 100, "EUR"));
        assert_eq!(house.records.commits(), 6);
    }

    #[test]
    fn nothing_personal_is_kept() {
        let house = House::new();
        let mut event = user_event(USER_REGISTERED, ada(), 1, "en");
        event.personal = Some(serde_json::json!({ "email": "ada@example.com", "display_name": "Ada" }));
        house.hear(&event);
        let record = futures::executor::block_on(house.records.load(&crate::keys::profile(ada()).unwrap()));
        let body = String::from_utf8(record.unwrap().unwrap().content.unwrap().to_vec()).unwrap();
        assert!(!body.contains("Ada") && !body.contains("example"), "{body}");
    }

    #[test]
    fn a_store_that_lost_data_waits_for_the_operator() {
        let house = House::new();
        house.hear(&user_event(USER_REGISTERED, ada(), 1, "en"));
        house.records.lose_everything();
        let verdict = house.hear(&user_event(USER_UPDATED, ada(), 2, "de"));
        assert!(matches!(verdict, Verdict::Retry { after, .. } if after == OPERATOR_NEEDED), "{verdict:?}");
    }
}
