//! Counting requests: a sample a request, gathered in the instance, added to Redis in one script now and then.
//!
//! What lives here: the sample, the sink and the names of the fields, which the gateway reads back. What does not: when
//! to flush (`edge-spin`) and Prometheus text (`gateway-context`).
//!
//! **Layout** a hash `{<context>/metrics}:http`: a field `r|<method>|<route>|<status>` per counter of requests, fields
//! `h|<upper bound in ms>` and `h|inf` per histogram bucket (not cumulative), `sum_ms`. Routes are templates, so the
//! number of fields is bounded by the route table.

use core::time::Duration;
use http::Method;
use redis_client::{Argument, Redis, RedisError, Repeat};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Upper bounds of the latency histogram. **Units** milliseconds, inclusive; the last bucket has none.
pub const BUCKETS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/// The Redis key of a context's HTTP metrics.
pub fn metrics_key(context: &str) -> String {
    format!("{{{context}/metrics}}:http")
}

/// The field that counts requests of one method, route and status.
pub fn request_field(method: &str, route: &str, status: u16) -> String {
    format!("r|{method}|{route}|{status}")
}

/// The field that counts requests whose duration falls into one bucket; `None` is the last.
pub fn histogram_field(upper_ms: Option<u64>) -> String {
    upper_ms.map_or_else(|| "h|inf".to_owned(), |ms| format!("h|{ms}"))
}

/// One request, as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The method; anything unusual is `OTHER`.
    pub method: &'static str,
    /// The route's template, such as `/v1/payments/{id}`, or `none`.
    pub route: String,
    /// The status of the answer.
    pub status: u16,
    /// From the first byte seen to the answer; the body of the answer is not waited for.
    pub duration: Duration,
}

/// Where samples go; must not wait.
pub trait MetricsSink: Send + Sync {
    /// Takes one sample.
    fn record(&self, sample: Sample);
}

/// The methods that are counted apart.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Adds each field's increment. One string of `field increment` pairs would need escaping; arguments do not.
const ADD: &str = "for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end return 1";

/// Gathers samples and adds them to the context's hash. What an instance gathered and could not add is lost with it:
/// metrics are a hint, never an account.
pub struct RedisMetrics {
    key: String,
    redis: Arc<dyn Redis>,
    gathered: Mutex<HashMap<String, i64>>,
    flushing: AtomicBool,
}

impl RedisMetrics {
    /// A sink for one context over its own Redis user.
    pub fn new(context: &str, redis: Arc<dyn Redis>) -> Self {
        Self { key: metrics_key(context), redis, gathered: Mutex::default(), flushing: AtomicBool::new(false) }
    }

    /// Whether somebody should flush soon: there is something to add and nobody has been told yet. Whoever gets `true`
    /// calls [`Self::flush`] after a while.
    pub fn wants_flush(&self) -> bool {
        !self.gathered().is_empty() && !self.flushing.swap(true, Ordering::SeqCst)
    }

    /// Adds what was gathered, in one script.
    ///
    /// # Errors
    /// The Redis error. What was to be added is gone: adding it again could count it twice.
    pub async fn flush(&self) -> Result<(), RedisError> {
        self.flushing.store(false, Ordering::SeqCst);
        let gathered = std::mem::take(&mut *self.gathered());
        if gathered.is_empty() {
            return Ok(());
        }
        let mut arguments: Vec<Argument> = vec![ADD.into(), 1.into(), self.key.as_str().into()];
        for (field, increment) in gathered {
            arguments.push(field.into());
            arguments.push(increment.into());
        }
        self.redis.execute("EVAL", arguments, Repeat::Never).await.map(drop)
    }

    fn gathered(&self) -> std::sync::MutexGuard<'_, HashMap<String, i64>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetricsSink for RedisMetrics {
    fn record(&self, sample: Sample) {
        let ms = u64::try_from(sample.duration.as_millis()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MS.iter().copied().find(|&upper_ms| ms <= upper_ms);
        let mut gathered = self.gathered();
        *gathered.entry(request_field(sample.method, &sample.route, sample.status)).or_default() += 1;
        *gathered.entry(histogram_field(bucket)).or_default() += 1;
        *gathered.entry("sum_ms".to_owned()).or_default() += i64::try_from(ms).unwrap_or(i64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use redis_client::Reply;

    #[derive(Default)]
    struct Remembering(Mutex<Vec<Vec<Argument>>>);

    #[async_trait]
    impl Redis for Remembering {
        async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
            assert_eq!((command, repeat), ("EVAL", Repeat::Never));
            self.0.lock().unwrap().push(arguments);
            Ok(vec![Reply::Integer(1)])
        }
    }

    fn sample(ms: u64) -> Sample {
        Sample { method: "GET", route: "/v1/users/me".to_owned(), status: 200, duration: Duration::from_millis(ms) }
    }

    #[tokio::test]
    async fn many_requests_become_one_script() {
        let redis = Arc::new(Remembering::default());
        let metrics = RedisMetrics::new("users", redis.clone());
        assert!(!metrics.wants_flush(), "there is nothing to add");
        for ms in [0, 1, 3, 60_000] {
            metrics.record(sample(ms));
        }
        assert!(metrics.wants_flush());
        assert!(!metrics.wants_flush(), "one flush is enough");
        metrics.flush().await.unwrap();
        assert!(!metrics.wants_flush());
        let calls = redis.0.lock().unwrap().clone();
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0][2], "{users/metrics}:http".into());
        let mut pairs: Vec<_> = calls[0][3..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        pairs.sort_by_key(|(field, _)| format!("{field:?}"));
        let mut expected: Vec<(Argument, Argument)> = [
            ("h|1", 2),
            ("h|5", 1),
            ("h|inf", 1),
            ("r|GET|/v1/users/me|200", 4),
            ("sum_ms", 60_004),
        ]
        .map(|(field, increment)| (field.into(), i64::from(increment).into()))
        .to_vec();
        expected.sort_by_key(|(field, _)| format!("{field:?}"));
        assert_eq!(pairs, expected);
    }
}
