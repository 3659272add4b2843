//! Hears every bell.

use futures::StreamExt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

#[derive(Default)]
struct Heard {
    groups: Mutex<Vec<String>>,
    fence: Notify,
}

pub struct Rings(Arc<Heard>);

impl Rings {
    pub async fn listen(url: &str) -> anyhow::Result<Self> {
        let (mut sink, mut stream) = redis::Client::open(url)?.get_async_pubsub().await?.split();
        sink.psubscribe("bell:*").await?;
        let heard = Arc::new(Heard::default());
        let hears = heard.clone();
        tokio::spawn(async move {
            // The subscription lives as long as its sink.
            let _sink = sink;
            while let Some(message) = stream.next().await {
                match message.get_channel_name().strip_prefix("bell:") {
                    Some("fence") => hears.fence.notify_one(),
                    Some(group) => hears.groups.lock().unwrap_or_else(PoisonError::into_inner).push(group.to_owned()),
                    None => {}
                }
            }
        });
        Ok(Self(heard))
    }

    pub async fn count(&self, group: &str) -> usize {
        self.0.fence.notified().await;
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|heard| *heard == group).count()
    }

    pub fn forget(&self) {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
