//! Events to endpoints, woken by the doorbell and once a pulse: wiring, and nothing else. The only component that may reach
//! any host.

#![cfg(target_family = "wasm")]

use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use platform_spin::{SpinHttp, variable};
use std::sync::Arc;
use webhooks_context::app::Sender;
use webhooks_context::domain::OpenedReceivers;
use webhooks_context::{Announcer, GATHERED, GROUP, HEARS, HttpCourier, Vault, Webhooks, Work};
use wiring_spin::{Divided, Ground};

edge_spin::worker!("webhooks-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let ground = Ground::of("webhooks").await?;
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let Divided { whole: records, parts } = ground.divided(GATHERED)?;
    if matches!(call, Call::Pulse) && ground.keep_house(GROUP, &parts).await {
        return Ok(());
    }
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
    let bounds = ground.worker_config(GROUP, WorkerConfig::default()).await?;
    let worker = Worker::new(log, GROUP, streams, announcer, clock.clone(), random, sleep.clone()).with_config(bounds);
    let work = Work { worker, sender: Some(Arc::new(sender)), records, clock, sleep };

    let round = match call {
        Call::Bell => work.on_bell().await,
        Call::Pulse => work.on_pulse().await,
    };
    round.finish()?;
    Ok(())
}
