//! The whole system for tests: started as a user starts it, killed as a machine kills it.
//!
//! The tests themselves are in `tests/tests`, a file a floor.

mod system;

pub use system::{System, Workplace, now};
