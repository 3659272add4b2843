//! The inbox, preferences, the log of messages and what providers tell, over HTTP: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use events::Worker;
use events_redis::RedisEventLog;
use notifications_context::{
    GATHERED, GROUP, HEARS, KEY_SCOPES, NoticeSecrets, Notifications, Notifier, POLICIES, Seals, Work, http,
};
use platform_spin::variable;
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("notifications").await?;
    let (clock, random, sleep) = (ground.clock.clone(), ground.random.clone(), ground.sleep.clone());
    let divided = ground.divided(GATHERED)?;
    let records = divided.whole.clone();
    let notices = NoticeSecrets {
        password: variable("provider_notice_password").await?,
        twilio_token: variable("twilio_token").await?,
        public_url: variable("public_url").await?.trim_end_matches('/').to_owned(),
    };
    let notifications = Notifications {
        records: records.clone(),
        clock: clock.clone(),
        random: random.clone(),
        seals: Seals::new(&variable("notifications_key").await?),
        notices: Arc::new(notices),
    };

    // What the worker does, for hosts without a Redis trigger. Letters wait for the worker: only it may reach a provider.
    let log = Arc::new(RedisEventLog::new("notifications", ground.redis.clone()));
    let notifier = Arc::new(Notifier {
        records: records.clone(),
        clock: clock.clone(),
        desk: ground.desk().await?,
        providers: None,
    });
    let streams = ground.streams(&HEARS);
    let worker = Worker::new(log, GROUP, streams, notifier, clock.clone(), random, sleep.clone())
        .with_config(ground.worker_config(GROUP, http::drain_bounds()).await?);
    let work = Work { worker, mailer: None, records, clock, sleep };

    let service = ground.service("notifications").await?.bearer().await?.keys(KEY_SCOPES).await?;
    let service = service.edge(|edge| edge.policies(POLICIES));
    let internal = service.internal(http::internal(notifications.clone(), work));
    let history = service.history(divided.histories());
    Ok(service.front(http::public(notifications).merge(internal).merge(history)))
}
