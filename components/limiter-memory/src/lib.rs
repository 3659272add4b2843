//! Test double of the limiter: buckets in memory, under a clock that the test moves, and a switch that takes it away.

use ambient::Clock;
use async_trait::async_trait;
use core::time::Duration;
use limiter::{Bucket, Demand, Limiter, LimiterError, Standing, Taken, Verdict};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The double. Clones share their buckets.
#[derive(Clone)]
pub struct MemoryLimiter {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    buckets: HashMap<(Arc<str>, Arc<str>), Bucket>,
    calls: usize,
    gone: bool,
}

impl MemoryLimiter {
    /// Full buckets for everybody.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// From now on nobody answers, as when Redis is gone; `false` brings it back.
    pub fn go_away(&self, gone: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).gone = gone;
    }

    /// How often it was asked.
    pub fn calls(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).calls
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn decide(&self, demands: &[Demand]) -> Result<Verdict, LimiterError> {
        let now_us = self.clock.now().unix_ms().saturating_mul(1000);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls += 1;
        if state.gone {
            return Err(LimiterError("gone".to_owned()));
        }
        let name = |demand: &Demand| (demand.policy.clone(), demand.subject.clone());
        let mut longest: Option<(Duration, usize)> = None;
        let mut after = Vec::new();
        for (place, demand) in demands.iter().enumerate() {
            let bucket = state.buckets.get(&name(demand)).copied().unwrap_or_default();
            let before = bucket.with_returned(demand.quota, demand.returned, now_us);
            let (bucket, taken) = before.take(demand.quota, demand.wanted, now_us);
            let units = match taken {
                Taken::Units(units) => units,
                Taken::Wait(wait) => {
                    longest = longest.max(Some((wait, place)));
                    0
                }
            };
            after.push((before, bucket, units));
        }
        let standings = demands.iter().zip(after).map(|(demand, (before, bucket, units))| {
            let (bucket, taken) = if longest.is_some() { (before, 0) } else { (bucket, units) };
            state.buckets.insert(name(demand), bucket);
            Standing { taken, remaining: bucket.remaining(demand.quota, now_us), full_in: bucket.full_in(now_us) }
        });
        let standings = standings.collect();
        Ok(match longest {
            None => Verdict::Granted(standings),
            Some((retry_after, by)) => Verdict::Refused { standings, by, retry_after },
        })
    }
}
