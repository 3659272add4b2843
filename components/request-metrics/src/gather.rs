//! Gathering in an instance, adding in Redis.

use crate::{BUCKETS_MS, MetricsSink, Sample, key};
use redis_client::{Argument, Redis, RedisError, Repeat};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Adds each field's increment.
const ADD: &str = "for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end return 1";

/// Gathers samples and adds them to the context's hash. What an instance gathered and could not add is lost with it:
/// these counts are a hint, never an account.
pub struct RedisMetrics {
    key: String,
    redis: Arc<dyn Redis>,
    gathered: Mutex<Gathered>,
    flushing: AtomicBool,
}

/// What an instance has counted since the last flush: numbers only, made into fields when they leave.
#[derive(Default)]
struct Gathered {
    /// By method, route and status.
    requests: HashMap<(&'static str, String, u16), i64>,
    /// The buckets of [`BUCKETS_MS`], and the one beyond.
    buckets: [i64; BUCKETS_MS.len() + 1],
    sum_ms: i64,
}

impl Gathered {
    /// The fields of the hash, with what is to be added to each.
    fn fields(self) -> impl Iterator<Item = (String, i64)> {
        let bounds = BUCKETS_MS.iter().map(u64::to_string).chain(["inf".to_owned()]);
        let buckets = bounds.zip(self.buckets).map(|(bound, count)| (format!("h|{bound}"), count));
        let requests = self.requests.into_iter();
        let requests = requests.map(|((method, route, status), count)| (format!("r|{method}|{route}|{status}"), count));
        let sum = ("sum_ms".to_owned(), self.sum_ms);
        requests.chain(buckets).chain([sum]).filter(|(_, count)| *count != 0)
    }
}

impl RedisMetrics {
    /// A sink for one context over its own Redis user.
    pub fn new(context: &str, redis: Arc<dyn Redis>) -> Self {
        Self { key: key(context), redis, gathered: Mutex::default(), flushing: AtomicBool::new(false) }
    }

    /// Whether somebody should flush soon: there is something to add and nobody has been told yet. Whoever gets `true`
    /// calls [`Self::flush`] after a while.
    pub fn wants_flush(&self) -> bool {
        !self.gathered().requests.is_empty() && !self.flushing.swap(true, Ordering::SeqCst)
    }

    /// Adds what was gathered, in one script.
    ///
    /// # Errors
    /// The Redis error. What was to be added is gone: adding it again could count it twice.
    pub async fn flush(&self) -> Result<(), RedisError> {
        self.flushing.store(false, Ordering::SeqCst);
        let gathered = std::mem::take(&mut *self.gathered());
        if gathered.requests.is_empty() {
            return Ok(());
        }
        let mut arguments: Vec<Argument> = vec![ADD.into(), 1.into(), self.key.as_str().into()];
        for (field, increment) in gathered.fields() {
            arguments.push(field.into());
            arguments.push(increment.into());
        }
        self.redis.execute("EVAL", arguments, Repeat::Never).await.map(drop)
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetricsSink for RedisMetrics {
    fn record(&self, sample: Sample) {
        let ms = u64::try_from(sample.duration.as_millis()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MS.iter().position(|&upper_ms| ms <= upper_ms).unwrap_or(BUCKETS_MS.len());
        let mut gathered = self.gathered();
        *gathered.requests.entry((sample.method, sample.route, sample.status)).or_default() += 1;
        if let Some(count) = gathered.buckets.get_mut(bucket) {
            *count += 1;
        }
        gathered.sum_ms = gathered.sum_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counts, RequestCount, read};
    use async_trait::async_trait;
    use core::time::Duration;
    use redis_client::Reply;

    /// As much of Redis as is needed: adds, and reads back.
    #[derive(Default)]
    struct Hash(Mutex<(usize, std::collections::BTreeMap<String, i64>)>);

    fn text(argument: &Argument) -> String {
        match argument {
            Argument::Integer(number) => number.to_string(),
            Argument::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        }
    }

    #[async_trait]
    impl Redis for Hash {
        async fn execute(
            &self,
            command: &str,
            arguments: Vec<Argument>,
            repeat: Repeat,
        ) -> Result<Vec<Reply>, RedisError> {
            let mut hash = self.0.lock().unwrap();
            if command == "HGETALL" {
                assert_eq!((text(&arguments[0]), repeat), ("{users/metrics}:http".to_owned(), Repeat::Safe));
                let pairs = hash.1.iter().flat_map(|(field, count)| [field.clone(), count.to_string()]);
                return Ok(pairs.map(|text| Reply::Bytes(text.into_bytes())).collect());
            }
            assert_eq!((command, repeat), ("EVAL", Repeat::Never));
            assert_eq!(text(&arguments[2]), "{users/metrics}:http");
            hash.0 += 1;
            for pair in arguments[3..].chunks(2) {
                *hash.1.entry(text(&pair[0])).or_default() += text(&pair[1]).parse::<i64>().unwrap();
            }
            Ok(vec![Reply::Integer(1)])
        }
    }

    #[tokio::test]
    async fn many_requests_become_one_script_and_read_back() {
        let redis = Arc::new(Hash::default());
        let metrics = RedisMetrics::new("users", redis.clone());
        assert!(!metrics.wants_flush(), "there is nothing to add");
        for ms in [0, 1, 3, 60_000] {
            let route = "/v1/users/me".to_owned();
            metrics.record(Sample { method: "GET", route, status: 200, duration: Duration::from_millis(ms) });
        }
        assert!(metrics.wants_flush());
        assert!(!metrics.wants_flush(), "one flush is enough");
        metrics.flush().await.unwrap();
        assert!(!metrics.wants_flush());
        metrics.flush().await.unwrap();
        assert_eq!(redis.0.lock().unwrap().0, 1, "an empty flush calls nobody");

        let mut expected = Counts { sum_ms: 60_004, ..Counts::default() };
        let request = RequestCount { method: "GET".into(), route: "/v1/users/me".into(), status: 200, count: 4 };
        expected.requests.push(request);
        expected.buckets[0] = 2;
        expected.buckets[2] = 1;
        expected.beyond = 1;
        assert_eq!(read(redis.as_ref(), "users").await.unwrap(), expected);
    }
}
