//! What the worker does when its bell rings and once a pulse; the same over HTTP, where there is no Redis trigger.

use crate::Payments;
use crate::app::{self, PulseReport, SealReport, StoreError};
use crate::wire::VerificationAnswer;
use ambient::Timestamp;
use events::{EventsError, Run, Worker};
use records::RecordsError;
use serde::Serialize;

/// Everything that is to be done behind the routes.
#[derive(Clone)]
pub struct Work {
    /// Reads the streams: people who take their data along or away.
    pub worker: Worker,
    /// Payments and their ledger.
    pub payments: Payments,
}

/// What one round came to. Its parts do not depend on each other: one that fails stops no other.
#[derive(Debug)]
pub struct Round {
    /// The streams.
    pub events: Result<Run, EventsError>,
    /// The sealing of the journal, on a pulse.
    pub sealed: Result<SealReport, RecordsError>,
    /// What is known of the journal, on a pulse.
    pub checked: Option<Result<VerificationAnswer, StoreError>>,
    /// Outcomes that are unknown, holds that ran out, and housekeeping, on a pulse.
    pub timers: Result<PulseReport, RecordsError>,
}

impl Work {
    /// New events.
    pub async fn on_bell(&self) -> Round {
        let events = self.worker.on_bell().await;
        Round { events, sealed: Ok(SealReport::default()), checked: None, timers: Ok(PulseReport::default()) }
    }

    /// What the bell missed, the journal, timers; where there is an `end`, nothing is begun after it.
    pub async fn on_pulse(&self, trace: &str, end: Option<Timestamp>) -> Round {
        let payments = &self.payments;
        Round {
            events: self.worker.ending_at(end).on_pulse().await,
            sealed: app::seal(payments).await,
            checked: Some(app::watch_journal(payments, trace).await),
            timers: app::on_pulse(payments, trace, end).await,
        }
    }
}

impl Round {
    /// What could not be done now and why, for the log; it comes back with the next pulse.
    pub fn failures(&self) -> Vec<(&'static str, String)> {
        let events = self.events.as_ref().err().map(|error| ("the streams could not be read", error.to_string()));
        let sealed = self.sealed.as_ref().err().map(|error| ("the journal was not sealed", error.to_string()));
        let checked = self.checked.as_ref().and_then(|checked| checked.as_ref().err());
        let checked = checked.map(|error| ("the journal was not checked", error.to_string()));
        let timers = self.timers.as_ref().err().map(|error| ("the timers were not worked off", error.to_string()));
        [events, sealed, checked, timers].into_iter().flatten().collect()
    }

    /// What it did in numbers.
    pub fn finish(&self) -> Drained {
        let Run { done, deferred, parked, left_behind, .. } = self.events.as_ref().copied().unwrap_or_default();
        let sealed = self.sealed.as_ref().copied().unwrap_or_default();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let timers = self.timers.as_ref();
        Drained {
            done,
            deferred,
            parked,
            left_behind,
            sealed: sealed.rows,
            finished: timers.map_or(0, |report| count(report.finished)),
            unfinished: timers.map_or(0, |report| count(report.unfinished.len())),
            failed: self.failures().into_iter().map(|(what, _)| what).collect(),
        }
    }
}

/// The answer of `POST /internal/payments/drain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drained {
    /// Events handled.
    pub done: u32,
    /// Events put off.
    pub deferred: u32,
    /// Events moved to the dead letters.
    pub parked: u32,
    /// Whether events were left for another round.
    pub left_behind: bool,
    /// Rows of the journal that went into pages.
    pub sealed: u32,
    /// Timers that were brought to an end.
    pub finished: u32,
    /// Timers that come back.
    pub unfinished: u32,
    /// What could not be done now; the log says why.
    pub failed: Vec<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::{Fault, House};
    use crate::{GROUP, HEARS, PrivacyClerk};
    use ambient::{CountedRandom, Sleep};
    use async_trait::async_trait;
    use core::time::Duration;
    use events::{Envelope, StreamName};
    use events_memory::MemoryEventLog;
    use ids::ErasureId;
    use privacy::RememberingDesk;
    use std::sync::Arc;
    use users_wire::{ERASURE_REQUESTED, ErasureTold};

    struct Passing;

    #[async_trait]
    impl Sleep for Passing {
        async fn sleep(&self, duration: Duration) {
            tokio::time::sleep(duration).await;
        }
    }

    fn erasure(house: &House) -> Envelope {
        let told = ErasureTold {
            user_id: house.user,
            erasure_id: ErasureId::derived(0, &[b"e"]),
            requested_at: house.payments.now(),
        };
        serde_json::from_value(serde_json::json!({
            "specversion": "1.0",
            "id": format!("evt_{}_0", ids::derived_uuid(&[b"erasure"])),
            "source": "/users",
            "type": ERASURE_REQUESTED,
            "time": "2026-01-01T00:00:00.000Z",
            "subject": house.user.to_string(),
            "datacontenttype": "application/json",
            "dataschema": format!("/asyncapi.json#{ERASURE_REQUESTED}"),
            "version": "1.1",
            "traceid": "0af7651916cd43dd8448eb211c80319c",
            "data": told,
        }))
        .unwrap()
    }

    /// A payment whose outcome is unknown, and a payer who leaves.
    async fn something_to_do() -> (House, MemoryEventLog, Work) {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.acquirer.fail_next(Fault::AnswerLost);
        house.confirm(&path, "c1").await;
        house.later(30);
        let clock = Arc::new(house.clock.clone());
        let log = MemoryEventLog::new(clock.clone());
        let clerk = PrivacyClerk { payments: house.payments.clone(), desk: Arc::new(RememberingDesk::default()) };
        let worker = Worker::new(
            Arc::new(log.clone()),
            GROUP,
            HEARS.map(|context| StreamName::new(context, 0)).into(),
            Arc::new(clerk),
            clock,
            Arc::new(CountedRandom::default()),
            Arc::new(Passing),
        );
        log.append(&StreamName::new("users", 0), &erasure(&house));
        let work = Work { worker, payments: house.payments.clone() };
        (house, log, work)
    }

    #[tokio::test]
    async fn one_round_hears_events_seals_the_journal_and_works_off_timers() {
        let (_, _, work) = something_to_do().await;
        let drained = work.on_pulse(&"0".repeat(32), None).await.finish();
        // The money was still on its way when the payer's event was heard: it comes back.
        assert_eq!((drained.done, drained.deferred, drained.finished), (0, 1, 1), "{drained:?}");
        assert!(drained.failed.is_empty() && !drained.left_behind, "{drained:?}");
        assert_eq!(work.on_pulse(&"0".repeat(32), None).await.finish().finished, 0);
    }

    #[tokio::test]
    async fn a_log_that_is_gone_keeps_no_timer_from_being_worked_off_and_is_told() {
        let (_, log, work) = something_to_do().await;
        log.cut(true);
        let round = work.on_pulse(&"0".repeat(32), None).await;
        let drained = round.finish();
        assert_eq!((drained.finished, drained.failed.as_slice()), (1, ["the streams could not be read"].as_slice()));
        assert_eq!(round.failures().len(), 1);
    }

    #[tokio::test]
    async fn a_round_that_has_to_end_leaves_events_to_the_next() {
        let (house, _, work) = something_to_do().await;
        let drained = work.on_pulse(&"0".repeat(32), Some(house.payments.now())).await.finish();
        assert_eq!((drained.done, drained.deferred, drained.left_behind), (0, 0, true), "{drained:?}");
    }
}
