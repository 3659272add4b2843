//! The contract suite on a real server, each call as the user that makes it in production: the worker's as the service
//! that it belongs to, the statistics' as the gateway, under the rules of `infra/redis/users.acl`.

mod native_redis;
mod rings;

use ambient::{Clock, Random, Sleep, SystemClock, SystemRandom};
use async_trait::async_trait;
use core::time::Duration;
use events::{DeadLetters, EventLog, EventStatistics, StreamName};
use events_contract::{Failure, Fixture};
use events_redis::RedisEventLog;
use native_redis::NativeRedis;
use redis_client::{Argument, Redis, Repeat, Reply};
use std::sync::Arc;
use rings::Rings;
use support::RedisServer;

/// Who may do what.
const USERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/redis/users.acl");

/// What a commit does to the stream and the bells, no more: the whole script is bound by the suite of records. The
/// bells are counted where they are rung.
const APPEND: &str = "
    redis.call('XADD', KEYS[1], '*', 'e', ARGV[1])
    for _, group in ipairs(redis.call('SMEMBERS', KEYS[2])) do
      if redis.call('SET', KEYS[3] .. group, '1', 'NX', 'PX', 5000) then
        redis.call('PUBLISH', 'bell:' .. group, 'bell')
      end
    end
    return 1";

struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct RedisFixture {
    _server: RedisServer,
    admin: Arc<NativeRedis>,
    worker: Arc<NativeRedis>,
    gateway: Arc<NativeRedis>,
    rings: Rings,
}

impl RedisFixture {
    async fn start() -> anyhow::Result<Self> {
        let server = RedisServer::start_with(&["--aclfile", USERS])?;
        let url = |user: &str| format!("redis://{user}:{user}-development@127.0.0.1:{}", server.port());
        let connect = |user: &str| Arc::new(NativeRedis::new(url(user)));
        let rings = Rings::listen(&url("operator")).await?;
        let (admin, worker, gateway) = (connect("operator"), connect("notifications"), connect("gateway"));
        Ok(Self { _server: server, admin, worker, gateway, rings })
    }

    async fn admin(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        self.admin.execute(command, arguments, Repeat::Never).await.map_err(|error| Failure(error.to_string()))
    }
}

#[async_trait]
impl Fixture for RedisFixture {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(RedisEventLog::new("notifications", self.worker.clone()))
    }

    fn letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(RedisEventLog::new("notifications", self.worker.clone()))
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
        Arc::new(TokioSleep)
    }

    async fn append(&self, stream: &StreamName, payload: &[u8]) -> Result<(), Failure> {
        let keys = [format!("{{{stream}}}:events"), format!("{{{stream}}}:groups"), format!("{{{stream}}}:rung:")];
        let arguments = [Argument::from(APPEND), 3.into()].into_iter().chain(keys.map(Argument::from));
        self.admin("EVAL", arguments.chain([payload.to_vec().into()]).collect()).await?;
        Ok(())
    }

    async fn rings(&self, group: &str) -> Result<usize, Failure> {
        // A ring of our own comes back after all that were rung before it.
        self.admin("PUBLISH", vec!["bell:fence".into(), "bell".into()]).await?;
        Ok(self.rings.count(group).await)
    }

    async fn pass(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn lose_everything(&self) -> Result<(), Failure> {
        self.admin("FLUSHALL", Vec::new()).await?;
        self.rings(" ").await?;
        self.rings.forget();
        Ok(())
    }

    async fn trim(&self, stream: &StreamName) -> Result<(), Failure> {
        let arguments = vec![format!("{{{stream}}}:events").into(), "MAXLEN".into(), 0.into()];
        self.admin("XTRIM", arguments).await?;
        Ok(())
    }
}

events_contract::suite!(RedisFixture::start);
