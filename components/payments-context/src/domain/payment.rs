//! A payment: what was asked for and where it stands.

use super::{
    CaptureMethod, ChargeId, Description, Dispute, DisputeStanding, FailureCode, PaymentToken, ProviderName, Refund,
    RefundId, RefundReason, RefundStanding, ReturnUrl,
};
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
    /// To give back what was taken, or part of it.
    Refund {
        /// Its name, also at the acquirer.
        id: RefundId,
        /// How much.
        amount: Money,
        /// Why.
        reason: Option<RefundReason>,
    },
}

impl Step {
    /// The word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Authorize => "confirm",
            Self::Capture { .. } => "capture",
            Self::Cancel => "cancel",
            Self::Expire => "expire",
            Self::Refund { .. } => "refund",
        }
    }
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
/// **Invariant** refunded ≤ captured ≤ held ≤ amount, all in one currency; at most one step is pending; there is at most
/// one charge for its whole life; only what is captured has refunds or a dispute.
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
    /// Where the payer comes back to after a required action.
    pub return_url: Option<ReturnUrl>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Where it rests, or rested before the pending step.
    pub stage: Stage,
    /// The step whose answer is awaited.
    pub pending: Option<Pending>,
    /// Who was asked for the charge, as soon as somebody was.
    pub provider: Option<ProviderName>,
    /// The acquirer's charge, as soon as one is known.
    pub charge: Option<ChargeId>,
    /// What was given back, oldest first.
    pub refunds: Vec<Refund>,
    /// The newest dispute.
    pub dispute: Option<Dispute>,
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
            Stage::Captured { captured } => match self.dispute_standing() {
                Some(DisputeStanding::Open) => PaymentStatus::Disputed,
                Some(DisputeStanding::Lost) => PaymentStatus::ChargedBack,
                Some(DisputeStanding::Won) | None => match self.refunded().minor() {
                    0 => PaymentStatus::Captured,
                    refunded if refunded < captured.minor() => PaymentStatus::PartiallyRefunded,
                    _ => PaymentStatus::Refunded,
                },
            },
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

    /// What was given back so far.
    pub fn refunded(&self) -> Money {
        let given = self.refunds.iter().filter(|refund| refund.standing == RefundStanding::Succeeded);
        self.minor(given.map(|refund| refund.amount.minor()).fold(0, i64::saturating_add))
    }

    /// What is on its way back, its outcome unknown.
    pub fn refunding(&self) -> Money {
        match self.pending {
            Some(Pending { step: Step::Refund { amount, .. }, .. }) => amount,
            _ => self.minor(0),
        }
    }

    /// What an open dispute asks for.
    pub fn disputed(&self) -> Money {
        self.dispute_over(DisputeStanding::Open)
    }

    /// What a lost dispute took.
    pub fn lost(&self) -> Money {
        self.dispute_over(DisputeStanding::Lost)
    }

    /// What could still be given back.
    pub fn refundable(&self) -> Money {
        let gone = self.refunded().minor().saturating_add(self.refunding().minor()).saturating_add(self.lost().minor());
        self.minor(self.captured().minor().saturating_sub(gone).max(0))
    }

    /// Where its dispute stands, if it has one.
    pub fn dispute_standing(&self) -> Option<DisputeStanding> {
        self.dispute.as_ref().map(|dispute| dispute.report.standing)
    }

    fn dispute_over(&self, standing: DisputeStanding) -> Money {
        match &self.dispute {
            Some(dispute) if dispute.report.standing == standing => dispute.report.amount,
            _ => self.minor(0),
        }
    }

    /// An amount in its currency; one that cannot be is nothing.
    fn minor(&self, minor: i64) -> Money {
        let currency = self.amount.currency();
        Money::new(minor, currency).unwrap_or(Money::zero(currency))
    }

    /// Why it failed.
    pub fn failure_code(&self) -> Option<&FailureCode> {
        match &self.stage {
            Stage::Failed { code } => Some(code),
            _ => None,
        }
    }

    /// Whether others are to move next, the payer or the bank: news can come at any time, without a step of ours.
    pub fn waits_for_others(&self) -> bool {
        let others = matches!(self.stage, Stage::RequiresAction { .. })
            || self.dispute_standing() == Some(DisputeStanding::Open);
        self.pending.is_none() && others
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
            Step::Refund { .. } => "refund",
        };
        format!("{}:{name}:{}", self.id, self.steps_begun)
    }
}
