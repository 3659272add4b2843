//! What every worker does once a pulse for the stores of its context, before its own work.

use crate::Ground;
use ambient::Clock;
use core::time::Duration;
use records_redis::{Progress, RedisRecords, Retention, StreamState};
use redis_client::{Argument, Repeat};
use telemetry::Level;

/// How long one pulse goes on with a rebuild.
const REBUILD_BUDGET: Duration = Duration::from_secs(8);
/// How long one pulse writes pages of the archive.
const ARCHIVE_BUDGET: Duration = Duration::from_secs(2);

impl Ground {
    /// Goes on with a rebuild that an operator asked for; otherwise archives and trims the stream and deletes bodies that nobody will
    /// read again. Tells whether the data is being rebuilt: then the worker has nothing else to do. What cannot be done is
    /// logged under the worker's name and comes back with the next pulse.
    pub async fn keep_house(&self, worker: &str, records: &RedisRecords) -> bool {
        match records.rebuild_step(REBUILD_BUDGET).await {
            Ok(Progress::Idle) => {}
            Ok(Progress::Busy | Progress::Running(_)) => return true,
            Err(error) => {
                complain(worker, "the rebuild did not go on", &error.to_string());
                return true;
            }
        }
        let retention = Retention::default();
        let (until, mut is_archived) = (self.clock.now().plus(ARCHIVE_BUDGET), true);
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
        match records.trim_stream(&retention).await {
            Ok(state) => {
                if state.over_budget {
                    complain(worker, "the stream is larger than it may be", &format!("{} waits", state.held_by));
                }
                self.show(&state).await;
            }
            Err(error) => complain(worker, "the stream was not trimmed", &error.to_string()),
        }
        if let Err(error) = records.drop_page(&retention).await {
            complain(worker, "an old page stays", &error.to_string());
        }
        // What was told stays in the bodies until it is in a page.
        if is_archived && let Err(error) = records.sweep().await {
            complain(worker, "old bodies stay", &error.to_string());
        }
        false
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

fn complain(worker: &str, what: &str, reason: &str) {
    let fields = [("reason", reason.into())];
    telemetry::log(Level::Error, worker, what, &"", &fields);
}
