//! Redis over the host: one connection an address and instance, shared by all requests, reopened when it broke.
//!
//! The host opens a TCP connection a call of `open` and never mends it: it knows no time-out, no pool, no reconnect.
//! Calls in flight at the same time are pipelined on the shared one.

use async_trait::async_trait;
use core::pin::pin;
use core::time::Duration;
use futures::future::{Either, select};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long one call may take, opening included.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The open connections of this instance, by address.
static OPEN: Mutex<BTreeMap<String, Arc<Connection>>> = Mutex::new(BTreeMap::new());

/// Never held across an await: another request of the instance would wait for a task that cannot be woken.
fn open_connections() -> MutexGuard<'static, BTreeMap<String, Arc<Connection>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Commands to the Redis at one address, which the manifest must allow.
#[derive(Clone)]
pub struct SpinRedis {
    url: String,
}

/// Why a call has no answer.
enum Failed {
    /// The server's own error: the connection is sound.
    Refused(String),
    /// The connection broke; the command may have been carried out.
    Broken(String),
    /// No answer in time; the command may have been carried out.
    Late,
}

impl From<Failed> for RedisError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(message) => Self::Refused(message),
            Failed::Broken(message) => Self::Unavailable(message),
            Failed::Late => Self::Unavailable(format!("no answer in {} ms", TIMEOUT.as_millis())),
        }
    }
}

impl SpinRedis {
    /// Commands to `redis://user:password@host:port[/database]`; opens nothing yet.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    /// The connection of this instance, opened where there is none. Two requests may open one each at the same time;
    /// the later one stays, the other closes when its call ends.
    async fn connection(&self) -> Result<Arc<Connection>, Failed> {
        if let Some(connection) = open_connections().get(&self.url) {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(Connection::open(&self.url).await.map_err(classified)?);
        open_connections().insert(self.url.clone(), Arc::clone(&connection));
        Ok(connection)
    }

    /// Lets go of a connection that broke, unless another request has already put a new one in its place.
    fn forget(&self, broken: &Arc<Connection>) {
        let mut open = open_connections();
        if open.get(&self.url).is_some_and(|current| Arc::ptr_eq(current, broken)) {
            open.remove(&self.url);
        }
    }

    /// One try within the time-out.
    async fn attempt(&self, command: &str, arguments: &[RedisParameter]) -> Result<Vec<RedisResult>, Failed> {
        let call = pin!(async {
            let connection = self.connection().await?;
            let answer = connection.execute(command, arguments.iter().cloned()).await.map_err(classified);
            if matches!(answer, Err(Failed::Broken(_))) {
                self.forget(&connection);
            }
            answer
        });
        match select(call, pin!(spin_sdk::time::sleep(TIMEOUT))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                // Half-open connections never answer again.
                open_connections().remove(&self.url);
                Err(Failed::Late)
            }
        }
    }
}

#[async_trait]
impl Redis for SpinRedis {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        let arguments: Vec<_> = arguments.into_iter().map(parameter).collect();
        let answer = match self.attempt(command, &arguments).await {
            Err(Failed::Broken(_)) if repeat == Repeat::Safe => self.attempt(command, &arguments).await,
            answer => answer,
        };
        Ok(answer?.into_iter().map(reply).collect())
    }
}

fn parameter(argument: Argument) -> RedisParameter {
    match argument {
        Argument::Integer(number) => RedisParameter::Int64(number),
        Argument::Bytes(bytes) => RedisParameter::Binary(bytes),
    }
}

fn reply(result: RedisResult) -> Reply {
    match result {
        RedisResult::Nil => Reply::Nil,
        RedisResult::Status(text) => Reply::Status(text),
        RedisResult::Int64(number) => Reply::Integer(number),
        RedisResult::Binary(bytes) => Reply::Bytes(bytes),
    }
}

/// The host gives its client's text for everything. That client writes a server's error as `An error was signalled by
/// the server - <Kind>: …` or as `<CODE>: …`; everything else is about the connection.
fn classified(error: Error) -> Failed {
    match error {
        Error::InvalidAddress => Failed::Refused("the address is not allowed or not one".to_owned()),
        Error::TooManyConnections => Failed::Refused("the host allows no further connection".to_owned()),
        Error::TypeError => Failed::Refused("WRONGTYPE".to_owned()),
        Error::Other(message) if is_server_error(&message) => Failed::Refused(message),
        Error::Other(message) => Failed::Broken(message),
    }
}

fn is_server_error(message: &str) -> bool {
    let code = message.split(':').next().unwrap_or_default();
    let is_code = code.len() >= 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code
        || message.contains("signalled by the server")
        || message.contains("AuthenticationFailed")
        || message.contains("query result exceeds limit")
}
