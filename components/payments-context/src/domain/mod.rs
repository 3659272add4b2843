//! What a payment is and what may become of it: pure decisions, no clock, no wire, no store.

mod card_number;
mod charge;
mod decide;
mod decision;
mod ledger;
mod payment;
mod settle;
mod values;

pub use card_number::holds_card_number;
pub use charge::{Charge, ChargeId, ChargeStanding, FailureCode};
pub use decide::{Command, Move, Refusal, allowed, decide};
pub(crate) use decision::SETTLE_AFTER;
pub use decision::{Alarms, Decision, PaymentEvent};
pub use ledger::{Account, Leg, Role};
pub use payment::{Payment, Pending, Stage, Step};
pub use settle::{Unsettled, refused, settle};
pub use values::{CaptureMethod, Description, InvalidValue, MAX_AMOUNT_MINOR, PaymentToken, payable};

#[cfg(test)]
pub(crate) mod properties;
