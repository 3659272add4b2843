//! The suite that binds every implementation of the limiter: the double in memory, and Redis.
//!
//! What lives here: the cases, each under a policy of its own so that they need no cleaning. What does not: servers and
//! clocks, which each implementation's tests bring along. Real time passes on Redis while a case runs, so quotas are
//! chosen such that a slow machine changes nothing: what flows in takes minutes, or is waited for.

mod cases;

use async_trait::async_trait;
use core::time::Duration;
use limiter::{Limiter, LimiterError};
use std::sync::Arc;

/// What a case found that must not be.
#[derive(Debug)]
pub struct Failure(pub String);

impl From<LimiterError> for Failure {
    fn from(error: LimiterError) -> Self {
        Self(error.to_string())
    }
}

/// One implementation.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The limiter.
    fn limiter(&self) -> Arc<dyn Limiter>;

    /// Lets this much time pass on the limiter's clock.
    async fn pass(&self, duration: Duration);
}

/// Runs every case.
///
/// # Errors
/// The first case that fails, by its name, and what was found instead.
pub async fn run(fixture: &dyn Fixture) -> Result<(), Failure> {
    for (name, case) in cases::ALL {
        case(fixture).await.map_err(|Failure(what)| Failure(format!("{name}: {what}")))?;
    }
    Ok(())
}
