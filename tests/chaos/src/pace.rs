//! Moments and pauses of a client outside the system. The one place of this crate that looks at the clock.

use std::time::{Duration, Instant};

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Instant);

impl Moment {
    /// The present.
    #[expect(clippy::disallowed_methods, reason = "a client outside the system waits by its own clock")]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0 + time)
    }

    /// The time since then.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Whether it has come.
    pub fn is_over(self) -> bool {
        self <= Self::now()
    }
}
