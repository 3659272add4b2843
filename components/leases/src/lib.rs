//! Leases: at most so many at once, over all instances of a component and all replicas.
//!
//! What lives here: taking a lease from one counted pool, waiting a bounded time for one, giving it back. What does
//! not: what is done under it. An instance cannot count its siblings, so the count is in Redis: one sorted set per
//! pool, member = lease, score = when it ends by the clock of Redis.
//!
//! A lease is no lock: whoever works longer than it lasts shares the place with the next. It bounds load, and nothing
//! whose correctness depends on being alone.

use ambient::{Clock, Random, Sleep, uuid_v7};
use core::time::Duration;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::Arc;

/// Takes a place if one is free. `KEYS[1]` the pool; `ARGV` the lease, the places, how long it lasts in ms.
///
/// A lease that is already there answers as taken: its first answer was lost.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1";

/// Makes a lease last anew; takes a free place where it has ended. As [`TAKE`].
const RENEW: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1";

/// The pause between two tries. **Units** ms. A random part of the same length is added, so that waiters spread.
const PAUSE_MS: u64 = 15;

/// One place in a pool. Give it back with [`Leases::release`]; where that does not happen it ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease(String);

/// Why there is no lease.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// All places were taken for as long as the caller would wait.
    #[error("all {places} places are taken")]
    Taken {
        /// How many there are.
        places: u32,
    },
    /// Redis does not answer.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// One pool of places.
#[derive(Clone)]
pub struct Leases {
    pool: String,
    places: u32,
    lasts: Duration,
    redis: Arc<dyn Redis>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sleep: Arc<dyn Sleep>,
}

impl Leases {
    /// A pool of `places` (at least one), each lease lasting as long as `lasts`.
    ///
    /// **Shape** of `pool`: a Redis key inside the context's prefix, such as `{users/0}:leases:hasher`.
    pub fn new(
        pool: impl Into<String>,
        places: u32,
        lasts: Duration,
        redis: Arc<dyn Redis>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        sleep: Arc<dyn Sleep>,
    ) -> Self {
        Self { pool: pool.into(), places: places.max(1), lasts, redis, clock, random, sleep }
    }

    /// Takes a place, trying again for at most `within`. There is no queue: whoever tries first after a release has it.
    ///
    /// # Errors
    /// [`LeaseError::Taken`] when no place became free, [`LeaseError::Redis`] when Redis does not answer.
    pub async fn take(&self, within: Duration) -> Result<Lease, LeaseError> {
        let lease = Lease(uuid_v7(self.clock.as_ref(), self.random.as_ref()).simple().to_string());
        let until = self.clock.now().plus(within);
        while !self.try_take(&lease).await? {
            let left = until.since(self.clock.now());
            if left.is_zero() {
                return Err(LeaseError::Taken { places: self.places });
            }
            self.sleep.sleep(self.pause().min(left)).await;
        }
        Ok(lease)
    }

    /// Gives a place back. Where the answer is lost the lease ends by itself, so an error is worth a log line at most.
    ///
    /// # Errors
    /// [`RedisError`] when Redis does not answer.
    pub async fn release(&self, lease: Lease) -> Result<(), RedisError> {
        let arguments = vec![self.pool.as_str().into(), lease.0.into()];
        self.redis.execute("ZREM", arguments, Repeat::Safe).await.map(|_| ())
    }

    /// Makes a lease last anew, from now; whether it still has its place. One that ended in the meantime takes another where
    /// one is free.
    ///
    /// # Errors
    /// [`RedisError`] when Redis does not answer.
    pub async fn renew(&self, lease: &Lease) -> Result<bool, RedisError> {
        self.place(RENEW, lease).await
    }

    async fn try_take(&self, lease: &Lease) -> Result<bool, RedisError> {
        self.place(TAKE, lease).await
    }

    async fn place(&self, script: &str, lease: &Lease) -> Result<bool, RedisError> {
        let lasts_ms = i64::try_from(self.lasts.as_millis()).unwrap_or(i64::MAX);
        let arguments: Vec<Argument> = vec![
            script.into(),
            1.into(),
            self.pool.as_str().into(),
            lease.0.as_str().into(),
            i64::from(self.places).into(),
            lasts_ms.into(),
        ];
        // EVAL with its 500 bytes instead of EVALSHA: beside a hash of 50 ms the difference is not measurable.
        let replies = self.redis.execute("EVAL", arguments, Repeat::Safe).await?;
        Ok(replies.first() == Some(&Reply::Integer(1)))
    }

    fn pause(&self) -> Duration {
        let mut byte = [0u8; 1];
        self.random.fill(&mut byte);
        Duration::from_millis(PAUSE_MS + u64::from(byte[0]) % PAUSE_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::{CountedRandom, FixedClock};
    use async_trait::async_trait;
    use std::sync::Mutex;

    /// Answers as the script would for a pool of one, without the clock of Redis.
    #[derive(Default)]
    struct OnePlace(Mutex<Option<Vec<u8>>>, Mutex<u32>);

    #[async_trait]
    impl Redis for OnePlace {
        async fn execute(&self, command: &str, arguments: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
            let mut holder = self.0.lock().unwrap();
            match (command, arguments.as_slice()) {
                ("EVAL", [_, _, _, Argument::Bytes(lease), ..]) => {
                    *self.1.lock().unwrap() += 1;
                    let mine = holder.get_or_insert_with(|| lease.clone()) == lease;
                    Ok(vec![Reply::Integer(i64::from(mine))])
                }
                ("ZREM", [_, Argument::Bytes(lease)]) => {
                    holder.take_if(|held| held == lease);
                    Ok(vec![Reply::Integer(1)])
                }
                other => Err(RedisError::Refused(format!("unexpected {other:?}"))),
            }
        }
    }

    /// Lets the fixed clock run instead of waiting, and calls a closure as if time had passed elsewhere.
    struct Passing(FixedClock);

    #[async_trait]
    impl Sleep for Passing {
        async fn sleep(&self, duration: Duration) {
            self.0.advance_ms(i64::try_from(duration.as_millis()).unwrap());
        }
    }

    fn pool(redis: Arc<OnePlace>) -> (Leases, FixedClock) {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let leases = Leases::new(
            "{users/0}:leases:hasher",
            1,
            Duration::from_secs(1),
            redis,
            Arc::new(clock.clone()),
            Arc::new(CountedRandom::default()),
            Arc::new(Passing(clock.clone())),
        );
        (leases, clock)
    }

    #[tokio::test]
    async fn a_released_place_is_free_for_the_next() {
        let (leases, _) = pool(Arc::default());
        let first = leases.take(Duration::ZERO).await.unwrap();
        assert_eq!(leases.take(Duration::ZERO).await, Err(LeaseError::Taken { places: 1 }));
        leases.release(first).await.unwrap();
        assert!(leases.take(Duration::ZERO).await.is_ok());
    }

    #[tokio::test]
    async fn waiting_ends_when_the_time_is_up_and_tries_in_between() {
        let redis: Arc<OnePlace> = Arc::default();
        let (leases, clock) = pool(redis.clone());
        let _held = leases.take(Duration::ZERO).await.unwrap();
        let before = clock.now();
        assert!(leases.take(Duration::from_millis(200)).await.is_err());
        assert_eq!(clock.now().since(before), Duration::from_millis(200));
        let tries = *redis.1.lock().unwrap();
        assert!((7..=15).contains(&tries), "{tries} tries");
    }
}
