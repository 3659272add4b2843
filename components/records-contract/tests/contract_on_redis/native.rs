//! The ports over a plain connection, with answers as poor as stock Spin's: nested ones are flattened.

use ambient::Sleep;
use async_trait::async_trait;
use core::time::Duration;
use key_value::{KeyValue, KeyValueError};
use redis::aio::MultiplexedConnection;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use tokio::sync::OnceCell;

/// One shared connection, opened when it is first needed; the server of a suite does not go away.
pub struct NativeRedis {
    url: String,
    connection: OnceCell<MultiplexedConnection>,
}

impl NativeRedis {
    pub fn new(url: String) -> Self {
        Self { url, connection: OnceCell::new() }
    }

    async fn open(&self) -> redis::RedisResult<MultiplexedConnection> {
        redis::Client::open(self.url.as_str())?.get_multiplexed_async_connection().await
    }
}

#[async_trait]
impl Redis for NativeRedis {
    async fn execute(
        &self,
        command: &str,
        arguments: Vec<Argument>,
        _repeat: Repeat,
    ) -> Result<Vec<Reply>, RedisError> {
        let mut call = redis::cmd(command);
        for argument in arguments {
            match argument {
                Argument::Integer(number) => call.arg(number),
                Argument::Bytes(bytes) => call.arg(bytes),
            };
        }
        let mut connection = self.connection.get_or_try_init(|| self.open()).await.map_err(classified)?.clone();
        let mut replies = Vec::new();
        flatten(call.query_async(&mut connection).await.map_err(classified)?, &mut replies)?;
        Ok(replies)
    }
}

fn classified(error: redis::RedisError) -> RedisError {
    if error.is_io_error() || error.is_timeout() {
        RedisError::Unavailable(error.to_string())
    } else {
        RedisError::Refused(error.to_string())
    }
}

fn flatten(value: redis::Value, into: &mut Vec<Reply>) -> Result<(), RedisError> {
    match value {
        redis::Value::Nil => into.push(Reply::Nil),
        redis::Value::Int(number) => into.push(Reply::Integer(number)),
        redis::Value::BulkString(bytes) => into.push(Reply::Bytes(bytes)),
        redis::Value::SimpleString(text) => into.push(Reply::Status(text)),
        redis::Value::Okay => into.push(Reply::Status("OK".to_owned())),
        redis::Value::Array(values) => values.into_iter().try_for_each(|value| flatten(value, into))?,
        other => return Err(RedisError::Refused(format!("an answer that Spin would refuse: {other:?}"))),
    }
    Ok(())
}

/// Bodies in another database of the same Redis, as stock Spin keeps them.
pub struct RedisKeyValue(pub NativeRedis);

impl RedisKeyValue {
    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, KeyValueError> {
        let replies = self.0.execute(command, arguments, Repeat::Safe).await;
        replies.map_err(|error| KeyValueError::Unavailable(error.to_string()))
    }
}

#[async_trait]
impl KeyValue for RedisKeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        match self.call("GET", vec![key.into()]).await?.pop() {
            Some(Reply::Bytes(bytes)) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        self.call("SET", vec![key.into(), value.into()]).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.call("DEL", vec![key.into()]).await.map(drop)
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        let replies = self.call("KEYS", vec!["*".into()]).await?;
        let name = |reply| if let Reply::Bytes(bytes) = reply { String::from_utf8(bytes).ok() } else { None };
        Ok(replies.into_iter().filter_map(name).collect())
    }
}

/// Sleeps on tokio's timer.
pub struct TokioSleep;

#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
