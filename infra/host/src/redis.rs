//! The import `spin:redis`: connections to the Redis servers that a component's allowed hosts name.
//!
//! Each `open` is a connection of its own, without pool, reconnect or time-out, as in stock Spin.

use std::{net::SocketAddr, sync::Arc};

use redis::{
    AsyncCommands as _, AsyncConnectionConfig, ErrorKind, RedisError, RedisFuture, RedisResult, Value,
    aio::MultiplexedConnection, io::AsyncDNSResolver,
};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{Accessor, Resource};

use crate::{
    bindings::{SpinImports, redis as wit},
    instance::Host,
    key_value::MAX_ANSWER_BYTES,
    outbound::blocked_networks::BlockedNetworks,
};
use wit::{Error, RedisParameter, RedisResult as Reply};

/// Most connections that one instance may hold open, as in stock Spin.
const MAX_CONNECTIONS: usize = 1024;

/// The connection behind a guest's handle.
pub struct OpenConnection {
    connection: MultiplexedConnection,
    _permit: Option<OwnedSemaphorePermit>,
}

type Answer<A> = wasmtime::Result<Result<A, Error>>;

impl wit::Host for Host {}

impl wit::HostConnection for Host {
    fn drop(&mut self, connection: Resource<OpenConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.redis_connections = self.redis_connections.saturating_sub(1);
        Ok(())
    }
}

impl SpinImports {
    fn connection<T: Send>(
        accessor: &Accessor<T, Self>,
        connection: &Resource<OpenConnection>,
    ) -> wasmtime::Result<MultiplexedConnection> {
        accessor.with(|mut access| Ok(access.get().table.get(connection)?.connection.clone()))
    }
}

impl<T: Send> wit::HostConnectionWithStore<T> for SpinImports {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Answer<Resource<OpenConnection>> {
        let component = accessor.with(|mut access| access.get().component.clone());
        if !component.allowed.allows(&address, "redis") {
            eprintln!(
                "A component tried to open a Redis connection to a destination that its allowed_outbound_hosts do not name."
            );
            return Ok(Err(Error::InvalidAddress));
        }
        let permit = match &component.redis_permits {
            Some(permits) => match permits.clone().acquire_owned().await {
                Ok(permit) => Some(permit),
                Err(_) => return Ok(Err(Error::TooManyConnections)),
            },
            None => None,
        };
        let Ok(client) = redis::Client::open(address.as_str()) else {
            return Ok(Err(Error::InvalidAddress));
        };
        let config = AsyncConnectionConfig::new().set_dns_resolver(Resolver(component.blocked.clone()));
        let connection = match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(other(&error))),
        };
        accessor.with(|mut access| {
            let host = access.get();
            if host.redis_connections >= MAX_CONNECTIONS {
                return Ok(Err(Error::TooManyConnections));
            }
            host.redis_connections += 1;
            Ok(Ok(host.table.push(OpenConnection { connection, _permit: permit })?))
        })
    }

    async fn publish(
        accessor: &Accessor<T, Self>,
        connection: Resource<OpenConnection>,
        channel: String,
        payload: Vec<u8>,
    ) -> Answer<()> {
        let mut connection = Self::connection(accessor, &connection)?;
        Ok(connection.publish::<_, _, ()>(channel, payload).await.map_err(|error| other(&error)))
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        connection: Resource<OpenConnection>,
        key: String,
    ) -> Answer<Option<Vec<u8>>> {
        let mut connection = Self::connection(accessor, &connection)?;
        let value: Result<Option<Vec<u8>>, Error> = connection.get(key).await.map_err(|error| other(&error));
        Ok(value.and_then(|value| within_limit(value.as_ref().map_or(0, Vec::len)).map(|()| value)))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        connection: Resource<OpenConnection>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let mut connection = Self::connection(accessor, &connection)?;
        Ok(connection.set::<_, _, ()>(key, value).await.map_err(|error| other(&error)))
    }

    async fn incr(accessor: &Accessor<T, Self>, connection: Resource<OpenConnection>, key: String) -> Answer<i64> {
        let mut connection = Self::connection(accessor, &connection)?;
        Ok(connection.incr(key, 1).await.map_err(|error| other(&error)))
    }

    async fn del(accessor: &Accessor<T, Self>, connection: Resource<OpenConnection>, keys: Vec<String>) -> Answer<u32> {
        let mut connection = Self::connection(accessor, &connection)?;
        Ok(connection.del(keys).await.map_err(|error| other(&error)))
    }

    async fn sadd(
        accessor: &Accessor<T, Self>,
        connection: Resource<OpenConnection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut connection = Self::connection(accessor, &connection)?;
        Ok(connection.sadd(key, values).await.map_err(|error| typed(&error)))
    }

    async fn smembers(
        accessor: &Accessor<T, Self>,
        connection: Resource<OpenConnection>,
        key: String,
    ) -> Answer<Vec<String>> {
        let mut connection = Self::connection(accessor, &connection)?;
        Ok(connection.smembers(key).await.map_err(|error| other(&error)))
    }

    async fn srem(
        accessor: &Accessor<T, Self>,
        connection: Resource<OpenConnection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut connection = Self::connection(accessor, &connection)?;
        Ok(connection.srem(key, values).await.map_err(|error| typed(&error)))
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        connection: Resource<OpenConnection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Answer<Vec<Reply>> {
        let mut connection = Self::connection(accessor, &connection)?;
        let mut request = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => request.arg(number),
                RedisParameter::Binary(bytes) => request.arg(bytes),
            };
        }
        let answer = request.query_async::<Value>(&mut connection).await.and_then(|value| {
            let mut flat = Vec::new();
            flatten(value, &mut flat)?;
            Ok(flat)
        });
        Ok(answer.map_err(|error| other(&error)).and_then(|flat| {
            within_limit(flat.iter().map(reply_bytes).sum())?;
            Ok(flat)
        }))
    }
}

