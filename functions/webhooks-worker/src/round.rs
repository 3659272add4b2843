//! One round of the worker of webhooks, whoever wakes it: `webhooks-drain` takes this very file. Both may reach any host, and
//! no other component may.

use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use platform_spin::{SpinHttp, variable};
use records_redis::RedisRecords;
use std::sync::Arc;
use webhooks_context::app::Sender;
use webhooks_context::domain::OpenedReceivers;
use webhooks_context::{Announcer, GATHERED, GROUP, HEARS, HttpCourier, Vault, Webhooks, Work};
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
        let webhooks = Webhooks {
            records: records.clone(),
            vault: Vault::new(&variable("webhook_secret_key").await?, random.clone())?,
            opened: OpenedReceivers::parse(&variable("webhook_receivers").await?)?,
            clock: clock.clone(),
            random: random.clone(),
        };
        let courier = Arc::new(HttpCourier::new(Arc::new(SpinHttp), clock.clone()));
        let sender = Sender { webhooks: webhooks.clone(), courier, sleep: sleep.clone(), actor: GROUP };
        let log = Arc::new(RedisEventLog::new("webhooks", ground.redis.clone()));
        let announcer = Arc::new(Announcer { webhooks, desk: ground.desk().await? });
        let streams = ground.streams(&HEARS);
        let bounds = ground.worker_config(GROUP, bounds).await?;
        let worker =
            Worker::new(log, GROUP, streams, announcer, clock.clone(), random, sleep.clone()).with_config(bounds);
        Ok(Self { ground, parts, work: Work { worker, sender, records, clock, sleep } })
    }

    /// What the call asks for.
    pub async fn run(&self, call: Call) -> Result<Drained<webhooks_context::Drained>, StartError> {
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
