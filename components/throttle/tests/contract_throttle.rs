//! The script and the double make the same decisions, in any order of attempts and pauses; and what only a real Redis
//! can show.

use ambient::{CountedRandom, FixedClock, SystemClock, SystemRandom};
use async_trait::async_trait;
use core::time::Duration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::{Arc, Mutex};
use support::RedisServer;
use throttle::{Bucket, MemoryThrottle, RedisThrottle, Rule, Settled, Throttle, ThrottleError};

type Outcome = Result<(), Box<dyn core::error::Error>>;

/// One connection; each command is sent as often as `times` says, as after a lost answer. The scripts' clock can be
/// exchanged for a number, so that time is the test's.
struct Plain {
    connection: Mutex<redis::Connection>,
    times: u32,
    now: Option<FixedClock>,
}

impl Plain {
    fn to(server: &RedisServer, times: u32, now: Option<FixedClock>) -> Result<Arc<Self>, redis::RedisError> {
        let connection = Mutex::new(redis::Client::open(server.url())?.get_connection()?);
        Ok(Arc::new(Self { connection, times, now }))
    }

    fn under_the_clock(&self, script: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(script).into_owned();
        let Some(clock) = &self.now else { return text.into_bytes() };
        let now = ambient::Clock::now(clock).unix_ms();
        let real = "time[1] * 1000 + math.floor(time[2] / 1000)";
        assert!(text.contains(real), "the script reads the clock in another way");
        // Keys must not expire by the clock of the server: the test forgets by itself.
        text.replace(real, &now.to_string())
            .replace("redis.call('PEXPIRE', key,", "redis.call('HSET', key, 'forget',")
            .into_bytes()
    }
}

#[async_trait]
impl Redis for Plain {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
        let failed = |error: redis::RedisError| RedisError::Refused(error.to_string());
        let mut call = redis::cmd(command);
        for (place, argument) in arguments.into_iter().enumerate() {
            match argument {
                Argument::Integer(number) => call.arg(number),
                Argument::Bytes(bytes) if place == 0 => call.arg(self.under_the_clock(&bytes)),
                Argument::Bytes(bytes) => call.arg(bytes),
            };
        }
        let poisoned = |_| RedisError::Refused("a call before this one panicked".to_owned());
        let mut connection = self.connection.lock().map_err(poisoned)?;
        let mut answer = 0;
        for _ in 0..self.times {
            answer = call.query(&mut *connection).map_err(failed)?;
        }
        Ok(vec![Reply::Integer(answer)])
    }
}

const RULE: Rule = Rule {
    free: 3,
    first: Duration::from_millis(500),
    most: Duration::from_secs(8),
    // Longer than any test: what is forgotten is tested by itself.
    forget_after: Duration::from_secs(1_000_000),
};

fn buckets(names: &[u8]) -> Vec<Bucket> {
    names.iter().map(|name| Bucket { name: format!("b{name}"), rule: RULE }).collect()
}

#[derive(Debug, Clone)]
enum Act {
    Begin(Vec<u8>),
    Settle(Vec<u8>, Settled),
    Wait(u32),
}

fn act() -> impl Strategy<Value = Act> {
    // One or two different buckets of three.
    let names = prop_oneof![(0u8..3).prop_map(|a| vec![a]), (0u8..3, 1u8..3).prop_map(|(a, b)| vec![a, (a + b) % 3])];
    let settled = prop_oneof![Just(Settled::Succeeded), Just(Settled::Undecided)];
    prop_oneof![
        6 => names.clone().prop_map(Act::Begin),
        2 => (names, settled).prop_map(|(names, settled)| Act::Settle(names, settled)),
        4 => (0u32..3_000).prop_map(Act::Wait),
    ]
}

#[test]
fn the_script_and_the_double_decide_alike_also_where_answers_are_lost() -> Outcome {
    let server = RedisServer::start_with(&["--appendfsync", "no"])?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let round = std::cell::Cell::new(0u32);
    let mut runner = TestRunner::new(Config { cases: 128, failure_persistence: None, ..Config::default() });
    for times in [1, 2] {
        runner.run(&prop::collection::vec(act(), 1..40), |acts| {
            round.set(round.get() + 1);
            let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
            let double = MemoryThrottle::new(Arc::new(clock.clone()));
            let plain = Plain::to(&server, times, Some(clock.clone())).unwrap();
            let prefix = format!("{{users/0}}:throttle:{}:", round.get());
            let random = Arc::new(CountedRandom::default());
            let real = RedisThrottle::new(prefix, plain, Arc::new(clock.clone()), random);
            for act in acts {
                match act {
                    Act::Wait(ms) => clock.advance_ms(i64::from(ms)),
                    Act::Begin(names) => {
                        let buckets = buckets(&names);
                        let (a, b) = (double.begin(&buckets), real.begin(&buckets));
                        prop_assert_eq!(runtime.block_on(a), runtime.block_on(b));
                    }
                    Act::Settle(names, settled) => {
                        let buckets = buckets(&names);
                        let (a, b) = (double.settle(&buckets, settled), real.settle(&buckets, settled));
                        prop_assert_eq!(runtime.block_on(a), runtime.block_on(b));
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[tokio::test]
async fn of_many_at_once_only_the_free_ones_get_through_and_time_forgets() -> Outcome {
    let server = RedisServer::start()?;
    let real = RedisThrottle::new(
        "{users/0}:throttle:",
        Plain::to(&server, 1, None)?,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    );
    let rule = Rule { first: Duration::from_secs(60), forget_after: Duration::from_millis(200), ..RULE };
    let bucket = |name: &str, rule| [Bucket { name: name.to_owned(), rule }];
    let mut through = 0;
    for _ in 0..20 {
        match real.begin(&bucket("crowd", rule)).await {
            Ok(()) => through += 1,
            Err(ThrottleError::Wait { wait }) => assert!(wait <= Duration::from_secs(60)),
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!(through, 3);

    let soon = Rule { first: Duration::ZERO, most: Duration::ZERO, ..rule };
    real.begin(&bucket("few", soon)).await?;
    let mut connection = redis::Client::open(server.url())?.get_connection()?;
    let left_ms: i64 = redis::cmd("PTTL").arg("{users/0}:throttle:few").query(&mut connection)?;
    assert!((1..=200).contains(&left_ms), "forgotten in {left_ms} ms");
    Ok(())
}

#[tokio::test]
async fn without_redis_nobody_is_let_through_unseen() -> Outcome {
    let mut server = RedisServer::start()?;
    let plain = Plain::to(&server, 1, None)?;
    server.kill()?;
    let real = RedisThrottle::new("{users/0}:throttle:", plain, Arc::new(SystemClock), Arc::new(SystemRandom));
    assert!(matches!(real.begin(&buckets(&[1])).await, Err(ThrottleError::Redis(_))));
    assert!(real.settle(&buckets(&[1]), Settled::Succeeded).await.is_err());
    Ok(())
}
