//! Waiting, on the host's monotonic clock.

use ambient::Sleep;
use async_trait::async_trait;
use core::time::Duration;

/// Sleeps on the host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpinSleep;

#[async_trait]
impl Sleep for SpinSleep {
    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }
}
