//! Test doubles: a clock that stands still until told, and randomness that counts.

use crate::{Clock, Random, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A clock that shows what the test set; clones show the same time.
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    /// A clock that shows the given RFC 3339 moment, or the epoch where the text is not one.
    pub fn at(moment: &str) -> Self {
        let unix_ms = moment.parse::<Timestamp>().map_or(0, Timestamp::unix_ms);
        Self(Arc::new(AtomicI64::new(unix_ms)))
    }

    /// Moves the clock forward, or back with a negative number.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// Randomness that is not random: each buffer holds the next number, big-endian, so that identifiers are foreseeable.
#[derive(Debug, Clone, Default)]
pub struct CountedRandom(Arc<AtomicU64>);

impl Random for CountedRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        buffer.fill(0);
        for (to, from) in buffer.iter_mut().rev().zip(next.to_be_bytes().iter().rev()) {
            *to = *from;
        }
    }
}
