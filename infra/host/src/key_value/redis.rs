//! The Redis backend, `type = "redis"`: one multiplexed connection a label that reconnects by itself.
//!
//! As in stock Spin the label is no part of the key: labels of one URL share one keyspace.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use redis::{AsyncCommands as _, Client, aio::ConnectionManager};
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::{Backend, Error, MAX_ANSWER_BYTES, Store, failed};

/// Stores in one database of a Redis server.
pub struct Redis {
    client: Client,
    connection: OnceCell<ConnectionManager>,
}

impl Redis {
    /// A backend at `url`, connected at the first use.
    ///
    /// # Errors
    /// The URL is malformed.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { client: Client::open(url).context("Invalid Redis URL")?, connection: OnceCell::new() })
    }

    async fn connect(&self) -> redis::RedisResult<ConnectionManager> {
        self.client.get_connection_manager().await
    }
}

#[async_trait]
impl Backend for Redis {
    async fn open(&self, _label: &str) -> Result<Arc<dyn Store>, Error> {
        let connection = self.connection.get_or_try_init(|| self.connect()).await.map_err(failed)?.clone();
        // Where the connection is dead this makes the manager notice and reconnect in the background.
        let _ = redis::cmd("PING").query_async::<()>(&mut connection.clone()).await;
        Ok(Arc::new(RedisStore(connection)))
    }
}

struct RedisStore(ConnectionManager);

#[async_trait]
impl Store for RedisStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.0.clone().get(key).await.map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.0.clone().set::<_, _, ()>(key, value).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.0.clone().del::<_, ()>(key).await.map_err(failed)
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.0.clone().exists(key).await.map_err(failed)
    }

    async fn keys(&self) -> (mpsc::Receiver<String>, oneshot::Receiver<Result<(), Error>>) {
        let (keys, taken) = mpsc::channel(4);
        let (end, ended) = oneshot::channel();
        let connection = self.0.clone();
        tokio::spawn(async move {
            // A guest that dropped the future does not want to know.
            let _ = end.send(walk(connection, &keys).await);
        });
        (taken, ended)
    }
}

async fn walk(mut connection: ConnectionManager, keys: &mpsc::Sender<String>) -> Result<(), Error> {
    let mut scan = connection.scan::<String>().await.map_err(failed)?;
    while let Some(key) = scan.next_item().await {
        if key.len() > MAX_ANSWER_BYTES {
            return Err(Error::Other(format!("query result exceeds limit of {MAX_ANSWER_BYTES} bytes")));
        }
        keys.send(key).await.map_err(failed)?;
    }
    Ok(())
}
