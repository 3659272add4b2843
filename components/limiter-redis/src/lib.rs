//! The limiter over Redis: one script decides all limits of a request, by the clock of Redis.
//!
//! **Layout** a string a bucket, `{<context>/limits}:<policy>:<digest>`, that holds the moment at which the bucket is
//! full in microseconds and goes away by itself at that moment. The digest is an HMAC-SHA256 of policy and subject, cut
//! to 128 bits, under a key of the deployment: an address is personal data, and its plain hash could be guessed.

use async_trait::async_trait;
use core::time::Duration;
use hmac::{Hmac, KeyInit, Mac};
use limiter::{Demand, Limiter, LimiterError, Standing, Verdict};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use sha2::Sha256;
use std::sync::{Arc, OnceLock};

const TAKE: &str = include_str!("take.lua");

/// Limits of one context over its own Redis user.
pub struct RedisLimiter {
    prefix: String,
    key: Vec<u8>,
    redis: Arc<dyn Redis>,
}

impl RedisLimiter {
    /// Limits of a context; `secret` is anything that the deployment keeps to itself.
    pub fn new(context: &str, secret: &[u8], redis: Arc<dyn Redis>) -> Self {
        Self { prefix: format!("{{{context}/limits}}"), key: secret.to_vec(), redis }
    }

    /// The bucket's name in Redis.
    fn name(&self, demand: &Demand) -> String {
        let mut digest = String::with_capacity(32);
        // A key of any length is one for HMAC.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) {
            for part in ["rate limits", &*demand.policy, &*demand.subject] {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part.as_bytes());
            }
            for byte in mac.finalize().into_bytes().iter().take(16) {
                digest.push_str(&format!("{byte:02x}"));
            }
        }
        format!("{}:{}:{digest}", self.prefix, demand.policy)
    }

    async fn run(&self, demands: &[Demand]) -> Result<Vec<Reply>, RedisError> {
        static DIGEST: OnceLock<String> = OnceLock::new();
        let digest = DIGEST.get_or_init(|| sha1_smol::Sha1::from(TAKE).digest().to_string());
        let call = |script: &str| -> Vec<Argument> {
            let count = i64::try_from(demands.len()).unwrap_or(i64::MAX);
            let mut arguments: Vec<Argument> = vec![script.into(), count.into()];
            arguments.extend(demands.iter().map(|demand| Argument::from(self.name(demand))));
            for demand in demands {
                let numbers = [demand.quota.units(), demand.wanted, demand.returned].map(i64::from);
                arguments.push(demand.quota.interval_us().into());
                arguments.extend(numbers.map(Argument::from));
            }
            arguments
        };
        match self.redis.execute("EVALSHA", call(digest), Repeat::Safe).await {
            Err(error) if error.is_unknown_script() => self.redis.execute("EVAL", call(TAKE), Repeat::Safe).await,
            answered => answered,
        }
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn decide(&self, demands: &[Demand]) -> Result<Verdict, LimiterError> {
        if demands.is_empty() {
            return Ok(Verdict::Granted(Vec::new()));
        }
        let replies = self.run(demands).await.map_err(|error| LimiterError(error.to_string()))?;
        let text = match replies.first() {
            Some(Reply::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(Reply::Status(text)) => text.clone(),
            other => return Err(LimiterError(format!("the script answered {other:?}"))),
        };
        read(&text, demands.len()).ok_or_else(|| LimiterError(format!("the script answered `{text}`")))
    }
}

/// Reads the script's answer; `None` where it is not one for so many buckets.
fn read(text: &str, buckets: usize) -> Option<Verdict> {
    let mut numbers = text.split(' ').map(|word| word.parse::<u64>().ok());
    let mut next = || numbers.next().flatten();
    let (by, wait_us) = (usize::try_from(next()?).ok()?, next()?);
    let mut standings = Vec::with_capacity(buckets);
    for _ in 0..buckets {
        let (taken, remaining) = (u32::try_from(next()?).ok()?, u32::try_from(next()?).ok()?);
        standings.push(Standing { taken, remaining, full_in: Duration::from_micros(next()?) });
    }
    match by.checked_sub(1) {
        None => Some(Verdict::Granted(standings)),
        Some(by) if by < buckets => {
            Some(Verdict::Refused { standings, by, retry_after: Duration::from_micros(wait_us) })
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_none_decides_nothing() {
        for text in ["", "0", "0 0", "0 0 1 2", "0 0 1 x 3", "2 5 0 0 1", "-1 0 1 1 1", "nan 0 1 1 1"] {
            assert_eq!(read(text, 1), None, "{text}");
        }
        let standing = Standing { taken: 1, remaining: 4, full_in: Duration::from_secs(2) };
        assert_eq!(read("0 0 1 4 2000000", 1), Some(Verdict::Granted(vec![standing])));
    }
}
