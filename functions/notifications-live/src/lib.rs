//! The inbox as a stream: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use core::time::Duration;
use edge_spin::{Front, StartError};
use events_redis::RedisTail;
use notifications_context::live::{Live, Streams, WAIT, public};
use notifications_context::{GATHERED, KEY_SCOPES};
use platform_spin::{SpinRedis, SpinTasks, variable};
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("notifications").await?;
    let records = ground.divided(GATHERED)?.whole;
    let redis_url = variable("redis_url").await?;
    let lasts = Duration::from_secs(variable("stream_seconds").await?.parse()?);
    let streams_a_person = variable("streams_a_person").await?.parse()?;
    let live = |inboxes| {
        // One connection more an instance and a partition that somebody listens to: its reader blocks on it, and the
        // streams' own calls must not wait behind that.
        let blocking = Arc::new(SpinRedis::blocking(redis_url.clone(), WAIT));
        Live {
            inboxes,
            records: records.clone(),
            tail: Arc::new(RedisTail::new(ground.redis.clone(), blocking)),
            redis: ground.redis.clone(),
            clock: ground.clock.clone(),
            random: ground.random.clone(),
            sleep: ground.sleep.clone(),
            tasks: Arc::new(SpinTasks),
            lasts,
            streams_a_person,
            streams: Streams::default(),
        }
    };
    let lives = ground.streams(&["notifications"]).into_iter().map(live).collect();
    let service = ground.service("notifications-live").await?.bearer().await?.keys(KEY_SCOPES).await?;
    Ok(service.front(public(lives)))
}
