//! A flood of events through competing workers: what is told, what must follow from it exactly once, and the checks that
//! hold it against what is found.
//!
//! Nothing here starts, kills or reads: `cargo xtask chaos events` does.

mod check;
mod plan;

pub use check::{Effects, Found, Projected, Stands, check};
pub use plan::{Plan, Told, Wanted};

#[cfg(test)]
mod tests;
