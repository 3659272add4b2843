//! The contract suite on the double, under a clock that only the suite moves.

use ambient::FixedClock;
use async_trait::async_trait;
use core::time::Duration;
use limiter::Limiter;
use limiter_contract::Fixture;
use limiter_memory::MemoryLimiter;
use std::sync::Arc;

struct Memory {
    clock: FixedClock,
    limiter: MemoryLimiter,
}

#[async_trait]
impl Fixture for Memory {
    fn limiter(&self) -> Arc<dyn Limiter> {
        Arc::new(self.limiter.clone())
    }

    async fn pass(&self, duration: Duration) {
        self.clock.advance_ms(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    }
}

#[tokio::test]
async fn the_double_does_what_every_limiter_does() -> Result<(), limiter_contract::Failure> {
    let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
    let limiter = MemoryLimiter::new(Arc::new(clock.clone()));
    limiter_contract::run(&Memory { clock, limiter }).await
}
