//! What tests start beside the system: a Redis server on a free port with its data in a folder of its own, killed and
//! restarted at will, gone when the value is dropped; and an HTTP server for doubles of other people's services.
//!
//! No Redis client lives here; a test brings the one it is about.

pub mod http;

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// A running (or killed) Redis server. Every write is synced to disk before it is answered.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    arguments: Vec<String>,
    dir: tempfile::TempDir,
}

impl RedisServer {
    /// Starts a server with an append-only file, synced at every write.
    ///
    /// # Errors
    /// There is no `redis-server` (the message says how to install it), or it does not answer in 20 s.
    pub fn start() -> io::Result<Self> {
        Self::start_with(&[])
    }

    /// As [`RedisServer::start`], with further arguments such as `["--aclfile", "/path/users.acl"]`.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_with(arguments: &[&str]) -> io::Result<Self> {
        let mut server = Self {
            child: None,
            port: free_port()?,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            dir: tempfile::tempdir()?,
        };
        // Somebody else may take the port between looking and starting: then try the next.
        for attempt in 0.. {
            match server.restart() {
                Ok(()) => return Ok(server),
                Err(error) if error.kind() == io::ErrorKind::NotFound || attempt == 4 => return Err(error),
                Err(_) => server.port = free_port()?,
            }
        }
        Ok(server)
    }

    /// Where it listens on the loopback interface.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address without user and database: `redis://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The folder of its data; kept until the value is dropped.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Kills the server as a power failure would (SIGKILL). Its data stay.
    ///
    /// # Errors
    /// The process cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts the server on its data again, at the same port; kills it first if it runs.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn restart(&mut self) -> io::Result<()> {
        self.kill()?;
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no"])
            .arg("--dir")
            .arg(self.dir.path())
            .arg("--logfile")
            .arg(self.log())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => io::Error::new(
                    io::ErrorKind::NotFound,
                    "redis-server is missing; install it: sudo apt-get install redis-server",
                ),
                _ => error,
            })?;
        self.child = Some(child);
        let looks = START_LIMIT.as_millis() / LOOK_PAUSE.as_millis();
        for _ in 0..looks {
            if self.child.as_mut().map(Child::try_wait).transpose()?.flatten().is_some() {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                return Err(io::Error::other(format!("redis-server ended at once:\n{log}")));
            }
            if self.answers() {
                return Ok(());
            }
            std::thread::sleep(LOOK_PAUSE);
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "redis-server does not answer"))
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("redis.log")
    }

    /// Whether commands are served: neither still loading nor unreachable. A server that wants a password counts.
    fn answers(&self) -> bool {
        let ask = || -> io::Result<bool> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 8];
            let length = stream.read(&mut answer)?;
            let answer = answer.get(..length).unwrap_or_default();
            Ok(answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAUTH") || answer.starts_with(b"-NOPERM"))
        };
        ask().unwrap_or(false)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Nothing more can be done for a process that does not die.
        let _ = self.kill();
    }
}

/// A port that nobody listens at.
///
/// # Errors
/// The loopback interface has none.
pub fn free_port() -> io::Result<u16> {
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
    Err(io::ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &RedisServer, command: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[test]
    fn an_acknowledged_write_survives_a_kill() {
        let mut server = RedisServer::start().unwrap();
        assert_eq!(ask(&server, "SET key value"), "+OK\r\n");
        server.kill().unwrap();
        assert!(!server.answers());
        server.restart().unwrap();
        assert_eq!(ask(&server, "GET key"), "$5\r\nvalue\r\n");
    }
}
