//! Events to messages, woken by the doorbell and once a pulse: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use circuit_breaker::{BreakerConfig, RedisBreaker};
use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use http_client::HttpClient;
use notifications_context::app::{Mailer, Senders};
use notifications_context::{GATHERED, GROUP, HEARS, Notifier, ProviderSettings, Seals, Work, providers};
use platform_spin::{SpinHttp, variable};
use std::sync::Arc;
use wiring_spin::{Divided, Ground};

edge_spin::worker!("notifications-worker", work);

async fn work(call: Call) -> Result<(), StartError> {
    let ground = Ground::of("notifications").await?;
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let Divided { whole: records, parts } = ground.divided(GATHERED)?;
    if matches!(call, Call::Pulse) && ground.keep_house(GROUP, &parts).await {
        return Ok(());
    }

    let settings = ProviderSettings {
        mail_url: variable("mail_url").await?,
        sms_url: variable("sms_url").await?,
        mail_key: variable("mail_key").await?,
        postmark_url: variable("postmark_url").await?,
        postmark_token: variable("postmark_token").await?,
        twilio_url: variable("twilio_url").await?,
        twilio_account: variable("twilio_account").await?,
        twilio_token: variable("twilio_token").await?,
        routes: variable("message_routes").await?,
    };
    let breaker = |name: &str| RedisBreaker::of("notifications", name, BreakerConfig::default(), ground.redis.clone());
    let http: Arc<dyn HttpClient> = Arc::new(SpinHttp);
    let providers = providers(&settings, &http, |name| Arc::new(breaker(name)))?;
    let mailer = Mailer {
        records: records.clone(),
        providers: providers.clone(),
        senders: Senders {
            mail: variable("mail_from").await?,
            sms: variable("sms_from").await?,
            public_url: variable("public_url").await?.trim_end_matches('/').to_owned(),
        },
        seals: Seals::new(&variable("notifications_key").await?),
        clock: clock.clone(),
        actor: GROUP,
    };
    let log = Arc::new(RedisEventLog::new("notifications", ground.redis.clone()));
    let desk = ground.desk().await?;
    let notifier =
        Arc::new(Notifier { records: records.clone(), clock: clock.clone(), desk, providers: Some(providers) });
    let streams = ground.streams(&HEARS);
    let bounds = ground.worker_config(GROUP, WorkerConfig::default()).await?;
    let worker = Worker::new(log, GROUP, streams, notifier, clock.clone(), random, sleep.clone()).with_config(bounds);
    let work = Work { worker, mailer: Some(mailer), records, clock, sleep };

    let round = match call {
        Call::Bell => work.on_bell().await,
        Call::Pulse => work.on_pulse().await,
    };
    round.finish()?;
    Ok(())
}
