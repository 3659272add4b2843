//! `POST /sandbox/v1/charges/{id}/…`: capture, cancel, refunds, and what the payer and the payer's bank do.

use super::SandboxError;
use super::store::{self, Written};
use crate::Sandbox;
use crate::domain::{Charge, ChargeId};

/// How often a step is decided anew because somebody else was faster.
const TRIES: u32 = 3;

/// One step of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Take this much, in minor units.
    Capture(i64),
    /// Give it up.
    Cancel,
    /// The payer proves who they are, or fails to.
    Authenticate {
        /// Whether they succeed.
        success: bool,
    },
    /// Give back this much, under this key and name.
    Refund {
        /// The caller's idempotency key.
        key: String,
        /// The caller's own name for it.
        reference: String,
        /// In minor units.
        amount_minor: i64,
    },
    /// The payer's bank disputes it.
    Dispute,
    /// The bank decides.
    CloseDispute {
        /// Whether for the merchant.
        won: bool,
    },
}

/// Carries out a step. The same step again changes nothing and answers alike.
///
/// # Errors
/// [`SandboxError::NotFound`], [`SandboxError::Refused`], [`SandboxError::Contended`], [`SandboxError::Store`].
pub async fn move_charge(sandbox: &Sandbox, id: &str, step: Step) -> Result<Charge, SandboxError> {
    let id: ChargeId = id.parse().map_err(|_| SandboxError::NotFound)?;
    for _ in 0..TRIES {
        let (version, charge) = store::load_charge(sandbox, id).await?.ok_or(SandboxError::NotFound)?;
        let now = sandbox.clock.now();
        let next = match &step {
            Step::Capture(amount_minor) => charge.capture(*amount_minor, now)?,
            Step::Cancel => charge.cancel(now)?,
            Step::Authenticate { success } => charge.authenticate(*success, now)?,
            Step::Refund { key, reference, amount_minor } => charge.refund(key, reference, *amount_minor, now)?,
            Step::Dispute => charge.dispute(now)?,
            Step::CloseDispute { won } => charge.close_dispute(*won)?,
        };
        if next == charge {
            return Ok(charge);
        }
        if let Written::Done = store::write_charge(sandbox, Some((version, &charge)), &next).await? {
            return Ok(next);
        }
    }
    Err(SandboxError::Contended)
}
