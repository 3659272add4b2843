//! The double: the rules of the script without Redis, under a clock that the test holds.

use crate::{Bucket, Count, Settled, Throttle, ThrottleError};
use ambient::Clock;
use async_trait::async_trait;
use redis_client::RedisError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts in memory; clones count together.
#[derive(Clone)]
pub struct MemoryThrottle {
    clock: Arc<dyn Clock>,
    counts: Arc<Mutex<HashMap<String, Count>>>,
}

impl MemoryThrottle {
    /// Without any attempt so far.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, counts: Arc::default() }
    }
}

#[async_trait]
impl Throttle for MemoryThrottle {
    async fn begin(&self, buckets: &[Bucket]) -> Result<(), ThrottleError> {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|_, count| now < count.forgotten_at);
        let wait = buckets.iter().map(|bucket| Count::wait(counts.get(&bucket.name), now)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(ThrottleError::Wait { wait });
        }
        for bucket in buckets {
            let count = Count::counted(counts.get(&bucket.name), &bucket.rule, now);
            counts.insert(bucket.name.clone(), count);
        }
        Ok(())
    }

    async fn settle(&self, buckets: &[Bucket], settled: Settled) -> Result<(), RedisError> {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, bucket) in buckets.iter().enumerate() {
            let left = counts.get(&bucket.name).and_then(|count| count.given_back(now));
            match left.filter(|_| place > 0 || settled == Settled::Undecided) {
                Some(left) => counts.insert(bucket.name.clone(), left),
                None => counts.remove(&bucket.name),
            };
        }
        Ok(())
    }
}
