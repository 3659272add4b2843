//! The contract suite on a real Redis under the committed access rules, and what only Redis can show.

use async_trait::async_trait;
use core::time::Duration;
use limiter::{Demand, Limiter, Quota, Verdict};
use limiter_contract::{Failure, Fixture};
use limiter_redis::RedisLimiter;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;
use support::RedisServer;

type Outcome = Result<(), Box<dyn core::error::Error>>;

/// A connection a command, as the service `users`.
struct Plain(redis::Client);

#[async_trait]
impl Redis for Plain {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
        let lost = |error: redis::RedisError| match error.code() {
            Some(code) => RedisError::Refused(format!("{code}: {error}")),
            None => RedisError::Unavailable(error.to_string()),
        };
        let mut connection = self.0.get_connection().map_err(lost)?;
        let mut call = redis::cmd(command);
        for argument in arguments {
            match argument {
                Argument::Integer(number) => call.arg(number),
                Argument::Bytes(bytes) => call.arg(bytes),
            };
        }
        Ok(vec![Reply::Bytes(call.query(&mut connection).map_err(lost)?)])
    }
}

fn server() -> std::io::Result<RedisServer> {
    let rules = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/redis/users.acl").canonicalize()?;
    RedisServer::start_with(&["--aclfile", &rules.to_string_lossy()])
}

fn client(server: &RedisServer, user: &str) -> Result<redis::Client, redis::RedisError> {
    redis::Client::open(format!("redis://{user}:{user}-development@127.0.0.1:{}", server.port()))
}

fn limiter(server: &RedisServer, context: &str) -> Result<RedisLimiter, redis::RedisError> {
    Ok(RedisLimiter::new(context, b"a secret of the deployment", Arc::new(Plain(client(server, "users")?))))
}

struct OnRedis(Arc<RedisLimiter>);

#[async_trait]
impl Fixture for OnRedis {
    fn limiter(&self) -> Arc<dyn Limiter> {
        self.0.clone()
    }

    async fn pass(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[tokio::test]
async fn redis_does_what_every_limiter_does() -> Outcome {
    let server = server()?;
    let outcome = limiter_contract::run(&OnRedis(Arc::new(limiter(&server, "users")?))).await;
    outcome.map_err(|Failure(what)| what.into())
}

#[tokio::test]
async fn a_bucket_goes_away_by_itself_and_names_nobody() -> Outcome {
    let server = server()?;
    let limiter = limiter(&server, "users")?;
    let quota = Quota::new(10, 600).ok_or("no quota")?;
    limiter.decide(&[Demand::one("read-address", "192.0.2.1", quota)]).await?;
    let mut operator = client(&server, "operator")?.get_connection()?;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut operator)?;
    let [key] = keys.as_slice() else { return Err(format!("{keys:?}").into()) };
    assert!(key.starts_with("{users/limits}:read-address:") && !key.contains("192.0.2.1"), "{key}");
    let lives_ms: i64 = redis::cmd("PTTL").arg(key).query(&mut operator)?;
    assert!((1..=60_000).contains(&lives_ms), "as long as a unit takes to flow in, not {lives_ms} ms");
    Ok(())
}

#[tokio::test]
async fn an_outage_is_an_error_and_the_buckets_are_full_or_kept_afterwards() -> Outcome {
    let mut server = server()?;
    let limiter = limiter(&server, "users")?;
    let demands = [Demand::one("read-user", "usr_1", Quota::new(2, 5_000).ok_or("no quota")?)];
    limiter.decide(&demands).await?;
    server.kill()?;
    assert!(limiter.decide(&demands).await.is_err());
    server.restart()?;
    // Nobody knows the script any more, and the server is told it again.
    assert!(matches!(limiter.decide(&demands).await?, Verdict::Granted(_)));
    Ok(())
}

#[tokio::test]
async fn another_services_limits_are_out_of_reach() -> Outcome {
    let server = server()?;
    let foreign = limiter(&server, "payments")?;
    let quota = Quota::new(2, 5_000).ok_or("no quota")?;
    let error = foreign.decide(&[Demand::one("read-user", "usr_1", quota)]).await;
    assert!(error.is_err(), "{error:?}");
    Ok(())
}
