//! How cards behave, and what may become of a charge: pure decisions.

mod after;
mod card;
mod charge;
mod notice;

pub use after::{ChargeDispute, ChargeRefund, DisputeId, DisputeStanding};
pub use card::{Card, Delay};
pub use charge::{Charge, ChargeId, ChargeRefusal, LetterId, NewCharge, Standing};
pub use notice::{NoticeId, Occasion, announce_at};
