//! The Redis port over a plain connection, with answers as poor as stock Spin's: nested ones are flattened.

use async_trait::async_trait;
use core::time::Duration;
use redis::{AsyncConnectionConfig, Client, Cmd, Value, aio::MultiplexedConnection};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use tokio::sync::Mutex;

/// One shared connection, opened when it is first needed and again after it broke.
pub struct NativeRedis {
    url: String,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl NativeRedis {
    /// A connection to come, to `redis://[user:password@]host:port[/database]`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), connection: Mutex::default() }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut slot = self.connection.lock().await;
        if let Some(open) = &*slot {
            return Ok(open.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Duration::from_millis(500))
            .set_response_timeout(Duration::from_secs(2));
        let client = Client::open(self.url.as_str()).map_err(refused)?;
        let open = client.get_multiplexed_async_connection_with_config(&config).await.map_err(classified)?;
        *slot = Some(open.clone());
        Ok(open)
    }

    async fn once(&self, command: &Cmd) -> Result<Value, RedisError> {
        let mut connection = self.connection().await?;
        let answer = command.query_async::<Value>(&mut connection).await.map_err(classified);
        if matches!(answer, Err(RedisError::Unavailable(_))) {
            *self.connection.lock().await = None;
        }
        answer
    }
}

#[async_trait]
impl Redis for NativeRedis {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        let mut call = redis::cmd(command);
        for argument in arguments {
            match argument {
                Argument::Integer(number) => call.arg(number),
                Argument::Bytes(bytes) => call.arg(bytes),
            };
        }
        let answer = match self.once(&call).await {
            Err(RedisError::Unavailable(_)) if repeat == Repeat::Safe => self.once(&call).await?,
            answer => answer?,
        };
        let mut replies = Vec::new();
        flatten(answer, &mut replies)?;
        Ok(replies)
    }
}

fn refused(error: redis::RedisError) -> RedisError {
    RedisError::Refused(error.to_string())
}

fn classified(error: redis::RedisError) -> RedisError {
    if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
        return RedisError::Unavailable(error.to_string());
    }
    refused(error)
}

fn flatten(value: Value, into: &mut Vec<Reply>) -> Result<(), RedisError> {
    match value {
        Value::Nil => into.push(Reply::Nil),
        Value::Int(number) => into.push(Reply::Integer(number)),
        Value::BulkString(bytes) => into.push(Reply::Bytes(bytes)),
        Value::SimpleString(text) => into.push(Reply::Status(text)),
        Value::Okay => into.push(Reply::Status("OK".to_owned())),
        Value::Array(values) | Value::Set(values) => values.into_iter().try_for_each(|value| flatten(value, into))?,
        other => return Err(RedisError::Refused(format!("an answer that Spin would refuse: {other:?}"))),
    }
    Ok(())
}
