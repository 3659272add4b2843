//! Events to messages over HTTP, where there is no Redis trigger: wiring, and nothing else. Messages wait for the worker: only it
//! reaches the world.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use events::Worker;
use events_redis::RedisEventLog;
use platform_spin::variable;
use std::sync::Arc;
use webhooks_context::domain::OpenedReceivers;
use webhooks_context::{Announcer, GATHERED, GROUP, HEARS, Vault, Webhooks, Work, http};
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("webhooks").await?;
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let records = ground.divided(GATHERED)?.whole;
    let webhooks = Webhooks {
        records: records.clone(),
        vault: Vault::new(&variable("webhook_secret_key").await?, random.clone())?,
        opened: OpenedReceivers::parse(&variable("webhook_receivers").await?)?,
        clock: clock.clone(),
        random: random.clone(),
    };
    let log = Arc::new(RedisEventLog::new("webhooks", ground.redis.clone()));
    let announcer = Arc::new(Announcer { webhooks, desk: ground.desk().await? });
    let streams = ground.streams(&HEARS);
    let bounds = ground.worker_config(GROUP, http::drain_bounds()).await?;
    let worker = Worker::new(log, GROUP, streams, announcer, clock.clone(), random, sleep.clone()).with_config(bounds);
    let work = Work { worker, sender: None, records, clock, sleep };

    let service = ground.service("webhooks-drain").await?;
    let routes = service.internal(http::drain_internal(work));
    Ok(service.front(routes))
}
