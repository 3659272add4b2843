//! How cards behave, and what may become of a charge: pure decisions.

mod after;
mod card;
mod charge;

pub use after::{ChargeDispute, ChargeRefund, DisputeId, DisputeStanding};
pub use card::{Card, Delay};
pub use charge::{Charge, ChargeId, ChargeRefusal, LetterId, NewCharge, Standing};