/// Puts a reply into one flat list; maps and the other shapes that stock Spin refuses are refused here too.
fn flatten(value: Value, flat: &mut Vec<Reply>) -> RedisResult<()> {
    let refused = |shape: &'static str| {
        Err(RedisError::from((ErrorKind::TypeError, "Could not convert Redis response", shape.to_owned())))
    };
    match value {
        Value::Nil => flat.push(Reply::Nil),
        Value::Int(number) => flat.push(Reply::Int64(number)),
        Value::BulkString(bytes) => flat.push(Reply::Binary(bytes)),
        Value::SimpleString(text) => flat.push(Reply::Status(text)),
        Value::Okay => flat.push(Reply::Status("OK".into())),
        Value::Array(values) | Value::Set(values) => {
            for value in values {
                flatten(value, flat)?;
            }
        }
        Value::Double(number) => flat.push(Reply::Binary(number.to_string().into_bytes())),
        Value::Boolean(yes) => flat.push(Reply::Int64(i64::from(yes))),
        Value::Map(_) => return refused("Redis Map type is not supported"),
        Value::Attribute { .. } => return refused("Redis Attribute type is not supported"),
        Value::VerbatimString { .. } => return refused("Redis string with format attribute is not supported"),
        Value::Push { .. } => return refused("Redis Pub/Sub types are not supported"),
        Value::ServerError(error) => return Err(error.into()),
        _ => return refused("this Redis type is not supported"),
    }
    Ok(())
}

fn reply_bytes(reply: &Reply) -> usize {
    size_of::<Reply>()
        + match reply {
            Reply::Nil | Reply::Int64(_) => 0,
            Reply::Binary(bytes) => bytes.len(),
            Reply::Status(text) => text.len(),
        }
}

fn within_limit(bytes: usize) -> Result<(), Error> {
    if bytes > MAX_ANSWER_BYTES {
        return Err(Error::Other(format!("query result exceeds limit of {MAX_ANSWER_BYTES} bytes")));
    }
    Ok(())
}

fn other(error: &RedisError) -> Error {
    Error::Other(error.to_string())
}

/// As [`other`], with the one kind that set operations report by a case of its own: an answer of another shape. The
/// server's own WRONGTYPE is not it, in stock Spin neither.
fn typed(error: &RedisError) -> Error {
    match error.kind() {
        ErrorKind::TypeError => Error::TypeError,
        _ => other(error),
    }
}

/// Resolves host names and leaves the blocked networks out.
struct Resolver(Arc<BlockedNetworks>);

impl AsyncDNSResolver for Resolver {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        host: &'b str,
        port: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let mut addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
            if self.0.remove_blocked(&mut addresses) {
                eprintln!("Redis connection to {host}: all destination IP(s) prohibited by runtime config");
                // Stock Spin hands the client no address, which panics and answers 500; an error is kinder.
                return Err(std::io::Error::from(std::io::ErrorKind::PermissionDenied).into());
            }
            let addresses: Box<dyn Iterator<Item = SocketAddr> + Send> = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}
