//! `GET /sandbox/v1/charges`: by idempotency key, by reference, or the newest of all. Counts are exact, so that tests can
//! prove one charge a payment.

use super::SandboxError;
use super::store::{self, CHARGES};
use crate::Sandbox;
use crate::domain::{Charge, ChargeId};
use crate::wire::StoredCharge;

/// The charge of this name.
///
/// # Errors
/// [`SandboxError::NotFound`], [`SandboxError::Store`].
pub async fn charge(sandbox: &Sandbox, id: &str) -> Result<Charge, SandboxError> {
    let id: ChargeId = id.parse().map_err(|_| SandboxError::NotFound)?;
    store::load_charge(sandbox, id).await?.map(|(_, charge)| charge).ok_or(SandboxError::NotFound)
}

/// The charge that a key made.
///
/// # Errors
/// [`SandboxError::NotFound`], [`SandboxError::Store`].
pub async fn charge_of_key(sandbox: &Sandbox, key: &str) -> Result<Charge, SandboxError> {
    let id = ChargeId::derived(0, &[key.as_bytes()]);
    store::load_charge(sandbox, id).await?.map(|(_, charge)| charge).ok_or(SandboxError::NotFound)
}

/// The newest charges, all or those for one reference, and how many there are.
///
/// # Errors
/// [`SandboxError::Store`].
pub async fn charges(sandbox: &Sandbox, reference: Option<&str>) -> Result<(Vec<Charge>, u64), SandboxError> {
    let index = match reference {
        Some(reference) => store::charges_for(reference)?,
        None => store::index(CHARGES.to_owned())?,
    };
    let (stored, total) = store::newest::<StoredCharge>(sandbox, &index).await?;
    let charges: Result<Vec<Charge>, _> = stored.into_iter().map(Charge::try_from).collect();
    Ok((charges.map_err(|what| SandboxError::Unreadable(what.to_owned()))?, total))
}
