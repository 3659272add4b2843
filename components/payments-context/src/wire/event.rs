//! Events of this context, from decisions.

use crate::domain::{Payment, PaymentEvent};
use events::NewEvent;
use payments_wire as public;

/// The public snapshot of a payment.
pub fn snapshot(payment: &Payment) -> public::PaymentSnapshot {
    public::PaymentSnapshot {
        id: payment.id,
        user_id: payment.payer,
        status: payment.status(),
        amount: payment.amount,
        captured: payment.captured(),
        refunded: Some(payment.refunded()).filter(|refunded| refunded.minor() != 0),
        created_at: payment.created_at,
        description: payment.description.as_ref().map(|text| text.as_str().to_owned()),
        failure_code: payment.failure_code().map(|code| code.as_str().to_owned()),
    }
}

/// The event as it is told to the others.
///
/// # Errors
/// The encoder's; does not happen with a snapshot.
pub fn event(happened: PaymentEvent, payment: &Payment) -> Result<NewEvent, serde_json::Error> {
    let kind = match happened {
        PaymentEvent::PaymentCreated => public::PAYMENT_CREATED,
        PaymentEvent::PaymentProcessing => public::PAYMENT_PROCESSING,
        PaymentEvent::PaymentRequiresAction => public::PAYMENT_REQUIRES_ACTION,
        PaymentEvent::PaymentAuthorized => public::PAYMENT_AUTHORIZED,
        PaymentEvent::PaymentCaptured => public::PAYMENT_CAPTURED,
        PaymentEvent::PaymentCanceled => public::PAYMENT_CANCELED,
        PaymentEvent::PaymentExpired => public::PAYMENT_EXPIRED,
        PaymentEvent::PaymentFailed => public::PAYMENT_FAILED,
        PaymentEvent::PaymentPartiallyRefunded => public::PAYMENT_PARTIALLY_REFUNDED,
        PaymentEvent::PaymentRefunded => public::PAYMENT_REFUNDED,
        PaymentEvent::PaymentRefundFailed => public::PAYMENT_REFUND_FAILED,
        PaymentEvent::PaymentDisputed => public::PAYMENT_DISPUTED,
        PaymentEvent::PaymentDisputeWon => public::PAYMENT_DISPUTE_WON,
        PaymentEvent::PaymentChargedBack => public::PAYMENT_CHARGED_BACK,
    };
    let data = serde_json::to_value(snapshot(payment))?;
    Ok(NewEvent { kind, subject: payment.id.to_string(), data, personal: None })
}
