//! Clock, randomness and waiting: the inputs that a pure function cannot make for itself.
//!
//! Everything else takes them as parameters, so that tests decide what time it is. Clippy refuses the ambient ones
//! outside this crate.

mod doubles;
mod timestamp;

pub use doubles::{CountedRandom, FixedClock};
pub use timestamp::{InvalidTimestamp, Timestamp};

use async_trait::async_trait;
use core::time::Duration;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present, in UTC.
    fn now(&self) -> Timestamp;
}

/// Makes bytes that nobody can foresee.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// Lets time pass: a deadline is a race between a call and a sleep.
#[async_trait]
pub trait Sleep: Send + Sync {
    /// Comes back after this long; dropping the future ends the wait.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the system, or of WASI inside a component.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the ambient clock is read")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The randomness of the system, or of WASI inside a component.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::panic,
        reason = "without randomness no identifier and no secret may be made: stopping is the only safe answer"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("the system gives no randomness: {error}");
        }
    }
}

/// A UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness.
pub fn uuid_v7(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let mut bytes = [0u8; 10];
    random.fill(&mut bytes);
    let unix_ms = u64::try_from(clock.now().unix_ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(unix_ms, &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_sort_by_the_clock() {
        let (clock, random) = (FixedClock::at("2026-01-01T00:00:00.000Z"), CountedRandom::default());
        let first = uuid_v7(&clock, &random);
        clock.advance_ms(1);
        assert!(first < uuid_v7(&clock, &random));
        assert_eq!(first.get_version_num(), 7);
    }
}
