//! What every worker does once a pulse for the stores of its context, before its own work.

use crate::Ground;
use ambient::{Clock, Timestamp};
use core::time::Duration;
use edge_spin::Call;
use records_redis::{Progress, RedisRecords, Retention, StreamState};
use redis_client::{Argument, Repeat};
use std::sync::Arc;
use telemetry::Level;

/// How long one pulse goes on with a rebuild.
const REBUILD_BUDGET: Duration = Duration::from_secs(8);
/// How long one pulse writes pages of the archive.
const ARCHIVE_BUDGET: Duration = Duration::from_secs(2);

impl Ground {
    /// Goes on with a rebuild that an operator asked for; otherwise archives and trims the stream and deletes bodies that
    /// nobody will read again, in each of these partitions; a bell asks for none of it. Tells whether data is being rebuilt:
    /// then the worker has nothing else to do. What cannot be done is logged under the worker's name and comes back with the
    /// next pulse.
    pub async fn keep_house(&self, call: Call, worker: &str, parts: &[Arc<RedisRecords>]) -> bool {
        if call == Call::Bell {
            return false;
        }
        let mut is_rebuilt = false;
        for records in parts {
            // A partition whose turn comes after the end makes its smallest step.
            let left = call.end().map_or(REBUILD_BUDGET, |end| REBUILD_BUDGET.min(end.since(self.clock.now())));
            match records.rebuild_step(left).await {
                Ok(Progress::Idle) => {}
                Ok(Progress::Busy | Progress::Running(_)) => is_rebuilt = true,
                Err(error) => {
                    complain(worker, "the rebuild did not go on", &error.to_string());
                    is_rebuilt = true;
                }
            }
        }
        if is_rebuilt {
            return true;
        }
        let until = self.clock.now().plus(ARCHIVE_BUDGET);
        let mut sum = None;
        for records in parts {
            if let Some(state) = self.keep(worker, records, until).await {
                sum = Some(added(sum, state));
            }
        }
        if let Some(sum) = sum {
            self.show(&sum).await;
        }
        false
    }

    /// Archives, trims and cleans one partition: how its stream stands afterwards, where that is known.
    async fn keep(&self, worker: &str, records: &RedisRecords, until: Timestamp) -> Option<StreamState> {
        let retention = Retention::default();
        let mut is_archived = true;
        loop {
            match records.archive_step(&retention).await {
                Ok(step) if step.more && self.clock.now() < until => {}
                Ok(_) => break,
                Err(error) => {
                    complain(worker, "the stream was not archived", &error.to_string());
                    is_archived = false;
                    break;
                }
            }
        }
        let state = match records.trim_stream(&retention).await {
            Ok(state) => {
                if state.over_budget {
                    complain(worker, "the stream is larger than it may be", &format!("{} waits", state.held_by));
                }
                Some(state)
            }
            Err(error) => {
                complain(worker, "the stream was not trimmed", &error.to_string());
                None
            }
        };
        if let Err(error) = records.drop_page(&retention).await {
            complain(worker, "an old page stays", &error.to_string());
        }
        // What was told stays in the bodies until it is in a page.
        if is_archived && let Err(error) = records.sweep().await {
            complain(worker, "old bodies stay", &error.to_string());
        }
        state
    }

    /// Shows how stream and archive stand: the front desk's `/metrics` reads it. What cannot be written now is written by
    /// the next pulse.
    async fn show(&self, state: &StreamState) {
        let number = |value: u64| Argument::from(i64::try_from(value).unwrap_or(i64::MAX));
        let arguments: Vec<Argument> = vec![
            format!("{{{}/metrics}}:stream", self.context).into(),
            "entries".into(),
            number(state.entries),
            "bytes".into(),
            number(state.bytes),
            "pages".into(),
            number(state.pages),
            "unarchived_ms".into(),
            number(state.unarchived_ms),
            "held_ms".into(),
            number(state.held_ms),
            "over_budget".into(),
            i64::from(state.over_budget).into(),
        ];
        let _written = self.redis.execute("HSET", arguments, Repeat::Safe).await;
    }
}

/// The streams of a context as one: what lies in them together, and the age of the oldest.
fn added(sum: Option<StreamState>, state: StreamState) -> StreamState {
    let Some(sum) = sum else { return state };
    StreamState {
        dropped: sum.dropped.saturating_add(state.dropped),
        entries: sum.entries.saturating_add(state.entries),
        bytes: sum.bytes.saturating_add(state.bytes),
        pages: sum.pages.saturating_add(state.pages),
        unarchived_ms: sum.unarchived_ms.max(state.unarchived_ms),
        held_by: if state.held_ms > sum.held_ms { state.held_by } else { sum.held_by },
        held_ms: sum.held_ms.max(state.held_ms),
        over_budget: sum.over_budget || state.over_budget,
    }
}

fn complain(worker: &str, what: &str, reason: &str) {
    let fields = [("reason", reason.into())];
    telemetry::log(Level::Error, worker, what, &"", &fields);
}
