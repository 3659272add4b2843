//! The inbox, preferences, the log of messages and what providers tell, over HTTP: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use notifications_context::{GATHERED, KEY_SCOPES, NoticeSecrets, Notifications, POLICIES, Seals, http};
use platform_spin::variable;
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("notifications").await?;
    let divided = ground.divided(GATHERED)?;
    let notices = NoticeSecrets {
        password: variable("provider_notice_password").await?,
        twilio_token: variable("twilio_token").await?,
        public_url: variable("public_url").await?.trim_end_matches('/').to_owned(),
    };
    let notifications = Notifications {
        records: divided.whole.clone(),
        clock: ground.clock.clone(),
        random: ground.random.clone(),
        seals: Seals::new(&variable("notifications_key").await?),
        notices: Arc::new(notices),
    };
    let service = ground.service("notifications").await?.bearer().await?.keys(KEY_SCOPES).await?;
    let service = service.edge(|edge| edge.policies(POLICIES));
    let internal = service.internal(http::internal(notifications.clone()));
    let history = service.history(divided.histories());
    Ok(service.front(http::public(notifications).merge(internal).merge(history)))
}
