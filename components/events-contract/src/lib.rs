//! The suite that binds every implementation of the events ports: the double in memory, and Redis.
//!
//! What lives here: the cases as plain async functions, so that they run natively and inside a component alike, and
//! the fixture that they need. What does not: servers and clocks, which each implementation's tests bring along.

#[macro_use]
mod ensure;
mod cases;
mod consumers;
mod fixture;
mod on_redis;
mod suite;

pub use ensure::Failure;
pub use fixture::{Fixture, event};
pub use on_redis::{HEARD, OnRedis};
pub use suite::run;

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
    /// Runs the case on an empty log.
    ///
    /// # Errors
    /// What was found instead.
    pub async fn run(&self, fixture: &dyn Fixture) -> Result<(), Failure> {
        fixture.lose_everything().await?;
        (self.run)(fixture).await
    }
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut all = cases::entries::cases();
    all.extend(cases::bells::cases());
    all.extend(cases::retries::cases());
    all.extend(cases::letters::cases());
    all.extend(cases::inspection::cases());
    all.extend(cases::workers::cases());
    all
}
