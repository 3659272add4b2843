//! How cards behave, and what may become of a charge: pure decisions.

mod card;
mod charge;

pub use card::{Card, Delay};
pub use charge::{Charge, ChargeId, ChargeRefusal, LetterId, NewCharge, Standing};
