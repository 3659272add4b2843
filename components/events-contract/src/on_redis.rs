//! The fixture on a Redis server, over any connection: natively, or inside a component.
//!
//! A component cannot subscribe. So whoever starts the server listens to `bell:*` and appends each bell to the list
//! [`HEARD`]: the name of the group, or for `bell:fence` the payload.

use crate::{Failure, Fixture};
use ambient::{Clock, Random, Sleep, SystemClock, SystemRandom};
use async_trait::async_trait;
use core::any::Any;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use events::{DeadLetters, EventInspection, EventLog, EventStatistics, StreamName};
use events_redis::RedisEventLog;
use redis_client::{Argument, Redis, Repeat, Reply};
use std::sync::Arc;

/// The list of the bells that were heard.
pub const HEARD: &str = "{contract}:heard";

/// What a commit does to the stream and the bells, no more: the whole script is bound by the suite of records.
const APPEND: &str = "
    redis.call('XADD', KEYS[1], '*', 'e', ARGV[1])
    for _, group in ipairs(redis.call('SMEMBERS', KEYS[2])) do
      if redis.call('SET', KEYS[3] .. group, '1', 'NX', 'PX', 5000) then
        redis.call('PUBLISH', 'bell:' .. group, 'bell')
      end
    end
    return 1";

/// A server as the users who speak to it in production see it.
pub struct OnRedis {
    /// May do everything: appends, loses, trims.
    pub operator: Arc<dyn Redis>,
    /// The worker's: the service `notifications`.
    pub worker: Arc<dyn Redis>,
    /// That of whoever reads statistics: the gateway.
    pub gateway: Arc<dyn Redis>,
    /// That of whoever looks after the events of all: the service `operations`.
    pub operations: Arc<dyn Redis>,
    /// Real waiting.
    pub sleep: Arc<dyn Sleep>,
    /// Whatever has to live as long as the fixture, such as the server.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Each fence of this process is another.
static FENCES: AtomicU32 = AtomicU32::new(0);

impl OnRedis {
    async fn operate(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        self.operator.execute(command, arguments, Repeat::Never).await.map_err(|error| Failure(error.to_string()))
    }

    /// All bells heard so far. A fence of our own is heard after all that were rung before it.
    async fn heard(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let fence = format!("fence {}", FENCES.fetch_add(1, Ordering::Relaxed)).into_bytes();
        self.operate("PUBLISH", vec!["bell:fence".into(), fence.clone().into()]).await?;
        for _ in 0..2_000 {
            let heard = self.operate("LRANGE", vec![HEARD.into(), 0.into(), (-1).into()]).await?;
            let heard: Vec<_> = heard
                .into_iter()
                .filter_map(|reply| if let Reply::Bytes(bytes) = reply { Some(bytes) } else { None })
                .collect();
            if heard.contains(&fence) {
                return Ok(heard);
            }
            self.sleep.sleep(Duration::from_millis(5)).await;
        }
        Err(Failure("nobody listens to the bells".to_owned()))
    }
}

#[async_trait]
impl Fixture for OnRedis {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(RedisEventLog::new("notifications", self.worker.clone()))
    }

    fn letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(RedisEventLog::new("notifications", self.operations.clone()))
    }

    fn inspection(&self) -> Arc<dyn EventInspection> {
        Arc::new(RedisEventLog::new("notifications", self.operations.clone()))
    }

    fn statistics(&self) -> Arc<dyn EventStatistics> {
        Arc::new(RedisEventLog::new("gateway", self.gateway.clone()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    fn random(&self) -> Arc<dyn Random> {
        Arc::new(SystemRandom)
    }

    fn sleep(&self) -> Arc<dyn Sleep> {
        self.sleep.clone()
    }

    async fn append(&self, stream: &StreamName, payload: &[u8]) -> Result<(), Failure> {
        let keys = [format!("{{{stream}}}:events"), format!("{{{stream}}}:groups"), format!("{{{stream}}}:rung:")];
        let arguments = [Argument::from(APPEND), 3.into()].into_iter().chain(keys.map(Argument::from));
        self.operate("EVAL", arguments.chain([payload.to_vec().into()]).collect()).await?;
        Ok(())
    }

    async fn rings(&self, group: &str) -> Result<usize, Failure> {
        Ok(self.heard().await?.iter().filter(|heard| heard.as_slice() == group.as_bytes()).count())
    }

    async fn pass(&self, duration: Duration) {
        self.sleep.sleep(duration).await;
    }

    async fn lose_everything(&self) -> Result<(), Failure> {
        // What was rung before is heard before, and lost.
        self.heard().await?;
        self.operate("FLUSHALL", Vec::new()).await?;
        Ok(())
    }

    async fn trim(&self, stream: &StreamName) -> Result<(), Failure> {
        let arguments = vec![format!("{{{stream}}}:events").into(), "MAXLEN".into(), 0.into()];
        self.operate("XTRIM", arguments).await?;
        Ok(())
    }
}
