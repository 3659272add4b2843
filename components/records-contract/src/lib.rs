//! The suite that binds every implementation of the records port: the double in memory, and Redis with a key-value
//! store.
//!
//! What lives here: the cases as plain async functions, so that they run natively and inside a component alike; the
//! fixture that they need; and the two fixtures, which bring the faults. What does not: servers and connections, which
//! each test brings along.

#[macro_use]
mod ensure;
mod books;
mod cases;
mod changes;
mod fixture;
mod on_memory;
mod on_redis;

pub use books::{Step, keep_books};
pub use ensure::Failure;
pub use fixture::{Fault, Fixture, Moment};
pub use on_memory::OnMemory;
pub use on_redis::OnRedis;

use core::pin::Pin;

/// A case that runs on a fixture.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// One sentence that every implementation must make true.
pub struct Case {
    /// The sentence, in snake_case.
    pub name: &'static str,
    run: for<'a> fn(&'a dyn Fixture) -> Running<'a>,
}

impl Case {
    /// Runs the case on empty stores.
    ///
    /// # Errors
    /// What was found instead.
    pub async fn run(&self, fixture: &dyn Fixture) -> Result<(), Failure> {
        fixture.reset().await?;
        (self.run)(fixture).await
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut all = cases::contents::cases();
    all.extend(cases::faults::cases());
    all.extend(cases::indexes::cases());
    all.extend(cases::journal::cases());
    all.extend(cases::once_rows::cases());
    all.extend(cases::postings::cases());
    all.extend(cases::rebuild::cases());
    all.extend(cases::timers::cases());
    all.extend(cases::trail::cases());
    all.extend(cases::upkeep::cases());
    all
}
