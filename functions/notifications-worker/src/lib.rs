//! Events to messages, woken by the doorbell and once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Call, StartError};
use events::{StreamName, Worker};
use events_redis::RedisEventLog;
use notifications_context::app::Mailer;
use notifications_context::{GROUP, HEARS, Notifier, SandboxMailbox, Work};
use platform_spin::{SpinHttp, variable};
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::worker!("notifications-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let ground = Ground::of("notifications").await?;
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let records = ground.records();
    if matches!(call, Call::Pulse) && ground.keep_house(GROUP, &records).await {
        return Ok(());
    }

    let (mail_url, mail_key) = (variable("mail_url").await?, variable("mail_key").await?);
    let mail = Arc::new(SandboxMailbox::new(Arc::new(SpinHttp), &mail_url, &mail_key));
    let mailer = Mailer { records: records.clone(), mail: mail.clone(), clock: clock.clone(), actor: GROUP };
    let log = Arc::new(RedisEventLog::new("notifications", ground.redis.clone()));
    let desk = ground.desk().await?;
    let notifier = Arc::new(Notifier { records: records.clone(), clock: clock.clone(), desk, mail: Some(mail) });
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
