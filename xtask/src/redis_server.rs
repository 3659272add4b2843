//! A Redis of our own: started from `infra/redis/redis.conf` on a free port, in a folder of its own, stopped in order.
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::narration::Stopwatch;
use crate::process;
use crate::resp::{Connection, Reply};
use crate::signals;

/// How long a start may take; loading a large append-only file is part of it.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long an orderly stop may take before the process is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How often a wait looks again.
const GLANCE: Duration = Duration::from_millis(20);

/// A running server and the files that belong to it.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl RedisServer {
    /// The command line: the committed configuration, then what differs here. The password file is named, no password
    /// is on it.
    pub fn command(configuration: &Path, folder: &Path, rules: &Path, port: u16) -> Command {
        let mut command = Command::new("redis-server");
        command
            .arg(configuration)
            .args(["--port", &port.to_string()])
            .arg("--dir")
            .arg(folder)
            .arg("--aclfile")
            .arg(rules)
            .args(["--daemonize", "no"]);
        command
    }

    /// Takes charge of a child that was just started with [`RedisServer::command`] and waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer within a minute; the text has the last lines of its log.
    pub fn wait_until_ready(
        child: Child,
        port: u16,
        log: PathBuf,
        user: &str,
        password: &str,
        give_up: impl Fn() -> bool,
    ) -> anyhow::Result<Self> {
        let mut server = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), log };
        let stopwatch = Stopwatch::start();
        loop {
            if let Some(status) = server.child.try_wait().context("looking after Redis")? {
                bail!("Redis ended at once ({status}):\n{}", process::tail(&server.log));
            }
            if server.answers(user, password) {
                return Ok(server);
            }
            if stopwatch.elapsed() > START_LIMIT || give_up() {
                server.stop();
                bail!("Redis does not answer:\n{}", process::tail(&server.log));
            }
            std::thread::sleep(GLANCE);
        }
    }

    fn answers(&self, user: &str, password: &str) -> bool {
        Connection::open_as(self.address, user, password)
            .and_then(|mut connection| connection.call(&["PING"]))
            .is_ok_and(|reply| reply == Reply::Text("PONG".to_owned()))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed last.
    pub fn last_words(&self) -> String {
        process::tail(&self.log)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Kills it at once, as a power failure does.
    pub fn kill(&mut self) {
        kill_child(&mut self.child);
    }

    /// Stops it: Redis writes what is left and ends; killed when it does not within ten seconds.
    pub fn stop(&mut self) {
        stop_child(&mut self.child, STOP_LIMIT);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Ends a child and its group: asked first, killed after `limit`. Does nothing when it has ended and its group is gone.
pub fn stop_child(child: &mut Child, limit: Duration) {
    let process_id = child.id();
    signals::terminate_group(process_id);
    let stopwatch = Stopwatch::start();
    while stopwatch.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(_)) | Err(_) => return,
            Ok(None) => std::thread::sleep(GLANCE),
        }
    }
    signals::kill_group(process_id);
    let _ = child.wait();
}

/// Kills a child and its group at once, and waits until it is gone.
pub fn kill_child(child: &mut Child) {
    signals::kill_group(child.id());
    let _ = child.wait();
}

/// A port that nobody listens at.
///
/// # Errors
/// When the machine has none.
pub fn free_port() -> anyhow::Result<u16> {
    /// Below the ports that systems give to connections of their own (from 32768), and above those of known services: a
    /// port that is free now stays free until its server listens, and while that is killed and started again.
    const FIRST: u16 = 10_000;
    const COUNT: u32 = 20_000;
    /// Processes that look at once, each with a number of its own, begin this far from one another.
    const STRIDE: u32 = 7919;
    static LOOKED: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        let looked = LOOKED.fetch_add(1, Ordering::Relaxed);
        let place = std::process::id().wrapping_mul(STRIDE).wrapping_add(looked) % COUNT;
        let port = FIRST + u16::try_from(place).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("looking for a free port: none from {FIRST} on is free")
}
