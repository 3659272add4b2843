//! The contract suite on a real server, each call as the user that makes it in production: the worker's as the service
//! that it belongs to, the statistics' as the gateway, under the rules of `infra/redis/users.acl`.

mod listener;
mod native_redis;
mod planted;

use ambient::Sleep;
use async_trait::async_trait;
use core::time::Duration;
use events_contract::OnRedis;
use native_redis::NativeRedis;
use redis_client::Redis;
use std::sync::Arc;
use support::RedisServer;

/// Who may do what.
const USERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/redis/users.acl");

struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A server with its users; the connections that change something may be others around the sound ones.
async fn on_redis(around: impl Fn(Arc<NativeRedis>) -> Arc<dyn Redis>) -> anyhow::Result<OnRedis> {
    let server = RedisServer::start_with(&["--aclfile", USERS])?;
    let url = |user: &str| format!("redis://{user}:{user}-development@127.0.0.1:{}", server.port());
    listener::listen(&url("operator"))?;
    let connect = |user: &str| Arc::new(NativeRedis::new(url(user)));
    Ok(OnRedis {
        operator: connect("operator"),
        worker: around(connect("notifications")),
        gateway: connect("gateway"),
        operations: around(connect("operations")),
        sleep: Arc::new(TokioSleep),
        keep: Box::new(server),
    })
}

async fn start() -> anyhow::Result<OnRedis> {
    on_redis(|sound| sound).await
}

events_contract::suite!(start);
