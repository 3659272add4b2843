//! What each event of this context is, for those who hear it.

use crate::*;
use event_catalogue::EventType;
use money::Currency;

/// Every event of the payments context, each with an example.
pub fn catalogue() -> Vec<EventType> {
    let mut types = payments();
    types.extend(payouts());
    let reversal = ReversalSnapshot { entry: 7, at: moment() };
    types.push(EventType::new(
        LEDGER_REVERSED,
        "An entry of the ledger was reversed by another.",
        "entry_7",
        &reversal,
    ));
    types
}

fn moment() -> Timestamp {
    Timestamp::from_unix_ms(1_767_225_600_000)
}

/// So many cents. An amount that the currency cannot have would be none, which no example is.
fn cents(minor: i64) -> Money {
    let currency = Currency::EUR;
    Money::new(minor, currency).unwrap_or(Money::zero(currency))
}

fn payments() -> Vec<EventType> {
    let created = PaymentSnapshot {
        id: PaymentId::derived(0, &[b"example"]),
        user_id: UserId::derived(0, &[b"example"]),
        status: PaymentStatus::RequiresConfirmation,
        amount: cents(1099),
        captured: cents(0),
        refunded: None,
        created_at: moment(),
        description: Some("A pot of tea".to_owned()),
        failure_code: None,
    };
    let as_it_is = |status| PaymentSnapshot { status, ..created.clone() };
    let taken = |status| PaymentSnapshot { status, captured: cents(1099), ..created.clone() };
    let given_back = |status, minor| PaymentSnapshot { refunded: Some(cents(minor)), ..taken(status) };
    let failed = PaymentSnapshot { failure_code: Some("card_declined".to_owned()), ..as_it_is(PaymentStatus::Failed) };
    let of = |kind, summary, snapshot: PaymentSnapshot| EventType::new(kind, summary, snapshot.id, &snapshot);
    use PaymentStatus as Status;
    vec![
        of(PAYMENT_CREATED, "A payment was created.", created.clone()),
        of(PAYMENT_PROCESSING, "The provider has begun to work on it.", as_it_is(Status::Processing)),
        of(PAYMENT_REQUIRES_ACTION, "The payer has to do something (3-D Secure).", as_it_is(Status::RequiresAction)),
        of(PAYMENT_AUTHORIZED, "The amount is held on the payer's side.", as_it_is(Status::Authorized)),
        of(PAYMENT_CAPTURED, "The money is taken: the receipt is due.", taken(Status::Captured)),
        of(PAYMENT_CANCELED, "The payment was canceled before capture.", as_it_is(Status::Canceled)),
        of(PAYMENT_EXPIRED, "The hold ran out before capture.", as_it_is(Status::Expired)),
        of(PAYMENT_FAILED, "The provider declined.", failed),
        of(
            PAYMENT_PARTIALLY_REFUNDED,
            "Part of what was taken was given back; told anew for each further part.",
            given_back(Status::PartiallyRefunded, 500),
        ),
        of(PAYMENT_REFUNDED, "All that was taken was given back.", given_back(Status::Refunded, 1099)),
        of(
            PAYMENT_REFUND_FAILED,
            "A refund that had been accepted did not reach the payer: less is given back than was told before.",
            taken(Status::Captured),
        ),
        of(PAYMENT_DISPUTED, "The payer's bank disputes the payment.", taken(Status::Disputed)),
        of(PAYMENT_DISPUTE_WON, "The dispute ended in the merchant's favour.", taken(Status::Captured)),
        of(
            PAYMENT_CHARGED_BACK,
            "The dispute ended in the payer's favour: the money is gone.",
            taken(Status::ChargedBack),
        ),
    ]
}

fn payouts() -> Vec<EventType> {
    let of = |kind, summary, status| {
        let snapshot = PayoutSnapshot {
            id: PayoutId::derived(0, &[b"example"]),
            status,
            amount: cents(250_000),
            requested_by: Some(UserId::derived(0, &[b"example"])),
            created_at: moment(),
        };
        EventType::new(kind, summary, snapshot.id, &snapshot)
    };
    vec![
        of(PAYOUT_CREATED, "Money of the merchant's was set aside for a payout.", PayoutStatus::Created),
        of(PAYOUT_IN_TRANSIT, "The bank was told.", PayoutStatus::InTransit),
        of(PAYOUT_PAID, "It arrived.", PayoutStatus::Paid),
        of(PAYOUT_FAILED, "The bank could not deliver it, or sent it back after all.", PayoutStatus::Failed),
        of(PAYOUT_RETURNED, "The money is the merchant's again.", PayoutStatus::Returned),
    ]
}
