//! Events to messages, woken by the doorbell and once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{SystemClock, SystemRandom};
use edge_spin::{Call, StartError};
use events::{StreamName, Worker};
use events_redis::RedisEventLog;
use notifications_context::app::Mailer;
use notifications_context::{GROUP, HEARS, Notifier, SandboxMailbox, Work};
use platform_spin::{SpinHttp, SpinKeyValue, SpinRedis, SpinSleep, variable};
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::Redis;
use std::sync::Arc;

edge_spin::worker!("notifications-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let (clock, random, sleep) = (Arc::new(SystemClock), Arc::new(SystemRandom), Arc::new(SpinSleep));
    let redis: Arc<dyn Redis> = Arc::new(SpinRedis::new(variable("redis_url").await?));
    let bodies = Arc::new(SpinKeyValue::new("notifications"));
    let config = RecordsConfig::of("notifications");
    let records = RedisRecords::new(config, redis.clone(), bodies, clock.clone(), random.clone());
    let records = Arc::new(records.with_sleep(sleep.clone()));

    let (mail_url, mail_key) = (variable("mail_url").await?, variable("mail_key").await?);
    let mail = Arc::new(SandboxMailbox::new(Arc::new(SpinHttp), &mail_url, &mail_key));
    let mailer = Mailer { records: records.clone(), mail, clock: clock.clone(), actor: GROUP };
    let log = Arc::new(RedisEventLog::new("notifications", redis));
    let notifier = Arc::new(Notifier { records: records.clone(), clock: clock.clone() });
    let streams = HEARS.map(|context| StreamName::new(context, 0)).into();
    let worker = Worker::new(log, GROUP, streams, notifier, clock.clone(), random, sleep.clone());
    let work = Work { worker, mailer: Some(mailer), records, clock, sleep };

    let round = match call {
        Call::Bell => work.on_bell().await,
        Call::Pulse => work.on_pulse().await,
    };
    round.finish()?;
    Ok(())
}
