//! Clients that pay while everything around them breaks, the record of what they were promised, and the checks that
//! hold it against what is found afterwards; and a flood of events whose effects are counted (`flood`).
//!
//! Nothing here starts or kills a system: `cargo xtask chaos` does, and reads Redis for the [`Reading`]. Everything is
//! driven by one seed; what a run does with it still depends on how fast the machine answers, so a seed repeats the
//! plan of a run and not each of its interleavings.

pub mod between;
pub mod check;
pub mod crowd;
mod dice;
pub mod flood;
mod pace;
mod paying;
pub mod reading;
mod record;
mod sending;
pub mod states;
mod story;
mod tally;

pub use check::{Checked, Violation, check};
pub use crowd::{Crowd, Setting};
pub use dice::Dice;
pub use pace::Moment;
pub use reading::Reading;
pub use record::{Call, Deed, Ended, Order, Record};
pub use tally::Tally;
