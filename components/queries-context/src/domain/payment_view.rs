//! A payment as this context knows it, and what a newer snapshot changes in the overview of its payer.

use ambient::Timestamp;
use events::EventVersion;
use ids::{PaymentId, UserId};
use money::Money;
use payments_wire::PaymentStatus;

/// Every status, in the order of a payment's life.
pub const STATUSES: [PaymentStatus; 12] = [
    PaymentStatus::RequiresConfirmation,
    PaymentStatus::Processing,
    PaymentStatus::RequiresAction,
    PaymentStatus::Authorized,
    PaymentStatus::Captured,
    PaymentStatus::Canceled,
    PaymentStatus::Expired,
    PaymentStatus::Failed,
    PaymentStatus::PartiallyRefunded,
    PaymentStatus::Refunded,
    PaymentStatus::Disputed,
    PaymentStatus::ChargedBack,
];

/// The word of a status on the wire and in the names of indexes.
pub const fn status_word(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::RequiresConfirmation => "requires_confirmation",
        PaymentStatus::Processing => "processing",
        PaymentStatus::RequiresAction => "requires_action",
        PaymentStatus::Authorized => "authorized",
        PaymentStatus::Captured => "captured",
        PaymentStatus::Canceled => "canceled",
        PaymentStatus::Expired => "expired",
        PaymentStatus::Failed => "failed",
        PaymentStatus::PartiallyRefunded => "partially_refunded",
        PaymentStatus::Refunded => "refunded",
        PaymentStatus::Disputed => "disputed",
        PaymentStatus::ChargedBack => "charged_back",
    }
}

/// The newest snapshot of a payment that was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentView {
    /// Which payment.
    pub id: PaymentId,
    /// Whose it is.
    pub user_id: UserId,
    /// Where it is.
    pub status: PaymentStatus,
    /// What was asked for.
    pub amount: Money,
    /// What was taken.
    pub captured: Money,
    /// When it was created: its place in the payer's list.
    pub created_at: Timestamp,
    /// When it came to this.
    pub changed_at: Timestamp,
    /// The version of the payment that this was read from.
    pub version: EventVersion,
}

/// What a newer snapshot changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentStep {
    /// What is known afterwards.
    pub view: PaymentView,
    /// The status under which it was counted until now, if another.
    pub leaves: Option<PaymentStatus>,
    /// What is added to the payer's captured total in the payment's currency, in minor units.
    pub captured_delta_minor: i64,
}

/// A snapshot that cannot be of the same payment, or of any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Another owner, currency or creation than before: these never change.
    #[error("the owner, currency or creation of payment {0} changed")]
    Identity(PaymentId),
    /// Two currencies in one snapshot.
    #[error("payment {0} was captured in another currency than asked for")]
    Currency(PaymentId),
}

impl PaymentView {
    /// Takes in a snapshot: `None` where it is not newer than what is known, so that repeated and overtaken events
    /// change nothing.
    ///
    /// # Errors
    /// [`Contradiction`].
    pub fn take_in(known: Option<&Self>, told: Self) -> Result<Option<PaymentStep>, Contradiction> {
        if told.captured.currency() != told.amount.currency() {
            return Err(Contradiction::Currency(told.id));
        }
        let Some(known) = known else {
            let captured_delta_minor = told.captured.minor();
            return Ok(Some(PaymentStep { view: told, leaves: None, captured_delta_minor }));
        };
        let identity = |view: &Self| (view.user_id, view.amount.currency(), view.created_at);
        if identity(known) != identity(&told) {
            return Err(Contradiction::Identity(told.id));
        }
        if told.version <= known.version {
            return Ok(None);
        }
        Ok(Some(PaymentStep {
            leaves: (known.status != told.status).then_some(known.status),
            captured_delta_minor: told.captured.minor().saturating_sub(known.captured.minor()),
            view: told,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(status: PaymentStatus, captured_minor: i64, version: &str) -> PaymentView {
        let eur = "EUR".parse().unwrap();
        PaymentView {
            id: PaymentId::derived(0, &[b"p"]),
            user_id: UserId::derived(0, &[b"ada"]),
            status,
            amount: Money::new(1099, eur).unwrap(),
            captured: Money::new(captured_minor, eur).unwrap(),
            created_at: Timestamp::from_unix_ms(1),
            changed_at: Timestamp::from_unix_ms(2),
            version: version.parse().unwrap(),
        }
    }

    #[test]
    fn a_newer_snapshot_leaves_the_old_status_and_adds_the_difference() {
        let authorized = view(PaymentStatus::Authorized, 0, "1.3");
        let captured = view(PaymentStatus::Captured, 1000, "1.5");
        let step = PaymentView::take_in(Some(&authorized), captured.clone()).unwrap().unwrap();
        assert_eq!(
            step,
            PaymentStep { view: captured, leaves: Some(PaymentStatus::Authorized), captured_delta_minor: 1000 }
        );
    }

    #[test]
    fn what_is_not_newer_changes_nothing() {
        let captured = view(PaymentStatus::Captured, 1000, "1.5");
        for version in ["1.5", "1.4", "1.1"] {
            let told = view(PaymentStatus::Authorized, 0, version);
            assert_eq!(PaymentView::take_in(Some(&captured), told), Ok(None), "{version}");
        }
    }

    #[test]
    fn an_owner_or_currency_that_changes_is_a_contradiction() {
        let known = view(PaymentStatus::Authorized, 0, "1.3");
        let stolen = PaymentView { user_id: UserId::derived(0, &[b"bob"]), ..view(PaymentStatus::Captured, 1, "1.4") };
        assert_eq!(PaymentView::take_in(Some(&known), stolen), Err(Contradiction::Identity(known.id)));
        let mixed = PaymentView { captured: Money::zero("JPY".parse().unwrap()), ..known.clone() };
        assert_eq!(PaymentView::take_in(None, mixed), Err(Contradiction::Currency(known.id)));
    }

    #[test]
    fn the_words_are_those_of_the_wire() {
        for status in STATUSES {
            assert_eq!(serde_json::to_value(status).unwrap(), status_word(status));
        }
    }
}
