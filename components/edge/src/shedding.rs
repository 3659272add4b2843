//! What is turned away when Redis is slow: reads first, payments last, so that what is begun can be finished.
//!
//! Each instance judges by its own calls (`redis-latency`). Caps on the whole system belong to the host and to the proxy
//! in front: an instance does not know its siblings.

use core::time::Duration;
use problem::{Problem, UNAVAILABLE};
use redis_latency::RedisLatency;
use route_policy::Class;

/// From which average on a class is turned away; never where there is none. A call is given up after 500 ms.
fn threshold(class: Class) -> Option<Duration> {
    match class {
        Class::Free => None,
        Class::Read => Some(Duration::from_millis(100)),
        Class::Write | Class::Credentials => Some(Duration::from_millis(200)),
        Class::Money | Class::Notice => Some(Duration::from_millis(350)),
    }
}

/// Lets a request of this class pass, or not now.
///
/// # Errors
/// 503: come back in a second. The average fades in that time, so that the next request finds out how Redis is.
pub(crate) fn check(latency: &RedisLatency, class: Class) -> Result<(), Problem> {
    match threshold(class) {
        Some(threshold) if latency.current() > threshold => {
            Err(Problem::new(UNAVAILABLE).detail("there is too much to do at the moment").retry_after_s(1))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::FixedClock;
    use std::sync::Arc;

    /// The classes that pass when calls take this long.
    fn pass(call: Duration) -> Vec<Class> {
        let latency = RedisLatency::new(Arc::new(FixedClock::at("2026-01-01T00:00:00.000Z")));
        for _ in 0..60 {
            latency.record(call);
        }
        Class::ALL.into_iter().filter(|class| check(&latency, *class).is_ok()).collect()
    }

    #[test]
    fn reads_go_first_and_payments_last() {
        assert_eq!(pass(Duration::from_millis(60)), Class::ALL);
        assert_eq!(
            pass(Duration::from_millis(150)),
            [Class::Free, Class::Write, Class::Money, Class::Credentials, Class::Notice]
        );
        assert_eq!(pass(Duration::from_millis(300)), [Class::Free, Class::Money, Class::Notice]);
        assert_eq!(pass(Duration::from_millis(500)), [Class::Free]);
    }
}
