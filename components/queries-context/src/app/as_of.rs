//! Up to when events are in an answer.
//!
//! It must be asked before the data are read: an event that was handled in between would otherwise seem to be in data
//! that were read without it. For the same reason an earlier answer stays true, so that one is kept for a moment.

use crate::wire::{AsOf, SourceAsOf};
use ambient::{Clock, Timestamp};
use core::time::Duration;
use events::{EventStatistics, EventsError, GroupStats, StreamName};
use futures::future::try_join_all;
use std::sync::{Arc, Mutex, PoisonError};

/// The contexts whose events make the read models.
pub const SOURCES: [&str; 3] = ["users", "payments", "notifications"];

/// How long an answer is used again.
const KEPT: Duration = Duration::from_millis(250);

/// Tells how fresh the read models are. Clones share what they keep.
#[derive(Clone)]
pub struct Freshness {
    statistics: Arc<dyn EventStatistics>,
    clock: Arc<dyn Clock>,
    group: &'static str,
    streams: Arc<[StreamName]>,
    kept: Arc<Mutex<Option<(Timestamp, AsOf)>>>,
}

impl Freshness {
    /// The freshness of what `group` projects from these streams of [`SOURCES`].
    pub fn new(
        statistics: Arc<dyn EventStatistics>,
        clock: Arc<dyn Clock>,
        group: &'static str,
        streams: Vec<StreamName>,
    ) -> Self {
        Self { statistics, clock, group, streams: streams.into(), kept: Arc::default() }
    }

    /// Up to when events are in what is read from now on. A round trip a stream, side by side; none where an answer of
    /// a moment ago is kept.
    ///
    /// # Errors
    /// The event log's.
    pub async fn as_of(&self) -> Result<AsOf, EventsError> {
        let now = self.clock.now();
        if let Some((asked, as_of)) = &*self.kept.lock().unwrap_or_else(PoisonError::into_inner)
            && now.since(*asked) < KEPT
        {
            return Ok(as_of.clone());
        }
        let sources = try_join_all(SOURCES.map(|source| self.source(source, now))).await?;
        let at = sources.iter().map(|source| source.at).min().flatten();
        let as_of = AsOf { at, sources };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, as_of.clone()));
        Ok(as_of)
    }

    async fn source(&self, source: &'static str, now: Timestamp) -> Result<SourceAsOf, EventsError> {
        let streams = self.streams.iter().filter(|stream| stream.context() == source);
        let groups = try_join_all(streams.map(|stream| self.statistics.groups(stream))).await?;
        let own = |groups: Vec<GroupStats>| groups.into_iter().find(|stats| stats.group == self.group);
        // Of a source whose stream nobody hears in one partition, nothing is certain.
        let Some(stats) = groups.into_iter().map(own).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty()) else {
            return Ok(SourceAsOf { source, at: None, lag_events: None });
        };
        let oldest_age_ms = stats.iter().map(|stats| stats.oldest_age_ms).max().unwrap_or(0);
        let behind = |stats: &GroupStats| stats.lag.map(|lag| lag.saturating_add(stats.pending));
        let lag_events = stats.iter().map(behind).try_fold(0, |sum: u64, lag| Some(sum.saturating_add(lag?)));
        // The oldest event that is not handled is not in; what came before it is.
        Ok(SourceAsOf { source, at: Some(before(now, oldest_age_ms)), lag_events })
    }
}

