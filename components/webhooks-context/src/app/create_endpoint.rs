//! `POST /v1/webhooks/endpoints`: one commit. The name is derived from (owner, Idempotency-Key), so that a repetition finds
//! what the first request made.

use super::error::CommandError;
use super::step::{Written, written};
use super::store::{endpoint_change, load_endpoint};
use super::{Caller, OnceRequest};
use crate::Webhooks;
use crate::domain::{
    Audience, Endpoint, EndpointStatus, Filter, InvalidEndpoint, ReceiverUrl, RefusedUrl, Secret, SecretPair,
    description, rate_per_s,
};
use crate::keys;
use crate::wire::CreateEndpointRequest;
use futures::future::try_join;
use webhooks_wire::EndpointId;

/// The most endpoints that an account has. Looked at before the commit: requests side by side may end a few above it.
pub const MOST_ENDPOINTS: u64 = 20;

impl From<InvalidEndpoint> for CommandError {
    fn from(why: InvalidEndpoint) -> Self {
        let field = match why {
            InvalidEndpoint::Description => "description",
            InvalidEndpoint::EventType(_) | InvalidEndpoint::TooMany => "events",
            InvalidEndpoint::Rate => "rate_per_s",
        };
        Self::Invalid { field, why: why.to_string() }
    }
}

impl From<RefusedUrl> for CommandError {
    fn from(why: RefusedUrl) -> Self {
        Self::Invalid { field: "url", why: why.to_string() }
    }
}

/// A secret of the owner's own, or a new one.
///
/// # Errors
/// [`CommandError::Invalid`].
pub(super) fn secret(webhooks: &Webhooks, own: Option<&str>) -> Result<Secret, CommandError> {
    match own {
        None => Ok(Secret::make(&*webhooks.random)),
        Some(text) => {
            Secret::parse(text).map_err(|why| CommandError::Invalid { field: "secret", why: why.to_string() })
        }
    }
}

/// Makes an endpoint.
///
/// # Errors
/// [`CommandError`].
pub async fn create_endpoint(
    webhooks: &Webhooks,
    caller: &Caller,
    once: &OnceRequest,
    request: CreateEndpointRequest,
) -> Result<Endpoint, CommandError> {
    if request.all_accounts && !caller.admin {
        return Err(CommandError::NotAdmin);
    }
    let audience = if request.all_accounts { Audience::All } else { Audience::Own };
    let owner = caller.user;
    let endpoint = Endpoint {
        id: EndpointId::derived(owner.partition(), &[b"endpoint", owner.to_string().as_bytes(), once.key.as_bytes()]),
        owner,
        url: ReceiverUrl::parse(&request.url, &webhooks.opened)?.as_str().to_owned(),
        description: description(request.description)?,
        audience,
        filter: Filter::new(request.events, audience)?,
        rate_per_s: rate_per_s(request.rate_per_s)?,
        ordered: request.ordered,
        status: EndpointStatus::Enabled,
        secrets: SecretPair { current: secret(webhooks, request.secret.as_deref())?, previous: None },
        created_at: caller.meta.at,
    };
    let (mark, indexes) = (keys::owner(owner)?, keys::endpoints_of(owner)?);
    let (mark, count) = try_join(webhooks.records.load(&mark), webhooks.records.count(&indexes)).await?;
    if mark.is_some() {
        return Err(CommandError::Erased);
    }
    let change = endpoint_change(webhooks, &endpoint, None, caller.meta.clone())?.with_once(once.row(owner));
    if count >= MOST_ENDPOINTS && load_endpoint(webhooks, endpoint.id).await?.is_none() {
        return Err(CommandError::TooMany);
    }
    // Whether now, before, or so long ago that its row is gone: what is there under this key is the answer.
    match written(webhooks.records.commit(change).await?)? {
        Written::Done | Written::Conflict => {}
    }
    load_endpoint(webhooks, endpoint.id).await?.map(|(_, endpoint)| endpoint).ok_or(CommandError::NotFound)
}
