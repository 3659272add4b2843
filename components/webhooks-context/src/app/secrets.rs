//! The secret of an endpoint: shown to its owner on demand, exchanged with an overlap.

use super::change_endpoint::own;
use super::create_endpoint::secret;
use super::error::CommandError;
use super::step::{Written, written};
use super::store::{TRIES, endpoint_change};
use super::{Caller, OnceRequest};
use crate::Webhooks;
use crate::domain::Endpoint;
use crate::wire::{RotateSecretRequest, SecretAnswer};
use ambient::Timestamp;
use webhooks_wire::EndpointId;

fn answer(endpoint: &Endpoint, now: Timestamp) -> SecretAnswer {
    SecretAnswer {
        secret: endpoint.secrets.current.expose().to_string(),
        previous_secret_until: endpoint.secrets.previous.as_ref().map(|(_, until)| *until).filter(|until| now < *until),
    }
}

/// Shows the secret.
///
/// # Errors
/// [`CommandError`].
pub async fn show_secret(webhooks: &Webhooks, caller: &Caller, id: EndpointId) -> Result<SecretAnswer, CommandError> {
    let (_, endpoint) = own(webhooks, caller, id).await?;
    Ok(answer(&endpoint, caller.meta.at))
}

/// Another secret takes over; the present one signs beside it for a day. One commit; a repetition shows what it made.
///
/// # Errors
/// [`CommandError`].
pub async fn rotate_secret(
    webhooks: &Webhooks,
    caller: &Caller,
    once: &OnceRequest,
    id: EndpointId,
    request: RotateSecretRequest,
) -> Result<SecretAnswer, CommandError> {
    let next = secret(webhooks, request.secret.as_deref())?;
    for _ in 0..TRIES {
        let (version, mut endpoint) = own(webhooks, caller, id).await?;
        endpoint.secrets = endpoint.secrets.rotated(next.clone(), caller.meta.at);
        let change =
            endpoint_change(webhooks, &endpoint, Some(version), caller.meta.clone())?.with_once(once.row(caller.user));
        match written(webhooks.records.commit(change).await?)? {
            Written::Done => return show_secret(webhooks, caller, id).await,
            Written::Conflict => {}
        }
    }
    Err(CommandError::Contended)
}
