//! The whole system for tests: started as a user starts it, killed as a machine kills it; and single manifests in a
//! host, for tests that bring components of their own.
//!
//! The tests themselves are in `tests/tests`, a file a floor.

mod application;
mod leaver;
mod shop;
mod system;

pub use application::{Application, Plan, guest};
pub use leaver::{Leaver, partition_of, total};
pub use shop::Shop;
pub use system::{System, Workplace, now};
