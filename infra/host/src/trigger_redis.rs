//! The Redis trigger, as stock Spin has it: one subscription an address string, messages strictly one after the
//! other, a new instance for each, a failed handler is logged and its message gone, a lost connection ends the
//! process.

use std::{collections::BTreeMap, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use anyhow::{Context as _, anyhow, bail};
use futures::StreamExt as _;
use tokio::sync::watch;
use wasmtime::{Engine, Store};

use crate::{
    app::App,
    bindings::RedisTriggeredPre,
    instance::{Grants, Host, Trap},
};

/// Subscribed channels of one address string.
pub struct Subscriber {
    engine: Engine,
    address: String,
    /// Components by channel, in the order of the manifest.
    channels: BTreeMap<String, Vec<Arc<Woken>>>,
}

/// A component that messages wake.
struct Woken {
    grants: Arc<Grants>,
    pre: RedisTriggeredPre<Host>,
}

/// The subscribers of an application, one an address string.
///
/// # Errors
/// A component with a Redis trigger does not export `spin:redis/inbound-redis@3.0.0`.
pub fn subscribers(app: &App) -> anyhow::Result<Vec<Subscriber>> {
    let mut subscribers: BTreeMap<&str, Subscriber> = BTreeMap::new();
    for trigger in &app.redis {
        let id = &trigger.component;
        let component = app.components.get(id).with_context(|| format!("component {id} was not loaded"))?;
        let pre = RedisTriggeredPre::new(component.pre.clone()).map_err(anyhow::Error::from).with_context(|| {
            format!("component {id} has a Redis trigger but does not export spin:redis/inbound-redis@3.0.0")
        })?;
        subscribers
            .entry(&trigger.address)
            .or_insert_with(|| Subscriber {
                engine: app.engine.clone(),
                address: trigger.address.clone(),
                channels: BTreeMap::new(),
            })
            .channels
            .entry(trigger.channel.clone())
            .or_default()
            .push(Arc::new(Woken { grants: component.grants.clone(), pre }));
    }
    Ok(subscribers.into_values().collect())
}

impl Subscriber {
    /// Connects and subscribes.
    ///
    /// # Errors
    /// The address is malformed, the server does not answer or refuses.
    pub async fn subscribe(self) -> anyhow::Result<Subscribed> {
        let client = redis::Client::open(self.address.as_str()).context("malformed address of a Redis trigger")?;
        // Never the address itself: it may hold a password.
        let server = client.get_connection_info().addr.to_string();
        let mut connection =
            client.get_async_pubsub().await.with_context(|| format!("Redis trigger failed to connect to {server}"))?;
        println!("Active Channels on {server}:");
        for (channel, components) in &self.channels {
            connection
                .subscribe(channel)
                .await
                .with_context(|| format!("Redis trigger failed to subscribe to channel {channel:?} on {server}"))?;
            let ids: Vec<_> = components.iter().map(|component| component.grants.id.as_str()).collect();
            println!("\t{server}/{channel}: [{}]", ids.join(","));
        }
        Ok(Subscribed { subscriber: self, connection, server })
    }

    async fn handle(&self, message: &redis::Msg) -> anyhow::Result<()> {
        let Some(components) = self.channels.get(message.get_channel_name()) else {
            bail!("message from unexpected channel {:?}", message.get_channel_name());
        };
        futures::future::join_all(components.iter().map(async |component| {
            if let Err(error) = component.wake(&self.engine, message.get_payload_bytes().to_vec()).await {
                eprintln!("Component {} handler failed: {error:#}", component.grants.id);
            }
        }))
        .await;
        Ok(())
    }
}

/// A subscriber whose channels are active.
pub struct Subscribed {
    subscriber: Subscriber,
    connection: redis::aio::PubSub,
    server: String,
}

impl Subscribed {
    /// Handles messages until `draining` turns true; a message in work is finished first.
    ///
    /// # Errors
    /// The connection was lost.
    pub async fn run(mut self, mut draining: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut messages = self.connection.on_message();
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                _ = draining.wait_for(|draining| *draining) => return Ok(()),
            };
            let message = message.with_context(|| format!("disconnected from {}", self.server))?;
            if let Err(error) = self.subscriber.handle(&message).await {
                eprintln!("Error handling message from {}: {error:#}", self.server);
            }
        }
    }
}

impl Woken {
    /// Runs the handler in an instance of its own.
    async fn wake(&self, engine: &Engine, payload: Vec<u8>) -> anyhow::Result<()> {
        let trap = Trap::default();
        let mut store = Store::new(engine, Host::new(self.grants.clone(), None, trap.clone()));
        let instance = self.pre.instantiate_async(&mut store).await?;
        let handler = instance.spin_redis_inbound_redis();
        let run = store.run_concurrent(async |accessor| handler.call_handle_message(accessor, payload).await);
        let mut run = pin!(run);
        let answer = poll_fn(|cx| match trap.poll_sprung(cx) {
            Poll::Ready(reason) => Poll::Ready(Err(anyhow!("trapped: {reason}"))),
            Poll::Pending => run.as_mut().poll(cx).map(|answer| Ok(answer??)),
        });
        answer.await?.map_err(|error| anyhow!("Redis handler returned an error: {error}"))
    }
}
