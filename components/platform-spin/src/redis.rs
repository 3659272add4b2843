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

/// The open connections of this instance, by address and use.
static OPEN: Mutex<BTreeMap<Place, Arc<Connection>>> = Mutex::new(BTreeMap::new());
/// An address, and whether it is the connection on which commands may block.
type Place = (String, bool);

/// Never held across an await: another request of the instance would wait for a task that cannot be woken.
fn open_connections() -> MutexGuard<'static, BTreeMap<Place, Arc<Connection>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Commands to the Redis at one address, which the manifest must allow.
#[derive(Clone)]
pub struct SpinRedis {
    place: Place,
    timeout: Duration,
}

/// Why a call has no answer.
enum Failed {
    /// The server's own error: the connection is sound.
    Refused(String),
    /// The connection broke; the command may have been carried out.
    Broken(String),
    /// No answer in so long; the command may have been carried out.
    Late(Duration),
}

impl From<Failed> for RedisError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(message) => Self::Refused(message),
            Failed::Broken(message) => Self::Unavailable(message),
            Failed::Late(timeout) => Self::Unavailable(format!("no answer in {} ms", timeout.as_millis())),
        }
    }
}

impl SpinRedis {
    /// Commands to `redis://user:password@host:port[/database]`; opens nothing yet.
    pub fn new(url: impl Into<String>) -> Self {
        Self { place: (url.into(), false), timeout: TIMEOUT }
    }

    /// The same over one connection more, on which a command may block for as long as `waits`: what follows on it waits,
    /// too, so it is for one caller an instance.
    pub fn blocking(url: impl Into<String>, waits: Duration) -> Self {
        Self { place: (url.into(), true), timeout: waits.saturating_add(TIMEOUT) }
    }

    /// The connection of this instance, opened where there is none. Two requests may open one each at the same time;
    /// the later one stays, the other closes when its call ends.
    async fn connection(&self) -> Result<Arc<Connection>, Failed> {
        if let Some(connection) = open_connections().get(&self.place) {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(Connection::open(&self.place.0).await.map_err(classified)?);
        open_connections().insert(self.place.clone(), Arc::clone(&connection));
        Ok(connection)
    }

    /// Lets go of a connection that broke, unless another request has already put a new one in its place.
    fn forget(&self, broken: &Arc<Connection>) {
        let mut open = open_connections();
        if open.get(&self.place).is_some_and(|current| Arc::ptr_eq(current, broken)) {
            open.remove(&self.place);
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
        match select(call, pin!(spin_sdk::time::sleep(self.timeout))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                // Half-open connections never answer again.
                open_connections().remove(&self.place);
                Err(Failed::Late(self.timeout))
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
