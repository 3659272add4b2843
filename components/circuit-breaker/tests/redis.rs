//! The scripts on a real Redis: when it opens, who probes, how long, how many retries, and that instances agree.

use async_trait::async_trait;
use circuit_breaker::{Admission, Breaker, BreakerConfig, Health, RedisBreaker};
use core::time::Duration;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;
use support::RedisServer;

type Outcome = Result<(), Box<dyn core::error::Error>>;

struct Plain(redis::Client);

#[async_trait]
impl Redis for Plain {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
        let failed = |error: redis::RedisError| RedisError::Refused(error.to_string());
        let mut connection = self.0.get_connection().map_err(failed)?;
        let mut call = redis::cmd(command);
        for argument in arguments {
            match argument {
                Argument::Integer(number) => call.arg(number),
                Argument::Bytes(bytes) => call.arg(bytes),
            };
        }
        Ok(vec![Reply::Integer(call.query(&mut connection).map_err(failed)?)])
    }
}

const QUICK: BreakerConfig = BreakerConfig {
    window: Duration::from_secs(60),
    min_calls: 20,
    failures_percent: 50,
    open_for: Duration::from_millis(150),
    open_at_most: Duration::from_millis(400),
    probe_for: Duration::from_secs(15),
};

/// One instance's breaker for a dependency.
fn breaker(server: &RedisServer, name: &str, config: BreakerConfig) -> Result<RedisBreaker, redis::RedisError> {
    let redis = Arc::new(Plain(redis::Client::open(server.url())?));
    Ok(RedisBreaker::new(format!("{{payments/0}}:breaker:{name}"), config, redis))
}

async fn calls(breaker: &RedisBreaker, count: u32, health: Health) {
    for _ in 0..count {
        breaker.report(Admission::Call, health).await;
    }
}

/// Waits until it lets a probe through, and says for how long it did not.
async fn until_probe(breaker: &RedisBreaker) -> Duration {
    let start = tokio::time::Instant::now();
    loop {
        match breaker.admit().await {
            Admission::Open { retry_after } => {
                tokio::time::sleep(retry_after.max(Duration::from_millis(1)).min(Duration::from_millis(50))).await;
            }
            _ => return start.elapsed(),
        }
    }
}

#[tokio::test]
async fn it_opens_for_every_instance_when_half_of_twenty_calls_fail() -> Outcome {
    let server = RedisServer::start()?;
    let (one, other) =
        (breaker(&server, "a", BreakerConfig::default())?, breaker(&server, "a", BreakerConfig::default())?);
    calls(&one, 10, Health::Answered).await;
    calls(&other, 9, Health::Failed).await;
    assert_eq!(one.admit().await, Admission::Call, "nineteen calls are too few to judge");
    calls(&other, 1, Health::Failed).await;
    for seen in [one.admit().await, other.admit().await] {
        assert!(matches!(seen, Admission::Open { retry_after } if retry_after > Duration::from_secs(8)), "{seen:?}");
    }
    assert!(!one.is_closed().await);
    assert_eq!(breaker(&server, "b", QUICK)?.admit().await, Admission::Call, "another dependency is another state");
    Ok(())
}

#[tokio::test]
async fn one_probe_decides_and_each_failure_doubles_the_wait_up_to_the_most() -> Outcome {
    let server = RedisServer::start()?;
    let (one, other) = (breaker(&server, "a", QUICK)?, breaker(&server, "a", QUICK)?);
    calls(&one, 20, Health::Failed).await;
    let mut waits = Vec::new();
    for _ in 0..3 {
        waits.push(until_probe(&one).await);
        assert!(matches!(other.admit().await, Admission::Open { .. }), "one probe at a time");
        // What was under way when it opened does not close it.
        other.report(Admission::Call, Health::Answered).await;
        assert!(matches!(other.admit().await, Admission::Open { .. }));
        one.report(Admission::Probe, Health::Failed).await;
    }
    assert!(waits[1] > waits[0] + Duration::from_millis(80), "{waits:?}");
    let last = until_probe(&one).await;
    assert!(last < Duration::from_millis(1200), "never longer than the most: {last:?}");
    one.report(Admission::Probe, Health::Answered).await;
    assert_eq!((one.admit().await, other.admit().await), (Admission::Call, Admission::Call));
    assert!(other.is_closed().await);
    Ok(())
}

#[tokio::test]
async fn a_probe_that_died_is_followed_by_another() -> Outcome {
    let server = RedisServer::start()?;
    let config = BreakerConfig { probe_for: Duration::from_millis(100), ..QUICK };
    let one = breaker(&server, "a", config)?;
    calls(&one, 20, Health::Failed).await;
    until_probe(&one).await;
    assert!(matches!(one.admit().await, Admission::Open { .. }));
    assert!(until_probe(&one).await < Duration::from_secs(5));
    Ok(())
}

#[tokio::test]
async fn retries_are_a_tenth_of_the_calls_and_three() -> Outcome {
    let server = RedisServer::start()?;
    let one = breaker(&server, "a", BreakerConfig::default())?;
    assert!(!one.may_retry().await, "nothing was called");
    calls(&one, 50, Health::Answered).await;
    let mut allowed = 0;
    for _ in 0..20 {
        allowed += u32::from(one.may_retry().await);
    }
    assert_eq!(allowed, 5);
    let few = breaker(&server, "b", BreakerConfig::default())?;
    calls(&few, 1, Health::Failed).await;
    let mut allowed = 0;
    for _ in 0..20 {
        allowed += u32::from(few.may_retry().await);
    }
    assert_eq!(allowed, 3);
    Ok(())
}

#[tokio::test]
async fn calls_of_an_old_window_are_forgotten() -> Outcome {
    let server = RedisServer::start()?;
    let one = breaker(&server, "a", BreakerConfig { window: Duration::from_millis(100), ..QUICK })?;
    calls(&one, 15, Health::Failed).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    calls(&one, 6, Health::Failed).await;
    assert_eq!(one.admit().await, Admission::Call);
    Ok(())
}
