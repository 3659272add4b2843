//! Event dispatch: which event becomes messages, which one takes endpoints away, and what is done when it cannot be taken in
//! now, or ever.

use crate::Webhooks;
use crate::app::{DispatchError, EraseError, ROLE_ADMIN, disable_those_of, dispatch, erase, export};
use crate::domain::Audience;
use async_trait::async_trait;
use core::time::Duration;
use events::{Consumer, Envelope, Verdict};
use privacy::{DeskError, PrivacyDesk, Service};
use records::{Meta, RecordsError};
use std::sync::Arc;
use users_wire::{
    ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold, ExportRequested, ROLES_CHANGED, RolesChanged, USER_ERASED,
    USER_LOCKED, UserSnapshot,
};
use webhooks_wire::DisabledReason;

/// The consumer group, named as the worker's component.
pub const GROUP: &str = "webhooks-worker";
/// The contexts whose streams it hears, its own among them.
pub const HEARS: [&str; 3] = ["users", "payments", "webhooks"];

/// The first wait for a store that is gone; the loop lengthens it.
const STORE_GONE: Duration = Duration::from_secs(1);
/// The first wait for the operator where Redis came back with less than was acknowledged.
const OPERATOR_NEEDED: Duration = Duration::from_secs(30);
/// The first wait for the rest of an erasure.
const SOON: Duration = Duration::from_millis(500);

/// Turns events into messages.
#[derive(Clone)]
pub struct Announcer {
    /// What every use case needs.
    pub webhooks: Webhooks,
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
    Dispatch(#[from] DispatchError),
    #[error(transparent)]
    Erase(#[from] EraseError),
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The desk did not take something.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

#[async_trait]
impl Consumer for Announcer {
    async fn handle(&self, event: &Envelope) -> Verdict {
        match self.take_in(event).await {
            Ok(()) => Verdict::Done,
            Err(error) => verdict(&error),
        }
    }
}

impl Announcer {
    async fn take_in(&self, event: &Envelope) -> Result<(), ConsumeError> {
        let webhooks = &self.webhooks;
        let meta = Meta {
            at: webhooks.clock.now(),
            trace: event.traceid.clone(),
            cause: Some(event.id.clone()),
            actor: Some(GROUP.to_owned()),
        };
        match event.kind.as_str() {
            kind @ (ERASURE_REQUESTED | USER_ERASED) => {
                let ErasureTold { user_id, erasure_id, .. } = snapshot(event)?;
                let look = if kind == USER_ERASED { 2 } else { 1 };
                let part = erase(webhooks, user_id, look, &meta).await?;
                return Ok(self.desk.erased(erasure_id, Service::Webhooks, &part).await?);
            }
            EXPORT_REQUESTED => {
                let ExportRequested { user_id, export_id } = snapshot(event)?;
                for page in export(webhooks, user_id, meta.at).await?.finish() {
                    if !self.desk.exported(user_id, export_id, Service::Webhooks, &page).await? {
                        break;
                    }
                }
                return Ok(());
            }
            USER_LOCKED => {
                let UserSnapshot { id, .. } = snapshot(event)?;
                disable_those_of(webhooks, id, None, DisabledReason::AccountLocked, &meta).await?;
            }
            ROLES_CHANGED => {
                let RolesChanged { user_id, roles } = snapshot(event)?;
                if !roles.iter().any(|role| role == ROLE_ADMIN) {
                    let reason = DisabledReason::RoleLost;
                    disable_those_of(webhooks, user_id, Some(Audience::All), reason, &meta).await?;
                }
            }
            _ => {}
        }
        Ok(dispatch(webhooks, event, &meta).await?)
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
        | ConsumeError::Dispatch(DispatchError::Ownerless)
        | ConsumeError::Desk(DeskError::Refused(_)) => Verdict::Park { reason },
        ConsumeError::Erase(EraseError::More) => Verdict::Retry { after: SOON, reason },
        ConsumeError::Desk(DeskError::Unavailable(_)) => Verdict::Retry { after: STORE_GONE, reason },
        ConsumeError::Dispatch(DispatchError::Records(error))
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
#[path = "consume_tests.rs"]
mod tests;