/// The moment before one that is `age_ms` old; now where nothing waits.
fn before(now: Timestamp, age_ms: u64) -> Timestamp {
    if age_ms == 0 {
        return now;
    }
    let age_ms = i64::try_from(age_ms).unwrap_or(i64::MAX);
    Timestamp::from_unix_ms(now.unix_ms().saturating_sub(age_ms).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::FixedClock;
    use async_trait::async_trait;
    use futures::executor::block_on;

    /// Answers the same for each stream, except for those that nobody heard.
    struct Statistics {
        unheard: Option<&'static str>,
        oldest_age_ms: u64,
        asked: Mutex<u32>,
    }

    #[async_trait]
    impl EventStatistics for Statistics {
        async fn groups(&self, stream: &StreamName) -> Result<Vec<GroupStats>, EventsError> {
            *self.asked.lock().unwrap() += 1;
            if self.unheard == Some(stream.context()) {
                return Ok(Vec::new());
            }
            let is_late = stream.context() == "payments" || stream.partition() == 2;
            let oldest_age_ms = if is_late { self.oldest_age_ms } else { 0 };
            Ok(vec![GroupStats {
                stream: stream.clone(),
                group: "queries-worker".into(),
                lag: Some(3),
                pending: 2,
                oldest_age_ms,
                oldest_pending_age_ms: 0,
                oldest_pending_deliveries: 0,
            }])
        }

        async fn dead_letters(&self, _context: &str) -> Result<u64, EventsError> {
            Ok(0)
        }
    }

    fn freshness(unheard: Option<&'static str>, oldest_age_ms: u64) -> (Arc<Statistics>, FixedClock, Freshness) {
        divided(unheard, oldest_age_ms, SOURCES.map(|source| StreamName::new(source, 0)).into())
    }

    fn divided(
        unheard: Option<&'static str>,
        oldest_age_ms: u64,
        streams: Vec<StreamName>,
    ) -> (Arc<Statistics>, FixedClock, Freshness) {
        let statistics = Arc::new(Statistics { unheard, oldest_age_ms, asked: Mutex::new(0) });
        let clock = FixedClock::at("2026-01-01T00:00:10.000Z");
        let freshness = Freshness::new(statistics.clone(), Arc::new(clock.clone()), "queries-worker", streams);
        (statistics, clock, freshness)
    }

    #[test]
    fn a_divided_source_is_as_fresh_as_its_partition_that_is_furthest_behind() {
        let streams = ["users/0", "payments/0", "notifications/0", "notifications/1", "notifications/2"];
        let streams = streams.map(|stream| stream.parse().unwrap()).to_vec();
        let (statistics, _, freshness) = divided(None, 4_000, streams);
        let as_of = block_on(freshness.as_of()).unwrap();
        assert_eq!(*statistics.asked.lock().unwrap(), 5);
        let [users, payments, notifications] = as_of.sources.as_slice() else { panic!("{as_of:?}") };
        assert_eq!([users.lag_events, payments.lag_events, notifications.lag_events], [Some(5), Some(5), Some(15)]);
        // The third partition of the statistics' double is behind as payments are.
        assert_eq!(notifications.at, "2026-01-01T00:00:05.999Z".parse().ok());
        assert_eq!(users.at, "2026-01-01T00:00:10.000Z".parse().ok());
    }

    #[test]
    fn the_source_that_is_furthest_behind_decides() {
        let (_, _, freshness) = freshness(None, 4_000);
        let as_of = block_on(freshness.as_of()).unwrap();
        assert_eq!(as_of.at, "2026-01-01T00:00:05.999Z".parse().ok());
        let each: Vec<_> = as_of.sources.iter().map(|source| source.at.unwrap().to_string()).collect();
        assert_eq!(each, ["2026-01-01T00:00:10.000Z", "2026-01-01T00:00:05.999Z", "2026-01-01T00:00:10.000Z"]);
        assert_eq!(as_of.sources[1].lag_events, Some(5));
    }

    #[test]
    fn a_source_that_was_never_heard_makes_no_promise() {
        let (_, _, freshness) = freshness(Some("notifications"), 0);
        let as_of = block_on(freshness.as_of()).unwrap();
        assert_eq!(as_of.at, None);
        assert!(as_of.sources[0].at.is_some());
    }

    #[test]
    fn an_answer_is_kept_for_a_moment_and_does_not_grow_younger() {
        let (statistics, clock, freshness) = freshness(None, 0);
        let first = block_on(freshness.as_of()).unwrap();
        clock.advance_ms(249);
        assert_eq!(block_on(freshness.as_of()).unwrap(), first);
        assert_eq!(*statistics.asked.lock().unwrap(), 3);
        clock.advance_ms(1);
        assert_ne!(block_on(freshness.as_of()).unwrap(), first);
    }
}
