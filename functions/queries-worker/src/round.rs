//! One round of the worker of queries, whoever wakes it: `queries-drain` takes this very file.

use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use queries_context::{GATHERED, GROUP, HEARS, Projector, Work};
use records_redis::RedisRecords;
use std::sync::Arc;
use wiring_spin::{Divided, Drained, Ground};

/// What a round needs.
pub struct Round {
    ground: Ground,
    parts: Vec<Arc<RedisRecords>>,
    work: Work,
}

impl Round {
    /// Wired within these bounds.
    pub async fn of(ground: Ground, bounds: WorkerConfig) -> Result<Self, StartError> {
        let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
        let Divided { whole: records, parts } = ground.divided(GATHERED)?;
        let log = Arc::new(RedisEventLog::new("queries", ground.redis.clone()));
        let desk = ground.desk().await?;
        let projector = Arc::new(Projector { records: records.clone(), clock: clock.clone(), desk });
        let streams = ground.streams(&HEARS);
        let bounds = ground.worker_config(GROUP, bounds).await?;
        let worker = Worker::new(log, GROUP, streams, projector, clock.clone(), random, sleep).with_config(bounds);
        Ok(Self { ground, parts, work: Work { worker, records, clock } })
    }

    /// What the call asks for.
    pub async fn run(&self, call: Call) -> Result<Drained<queries_context::Drained>, StartError> {
        if self.ground.keep_house(call, GROUP, &self.parts).await {
            return Ok(Drained::rebuilding());
        }
        let round = match call {
            Call::Bell => self.work.on_bell().await,
            Call::Pulse | Call::Drain { .. } => self.work.on_pulse(call.end()).await,
        };
        Ok(Drained::did(round.finish()?))
    }
}
