//! A payment: what was asked for and where it stands.

use super::{CaptureMethod, ChargeId, Description, FailureCode, PaymentToken};
use ambient::Timestamp;
use ids::{PaymentId, UserId};
use money::Money;
use payments_wire::PaymentStatus;

/// What the acquirer is being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To hold the amount, or to take it at once where capture is automatic.
    Authorize,
    /// To take what is held, or part of it.
    Capture {
        /// How much.
        amount: Money,
    },
    /// To give the charge up because the payer or merchant wants it.
    Cancel,
    /// To give the charge up because its time ran out.
    Expire,
}

/// Where a payment rests between two steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nobody was asked for money yet.
    RequiresConfirmation,
    /// The payer has to do something, until the moment named.
    RequiresAction {
        /// When it is too late.
        until: Timestamp,
        /// Where the payer does it.
        url: Option<String>,
    },
    /// The whole amount is held, until the moment named.
    Authorized {
        /// When the hold runs out.
        until: Timestamp,
    },
    /// The money is taken, the rest of the hold released.
    Captured {
        /// How much was taken.
        captured: Money,
    },
    /// Given up before capture.
    Canceled,
    /// Time ran out before capture.
    Expired,
    /// Declined.
    Failed {
        /// Why.
        code: FailureCode,
    },
}

/// A step whose answer is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// What was asked.
    pub step: Step,
    /// Since when.
    pub since: Timestamp,
}

/// A payment.
///
/// **Invariant** captured ≤ held ≤ amount, all in one currency; at most one step is pending; there is at most one charge
/// for its whole life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its name.
    pub id: PaymentId,
    /// Whose it is.
    pub payer: UserId,
    /// What was asked for.
    pub amount: Money,
    /// What it is for.
    pub description: Option<Description>,
    /// Whether the money is taken with the confirmation or later.
    pub capture_method: CaptureMethod,
    /// What stands for the card.
    pub payment_method: PaymentToken,
    /// When it was created.
    pub created_at: Timestamp,
    /// Where it rests, or rested before the pending step.
    pub stage: Stage,
    /// The step whose answer is awaited.
    pub pending: Option<Pending>,
    /// The acquirer's charge, as soon as one is known.
    pub charge: Option<ChargeId>,
    /// How many steps were begun: tells two captures of one payment apart where the first was refused.
    pub steps_begun: u32,
}

impl Payment {
    /// Where it is, in public words. While a capture or cancellation is under way it is still `authorized`: the hold
    /// stands until the acquirer has answered.
    pub fn status(&self) -> PaymentStatus {
        if matches!(self.pending, Some(Pending { step: Step::Authorize, .. })) {
            return PaymentStatus::Processing;
        }
        match self.stage {
            Stage::RequiresConfirmation => PaymentStatus::RequiresConfirmation,
            Stage::RequiresAction { .. } => PaymentStatus::RequiresAction,
            Stage::Authorized { .. } => PaymentStatus::Authorized,
            Stage::Captured { .. } => PaymentStatus::Captured,
            Stage::Canceled => PaymentStatus::Canceled,
            Stage::Expired => PaymentStatus::Expired,
            Stage::Failed { .. } => PaymentStatus::Failed,
        }
    }

    /// What was taken so far.
    pub fn captured(&self) -> Money {
        match self.stage {
            Stage::Captured { captured } => captured,
            _ => Money::zero(self.amount.currency()),
        }
    }

    /// What is held on the payer's side.
    pub fn held(&self) -> Money {
        match self.stage {
            Stage::Authorized { .. } => self.amount,
            _ => Money::zero(self.amount.currency()),
        }
    }

    /// Why it failed.
    pub fn failure_code(&self) -> Option<&FailureCode> {
        match &self.stage {
            Stage::Failed { code } => Some(code),
            _ => None,
        }
    }

    /// Whether it is the payer's turn: the outcome can come at any time, without a step of ours.
    pub fn waits_for_payer(&self) -> bool {
        self.pending.is_none() && matches!(self.stage, Stage::RequiresAction { .. })
    }

    /// The idempotency key with which the charge is made: one a payment, for ever, so that no repetition of ours can
    /// charge twice.
    pub fn charge_key(&self) -> String {
        format!("{}:charge", self.id)
    }

    /// The idempotency key of the step under way at the acquirer.
    pub fn step_key(&self, step: &Step) -> String {
        let name = match step {
            Step::Authorize => return self.charge_key(),
            Step::Capture { .. } => "capture",
            Step::Cancel | Step::Expire => "cancel",
        };
        format!("{}:{name}:{}", self.id, self.steps_begun)
    }
}
