//! One round of the worker of notifications, whoever wakes it: `notifications-drain` takes this very file.

use circuit_breaker::{BreakerConfig, RedisBreaker};
use edge_spin::{Call, StartError};
use events::{Worker, WorkerConfig};
use events_redis::RedisEventLog;
use http_client::HttpClient;
use notifications_context::app::{Mailer, Senders};
use notifications_context::{GATHERED, GROUP, HEARS, Notifier, ProviderSettings, Seals, Work, providers};
use platform_spin::{SpinHttp, variable};
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
        let breaker =
            |name: &str| RedisBreaker::of("notifications", name, BreakerConfig::default(), ground.redis.clone());
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
        let notifier = Arc::new(Notifier { records: records.clone(), clock: clock.clone(), desk, providers });
        let streams = ground.streams(&HEARS);
        let bounds = ground.worker_config(GROUP, bounds).await?;
        let worker =
            Worker::new(log, GROUP, streams, notifier, clock.clone(), random, sleep.clone()).with_config(bounds);
        Ok(Self { ground, parts, work: Work { worker, mailer, records, clock, sleep } })
    }

    /// What the call asks for.
    pub async fn run(&self, call: Call) -> Result<Drained<notifications_context::Drained>, StartError> {
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
