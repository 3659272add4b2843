//! Stands in the place of any component and tries what it is told to: POST a list of attempts, get the list of what
//! became of each. A GET is answered with where it arrived, so that probers can reach one another.
//!
//! It knows neither what is granted nor what ought to be: the test that asks does.
#![cfg(target_family = "wasm")]

use contract_guest::attempt::{Attempt, Outcome};
use contract_guest::text;
use core::pin::pin;
use core::time::Duration;
use futures::future::{Either, select};
use http_body_util::BodyExt as _;
use spin_sdk::http::{EmptyBody, IntoResponse, Request, StatusCode};
use spin_sdk::http_service;
use spin_sdk::key_value::{self, Store};
use spin_sdk::redis::{self, Connection, RedisParameter, RedisResult};
use spin_sdk::variables;
use spin_sdk::wasip3::http::types::ErrorCode;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{TcpStream, UdpSocket};

/// How long one attempt may take: a host that lets it pass may have nobody to talk to.
const LIMIT: Duration = Duration::from_secs(2);

#[http_service]
async fn prober(request: Request) -> impl IntoResponse {
    if request.method() == http::Method::GET {
        return text(StatusCode::OK, request.uri().path());
    }
    let attempts = match request.into_body().collect().await {
        Ok(body) => serde_json::from_slice::<Vec<Attempt>>(&body.to_bytes()).map_err(|error| error.to_string()),
        Err(error) => Err(format!("{error:?}")),
    };
    let attempts = match attempts {
        Ok(attempts) => attempts,
        Err(error) => return text(StatusCode::BAD_REQUEST, error),
    };
    let mut connections = BTreeMap::new();
    let mut outcomes = Vec::new();
    for attempt in attempts {
        let made = pin!(made(attempt, &mut connections));
        outcomes.push(match select(made, pin!(spin_sdk::time::sleep(LIMIT))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => Outcome::Failed(format!("nothing happened in {} s", LIMIT.as_secs())),
        });
    }
    match serde_json::to_string(&outcomes) {
        Ok(outcomes) => text(StatusCode::OK, outcomes),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

async fn made(attempt: Attempt, connections: &mut BTreeMap<String, Connection>) -> Outcome {
    match attempt {
        Attempt::Read { label, key } => match Store::open(label).await {
            Ok(store) => of_store(store.get(key).await.map(Option::unwrap_or_default)),
            Err(error) => of_store(Err(error)),
        },
        Attempt::Write { label, key } => match Store::open(label).await {
            Ok(store) => of_store(store.set(key, "written").await.map(|()| Vec::new())),
            Err(error) => of_store(Err(error)),
        },
        Attempt::Redis { url, command } => commanded(url, &command, connections).await,
        Attempt::Variable(name) => match variables::get(name).await {
            Ok(value) => Outcome::Done(value),
            Err(variables::Error::Undefined(_)) => Outcome::Denied,
            Err(error) => Outcome::Failed(error.to_string()),
        },
        Attempt::Http(url) => reached(&url).await,
        Attempt::Tcp(address) => of_system(TcpStream::connect(address).map(|_| String::new())),
        Attempt::Udp(address) => {
            let sent = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"prober", address));
            of_system(sent.map(|_| String::new()))
        }
        Attempt::Folder(path) => of_system(std::fs::read_dir(path).map(|entries| {
            let names: Vec<_> = entries.flatten().map(|entry| entry.path().display().to_string()).collect();
            names.join(" ")
        })),
        Attempt::Environment => {
            let names: Vec<_> = std::env::vars_os().map(|(name, _)| name.display().to_string()).collect();
            Outcome::Done(names.join(" "))
        }
    }
}

async fn commanded(url: String, command: &[String], connections: &mut BTreeMap<String, Connection>) -> Outcome {
    let Some((name, arguments)) = command.split_first() else {
        return Outcome::Failed("a command without a name".to_owned());
    };
    if !connections.contains_key(&url) {
        match Connection::open(&url).await {
            Ok(connection) => connections.insert(url.clone(), connection),
            Err(redis::Error::InvalidAddress) => return Outcome::Denied,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
    }
    let Some(connection) = connections.get(&url) else {
        return Outcome::Failed("the connection is gone".to_owned());
    };
    let arguments = arguments.iter().map(|argument| RedisParameter::Binary(argument.as_bytes().to_vec()));
    match connection.execute(name, arguments).await {
        Ok(replies) => Outcome::Done(replies.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Err(redis::Error::Other(message)) => Outcome::Failed(message),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn shown(reply: &RedisResult) -> String {
    match reply {
        RedisResult::Nil => String::new(),
        RedisResult::Status(status) => status.clone(),
        RedisResult::Int64(number) => number.to_string(),
        RedisResult::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

async fn reached(url: &str) -> Outcome {
    let request = match http::Request::get(url).body(EmptyBody::new()) {
        Ok(request) => request,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    match spin_sdk::http::send(request).await {
        Ok(response) => Outcome::Done(response.status().as_u16().to_string()),
        Err(ErrorCode::HttpRequestDenied) => Outcome::Denied,
        Err(error) => Outcome::Failed(format!("{error:?}")),
    }
}

fn of_store(result: Result<Vec<u8>, key_value::Error>) -> Outcome {
    match result {
        Ok(value) => Outcome::Done(String::from_utf8_lossy(&value).into_owned()),
        Err(key_value::Error::NoSuchStore | key_value::Error::AccessDenied) => Outcome::Denied,
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// What the system's own calls say: a permission that lacks is the host's refusal.
fn of_system(result: std::io::Result<String>) -> Outcome {
    match result {
        Ok(found) => Outcome::Done(found),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Outcome::Denied,
        Err(error) => Outcome::Failed(format!("{:?}: {error}", error.kind())),
    }
}
