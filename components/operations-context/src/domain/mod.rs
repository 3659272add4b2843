//! What an operator may do about a dead letter, and what may become of an event that is edited. Pure: no clock, no store.

mod act;
mod edit;
mod reason;
mod selection;

pub use act::{Act, InvalidAct};
pub use edit::{EditRefused, Edited, edit};
pub use reason::{InvalidReason, Reason};
pub use selection::Selection;
