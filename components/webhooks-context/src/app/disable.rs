//! The house stops sending to an endpoint, and says so.

use super::step::{Step, step};
use super::store::{TRIES, endpoint_change, endpoints_in, load_endpoint};
use crate::Webhooks;
use crate::domain::{Audience, Endpoint, EndpointStatus};
use crate::keys;
use ambient::Timestamp;
use events::NewEvent;
use futures::future::try_join_all;
use ids::UserId;
use records::{Meta, RecordsError};
use webhooks_wire::{DisabledReason, ENDPOINT_DISABLED, EndpointId, EndpointSnapshot};

/// The event of an endpoint that changed its status.
pub(super) fn event(
    kind: &'static str,
    endpoint: &Endpoint,
    failing_since: Option<Timestamp>,
) -> Result<NewEvent, RecordsError> {
    let snapshot = EndpointSnapshot {
        id: endpoint.id,
        user_id: endpoint.owner,
        enabled: endpoint.is_enabled(),
        disabled_reason: match endpoint.status {
            EndpointStatus::Enabled => None,
            EndpointStatus::Disabled { reason, .. } => Some(reason),
        },
        failing_since,
    };
    let data = serde_json::to_value(snapshot).map_err(|error| RecordsError::Invalid(error.to_string()))?;
    Ok(NewEvent { kind, subject: endpoint.id.to_string(), data, personal: None })
}

/// Stops sending to an endpoint: whether it was sent to before. One commit, with its event.
///
/// # Errors
/// The store's.
pub async fn disable(
    webhooks: &Webhooks,
    id: EndpointId,
    reason: DisabledReason,
    failing_since: Option<Timestamp>,
    meta: &Meta,
) -> Result<bool, RecordsError> {
    for _ in 0..TRIES {
        let Some((version, mut endpoint)) = load_endpoint(webhooks, id).await? else { return Ok(false) };
        if !endpoint.is_enabled() {
            return Ok(false);
        }
        endpoint.status = EndpointStatus::Disabled { reason, at: meta.at };
        let change = endpoint_change(webhooks, &endpoint, Some(version), meta.clone())?.with_event(event(
            ENDPOINT_DISABLED,
            &endpoint,
            failing_since,
        )?);
        match step(webhooks.records.commit(change).await?)? {
            Step::Committed(_) => return Ok(true),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable("the endpoint changes again and again".to_owned()))
}

/// Stops sending to a person's endpoints; with `audience`, to those alone.
///
/// # Errors
/// The store's; repeating it goes on where it was.
pub async fn disable_those_of(
    webhooks: &Webhooks,
    user_id: UserId,
    audience: Option<Audience>,
    reason: DisabledReason,
    meta: &Meta,
) -> Result<(), RecordsError> {
    let ids = endpoints_in(&*webhooks.records, &keys::endpoints_of(user_id)?).await?;
    try_join_all(ids.into_iter().map(|id| async move {
        let Some((_, endpoint)) = load_endpoint(webhooks, id).await? else { return Ok(()) };
        if audience.is_none_or(|wanted| wanted == endpoint.audience) {
            disable(webhooks, id, reason, None, meta).await?;
        }
        Ok(())
    }))
    .await
    .map(|_: Vec<()>| ())
}
