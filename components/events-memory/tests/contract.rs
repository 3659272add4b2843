//! The contract suite on the double, under a clock that only the suite moves.

use ambient::{Clock, FixedClock, Random, Sleep, SystemRandom};
use async_trait::async_trait;
use core::time::Duration;
use events::{DeadLetters, EventInspection, EventLog, EventStatistics, StreamName};
use events_contract::{Failure, Fixture};
use events_memory::MemoryEventLog;
use std::sync::Arc;

struct MemoryFixture {
    clock: FixedClock,
    log: MemoryEventLog,
}

struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[async_trait]
impl Fixture for MemoryFixture {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.log.clone())
    }

    fn letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(self.log.clone())
    }

    fn statistics(&self) -> Arc<dyn EventStatistics> {
        Arc::new(self.log.clone())
    }

    fn inspection(&self) -> Arc<dyn EventInspection> {
        Arc::new(self.log.clone())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock.clone())
    }

    fn random(&self) -> Arc<dyn Random> {
        Arc::new(SystemRandom)
    }

    fn sleep(&self) -> Arc<dyn Sleep> {
        Arc::new(TokioSleep)
    }

    async fn append(&self, stream: &StreamName, payload: &[u8]) -> Result<(), Failure> {
        self.log.append_bytes(stream, payload);
        Ok(())
    }

    async fn rings(&self, group: &str) -> Result<usize, Failure> {
        Ok(self.log.rings(group))
    }

    async fn pass(&self, duration: Duration) {
        self.clock.advance_ms(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    }

    async fn lose_everything(&self) -> Result<(), Failure> {
        self.log.lose_everything();
        Ok(())
    }

    async fn trim(&self, stream: &StreamName) -> Result<(), Failure> {
        self.log.trim(stream);
        Ok(())
    }
}

async fn start() -> Result<MemoryFixture, Failure> {
    let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
    Ok(MemoryFixture { log: MemoryEventLog::new(Arc::new(clock.clone())), clock })
}

events_contract::suite!(start);
