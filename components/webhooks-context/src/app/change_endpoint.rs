//! What an owner changes of an endpoint: its members, whether it is sent to, whether it is there.

use super::Caller;
use super::error::CommandError;
use super::step::{Step, step};
use super::store::{TRIES, endpoint_change, load_endpoint};
use crate::Webhooks;
use crate::domain::{Audience, Endpoint, EndpointStatus, Filter, ReceiverUrl, description, rate_per_s};
use crate::keys;
use crate::wire::ChangeEndpointRequest;
use principal::IfMatch;
use records::{Change, Content, IndexStep, TimerStep, Version};
use webhooks_wire::{DisabledReason, ENDPOINT_DISABLED, ENDPOINT_ENABLED, EndpointId};

/// Whether an endpoint is to be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It is.
    Enabled,
    /// It is not.
    Disabled,
}

/// An endpoint of the caller's.
///
/// # Errors
/// [`CommandError::NotFound`], the store's.
pub(super) async fn own(
    webhooks: &Webhooks,
    caller: &Caller,
    id: EndpointId,
) -> Result<(Version, Endpoint), CommandError> {
    let found = load_endpoint(webhooks, id).await?.filter(|(_, endpoint)| endpoint.owner == caller.user);
    found.ok_or(CommandError::NotFound)
}

/// Changes members of an endpoint.
///
/// # Errors
/// [`CommandError`].
pub async fn change_endpoint(
    webhooks: &Webhooks,
    caller: &Caller,
    id: EndpointId,
    condition: &IfMatch,
    request: ChangeEndpointRequest,
) -> Result<(Version, Endpoint), CommandError> {
    for _ in 0..TRIES {
        let (version, before) = own(webhooks, caller, id).await?;
        if !condition.holds(version) {
            return Err(CommandError::Changed);
        }
        let mut endpoint = before.clone();
        let request = request.clone();
        if let Some(url) = request.url {
            endpoint.url = ReceiverUrl::parse(&url, &webhooks.opened)?.as_str().to_owned();
        }
        if let Some(text) = request.description {
            endpoint.description = description(Some(text))?;
        }
        if let Some(events) = request.events {
            endpoint.filter = Filter::new(events, endpoint.audience)?;
        }
        if let Some(rate) = request.rate_per_s {
            endpoint.rate_per_s = rate_per_s(Some(rate))?;
        }
        endpoint.ordered = request.ordered.unwrap_or(endpoint.ordered);
        if endpoint == before {
            return Ok((version, endpoint));
        }
        // What waits may go elsewhere from now on, or in another order: somebody is to look.
        let change = endpoint_change(webhooks, &endpoint, Some(version), caller.meta.clone())?
            .with_timer(TimerStep::Set { name: keys::WAKE, due: caller.meta.at });
        match step(webhooks.records.commit(change).await?)? {
            Step::Committed(version) => return Ok((version, endpoint)),
            Step::Conflict => {}
        }
    }
    Err(CommandError::Contended)
}

/// Has an endpoint sent to, or not. Saying it twice is as good as once.
///
/// # Errors
/// [`CommandError`].
pub async fn switch_endpoint(
    webhooks: &Webhooks,
    caller: &Caller,
    id: EndpointId,
    wanted: Wanted,
) -> Result<(Version, Endpoint), CommandError> {
    for _ in 0..TRIES {
        let (version, mut endpoint) = own(webhooks, caller, id).await?;
        if endpoint.is_enabled() == (wanted == Wanted::Enabled) {
            return Ok((version, endpoint));
        }
        let now = caller.meta.at;
        let kind = match wanted {
            Wanted::Enabled => {
                if endpoint.audience == Audience::All && !caller.admin {
                    return Err(CommandError::NotAdmin);
                }
                endpoint.status = EndpointStatus::Enabled;
                ENDPOINT_ENABLED
            }
            Wanted::Disabled => {
                endpoint.status = EndpointStatus::Disabled { reason: DisabledReason::Owner, at: now };
                ENDPOINT_DISABLED
            }
        };
        let change = endpoint_change(webhooks, &endpoint, Some(version), caller.meta.clone())?
            .with_event(super::disable::event(kind, &endpoint, None)?);
        let change = match wanted {
            Wanted::Enabled => change.with_timer(TimerStep::Set { name: keys::WAKE, due: now }),
            Wanted::Disabled => change,
        };
        match step(webhooks.records.commit(change).await?)? {
            Step::Committed(version) => return Ok((version, endpoint)),
            Step::Conflict => {}
        }
    }
    Err(CommandError::Contended)
}

/// Takes an endpoint away; what waits for it and its log follow.
///
/// # Errors
/// [`CommandError`].
pub async fn delete_endpoint(webhooks: &Webhooks, caller: &Caller, id: EndpointId) -> Result<(), CommandError> {
    for _ in 0..TRIES {
        let (version, endpoint) = own(webhooks, caller, id).await?;
        let sort = endpoint.created_at.to_string();
        let change = Change::new(keys::endpoint(id)?, Some(version), Content::Tombstone, caller.meta.clone());
        let change = [keys::endpoints_of(endpoint.owner)?, keys::listening(endpoint.owner)?, keys::listening_to_all()?]
            .into_iter()
            .fold(change, |change, index| change.with_index(IndexStep::Remove { index, sort: sort.clone() }))
            .with_timer(TimerStep::Clear { name: keys::WAKE })
            .with_timer(TimerStep::Set { name: keys::CLEAR, due: caller.meta.at });
        match step(webhooks.records.commit(change).await?)? {
            Step::Committed(_) => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(CommandError::Contended)
}
