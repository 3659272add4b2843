//! Leases before a limiter: whoever comes again within a second is given a few units at once, twice as many as that second
//! has needed so far, kept in the instance, so that the next requests need no call: a busy instance asks a handful of times
//! in its life. Whoever was refused is refused again without one.
//!
//! **Bound** a lease has at most a tenth of the limit and ends after a second. What is left of it goes back with the next
//! call; what an instance takes with it when it ends is lost to the caller, never gained.

use crate::{Demand, Limiter, LimiterError, Standing, Verdict};
use ambient::{Clock, Timestamp};
use async_trait::async_trait;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a lease, a refusal and a count of requests hold.
const LASTS: Duration = Duration::from_secs(1);
/// The part of a limit that one lease may have.
const PART: u32 = 10;
/// How many times as many units are asked for as the last second needed.
const GROWTH: u32 = 2;
/// How many buckets an instance remembers; it serves few requests in its life.
const MOST_REMEMBERED: usize = 1024;

/// A limiter with leases before it.
pub struct Leasing {
    behind: Arc<dyn Limiter>,
    clock: Arc<dyn Clock>,
    memory: Mutex<HashMap<Name, Memory>>,
}

/// What an instance knows of one bucket.
#[derive(Debug, Clone, Copy)]
struct Memory {
    /// Units of the lease that are unspent.
    left: u32,
    /// The bucket as it was found.
    found: Standing,
    found_at: Timestamp,
    /// How long it was said to be empty, from `found_at`.
    empty_for: Duration,
    /// Requests since `counted_from`.
    requests: u32,
    counted_from: Timestamp,
}

impl Memory {
    fn holds(&self, now: Timestamp) -> bool {
        now.since(self.found_at) < LASTS
    }

    /// The bucket as it is seen from here.
    fn standing(&self, taken: u32, now: Timestamp) -> Standing {
        let age = now.since(self.found_at);
        Standing { taken, remaining: self.found.remaining + self.left, full_in: self.found.full_in.saturating_sub(age) }
    }
}

/// Policy and subject: a bucket.
type Name = (Arc<str>, Arc<str>);

fn name(demand: &Demand) -> Name {
    (Arc::clone(&demand.policy), Arc::clone(&demand.subject))
}

impl Leasing {
    /// Puts leases before a limiter; `clock` must not be the caller's to set.
    pub fn new(behind: Arc<dyn Limiter>, clock: Arc<dyn Clock>) -> Self {
        Self { behind, clock, memory: Mutex::default() }
    }

    /// Never held across an await.
    fn memory(&self) -> MutexGuard<'_, HashMap<Name, Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides from memory, where memory suffices: a bucket that is known to be empty, or a lease for each demand.
    fn remembered(&self, demands: &[Demand], now: Timestamp) -> Option<Verdict> {
        let mut memory = self.memory();
        let known: Vec<Option<Memory>> =
            demands.iter().map(|demand| memory.get(&name(demand)).filter(|found| found.holds(now)).copied()).collect();
        let waits = known.iter().enumerate().filter_map(|(place, found)| {
            let found = found.as_ref()?;
            let wait = found.empty_for.saturating_sub(now.since(found.found_at));
            (!wait.is_zero()).then_some((wait, place))
        });
        if let Some((retry_after, by)) = waits.max_by_key(|(wait, _)| *wait) {
            let unknown = Standing { taken: 0, remaining: 0, full_in: retry_after };
            let standings = known.iter().map(|found| found.map_or(unknown, |found| found.standing(0, now))).collect();
            return Some(Verdict::Refused { standings, by, retry_after });
        }
        if !known.iter().all(|found| found.is_some_and(|found| found.left > 0)) {
            return None;
        }
        let spend = demands.iter().map(|demand| {
            let found = memory.get_mut(&name(demand))?;
            found.left = found.left.saturating_sub(1);
            found.requests = found.requests.saturating_add(1);
            Some(found.standing(1, now))
        });
        spend.collect::<Option<Vec<_>>>().map(Verdict::Granted)
    }

    /// What is asked for: one unit, from who came within the last second twice as many as that second needed; what a lease
    /// has left goes back.
    fn asked(&self, demands: &[Demand], now: Timestamp) -> Vec<Demand> {
        let mut memory = self.memory();
        let asked = demands.iter().map(|demand| {
            let mut asked = demand.clone();
            if let Some(found) = memory.get_mut(&name(demand)) {
                asked.returned = core::mem::take(&mut found.left);
                if now.since(found.counted_from) < LASTS {
                    asked.wanted = found.requests.saturating_mul(GROWTH).clamp(1, (demand.quota.units() / PART).max(1));
                }
            }
            asked
        });
        asked.collect()
    }

    /// Keeps what was found.
    fn remember(&self, demands: &[Demand], verdict: &Verdict, now: Timestamp) {
        let mut memory = self.memory();
        if memory.len() + demands.len() > MOST_REMEMBERED {
            memory.retain(|_, found| found.holds(now));
        }
        if memory.len() + demands.len() > MOST_REMEMBERED {
            memory.clear();
        }
        let (standings, refused) = match verdict {
            Verdict::Granted(standings) => (standings, None),
            Verdict::Refused { standings, by, retry_after } => (standings, Some((*by, *retry_after))),
        };
        for (place, (demand, &found)) in demands.iter().zip(standings).enumerate() {
            let empty_for = refused.filter(|(by, _)| *by == place).map_or(Duration::ZERO, |(_, wait)| wait);
            let before = memory.get(&name(demand)).copied();
            let counting = before.filter(|before| now.since(before.counted_from) < LASTS);
            let (requests, counted_from) = counting.map_or((0, now), |before| (before.requests, before.counted_from));
            // Another request of this instance may have got a lease meanwhile.
            let others = before.filter(|before| before.holds(now)).map_or(0, |before| before.left);
            let left = others + found.taken.saturating_sub(1);
            let requests = requests.saturating_add(1);
            memory.insert(name(demand), Memory { left, found, found_at: now, empty_for, requests, counted_from });
        }
    }
}

#[async_trait]
impl Limiter for Leasing {
    async fn decide(&self, demands: &[Demand]) -> Result<Verdict, LimiterError> {
        let now = self.clock.now();
        if let Some(verdict) = self.remembered(demands, now) {
            return Ok(verdict);
        }
        let asked = self.asked(demands, now);
        let mut verdict = self.behind.decide(&asked).await?;
        self.remember(&asked, &verdict, now);
        // The caller asked for one unit, and its lease is as good as in the bucket.
        let (Verdict::Granted(standings) | Verdict::Refused { standings, .. }) = &mut verdict;
        for standing in standings {
            let leased = standing.taken.saturating_sub(1);
            standing.taken -= leased;
            standing.remaining += leased;
        }
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests;
