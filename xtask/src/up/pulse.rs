//! The pulse: one message a second that wakes every worker, so that a missed bell costs a second and no event.
use std::net::SocketAddr;
use std::time::Duration;

use super::redis::Redis;
use crate::narration::Stopwatch;
use crate::resp::{Connection, Reply};

/// The channel that workers listen on besides their bell.
const CHANNEL: &str = "pulse";

/// What tells a worker, which sees no channel's name, that this is the pulse: it looks after what waits, too.
const PAYLOAD: &str = "pulse";

/// The time between two rings.
const INTERVAL: Duration = Duration::from_secs(1);

/// Who rings, and when last.
#[derive(Debug)]
pub struct Pulse {
    address: SocketAddr,
    user: String,
    password: String,
    connection: Option<Connection>,
    last: Option<Stopwatch>,
}

impl Pulse {
    /// Nothing is sent yet.
    pub fn new(redis: &Redis) -> Self {
        let (user, password) = redis.pulse_credentials();
        Self {
            address: redis.address(),
            user: user.to_owned(),
            password: password.to_owned(),
            connection: None,
            last: None,
        }
    }

    /// Rings when a second is over. A Redis that is away is tried again a second later: the pulse has no memory.
    pub fn ring_when_due(&mut self) {
        if self.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            return;
        }
        self.last = Some(Stopwatch::start());
        if self.connection.is_none() {
            self.connection = self.connect().ok();
        }
        let rung = self
            .connection
            .as_mut()
            .is_some_and(|connection| matches!(connection.call(&["PUBLISH", CHANNEL, PAYLOAD]), Ok(Reply::Integer(_))));
        if !rung {
            self.connection = None;
        }
    }

    fn connect(&self) -> anyhow::Result<Connection> {
        match (self.user.as_str(), self.password.as_str()) {
            ("", "") => Connection::open(self.address),
            ("", password) => Connection::open_as(self.address, "default", password),
            (user, password) => Connection::open_as(self.address, user, password),
        }
    }
}
