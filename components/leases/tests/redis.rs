//! The pool's script on a real Redis: places are counted, leases end, a repeated call takes nothing twice.

use ambient::{Clock, CountedRandom, Sleep, SystemClock};
use async_trait::async_trait;
use core::time::Duration;
use leases::{LeaseError, Leases};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;
use support::RedisServer;

type Outcome = Result<(), Box<dyn core::error::Error>>;

/// A connection a command; each command is sent as often as `times` says, as after a lost answer.
struct Plain {
    client: redis::Client,
    times: u32,
}

#[async_trait]
impl Redis for Plain {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
        let failed = |error: redis::RedisError| RedisError::Refused(error.to_string());
        let mut connection = self.client.get_connection().map_err(failed)?;
        let mut call = redis::cmd(command);
        for argument in arguments {
            match argument {
                Argument::Integer(number) => call.arg(number),
                Argument::Bytes(bytes) => call.arg(bytes),
            };
        }
        let mut answer = 0;
        for _ in 0..self.times {
            answer = call.query(&mut connection).map_err(failed)?;
        }
        Ok(vec![Reply::Integer(answer)])
    }
}

struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A pool of three places on this server; each instance has randomness of its own.
fn pool(server: &RedisServer, lasts: Duration, times: u32) -> Result<Leases, redis::RedisError> {
    let client = redis::Client::open(server.url())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let redis = Arc::new(Plain { client, times });
    Ok(Leases::new(
        "{users/0}:leases:test",
        3,
        lasts,
        redis,
        clock,
        Arc::new(CountedRandom::default()),
        Arc::new(TokioSleep),
    ))
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn there_are_as_many_leases_as_places_and_each_comes_back() -> Outcome {
    let server = RedisServer::start()?;
    let leases = pool(&server, LONG, 1)?;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(leases.take(Duration::ZERO).await?);
    }
    assert_eq!(leases.take(Duration::ZERO).await, Err(LeaseError::Taken { places: 3 }));
    for lease in held.drain(..) {
        leases.release(lease).await?;
    }
    for _ in 0..3 {
        leases.take(Duration::ZERO).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_lease_whose_holder_died_ends_by_itself() -> Outcome {
    let server = RedisServer::start()?;
    let leases = pool(&server, Duration::from_millis(100), 1)?;
    for _ in 0..3 {
        leases.take(Duration::ZERO).await?;
    }
    // Nobody gives one back: without an end of its own this would wait in vain, however slow the machine.
    leases.take(Duration::from_secs(20)).await?;
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_repeated_takes_one_place() -> Outcome {
    let server = RedisServer::start()?;
    let twice = pool(&server, LONG, 2)?;
    for _ in 0..3 {
        twice.take(Duration::ZERO).await?;
    }
    assert!(twice.take(Duration::ZERO).await.is_err());
    Ok(())
}

#[tokio::test]
async fn of_many_waiting_never_more_than_the_places_hold_one() -> Outcome {
    let server = RedisServer::start()?;
    let leases = pool(&server, LONG, 1)?;
    let (holding, most) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let all = (0..12).map(|_| async {
        let lease = leases.take(Duration::from_secs(20)).await?;
        holding.set(holding.get() + 1);
        most.set(most.get().max(holding.get()));
        tokio::time::sleep(Duration::from_millis(5)).await;
        holding.set(holding.get() - 1);
        leases.release(lease).await?;
        Ok::<(), LeaseError>(())
    });
    futures::future::try_join_all(all).await?;
    assert_eq!(most.get(), 3);
    Ok(())
}

#[tokio::test]
async fn a_lease_that_is_renewed_outlasts_its_time_and_one_that_ended_takes_a_free_place_only() -> Outcome {
    let server = RedisServer::start()?;
    let leases = pool(&server, Duration::from_millis(400), 1)?;
    let lease = leases.take(Duration::ZERO).await?;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(leases.renew(&lease).await?);
    }
    for _ in 0..2 {
        leases.take(Duration::ZERO).await?;
    }
    assert_eq!(leases.take(Duration::ZERO).await, Err(LeaseError::Taken { places: 3 }), "it still counts");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(leases.take(Duration::ZERO).await?);
    }
    assert!(!leases.renew(&lease).await?, "others have its place");
    leases.release(held.remove(0)).await?;
    assert!(leases.renew(&lease).await?, "one is free again");
    Ok(())
}
