//! A few words of Redis's protocol (RESP2), enough for the pulse, a start-up check and the attacks of the tests.
//!
//! A client library would be ten times the code that xtask compiles on a fresh machine; this is one blocking
//! connection without a pool and without reconnecting.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// How long one command may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An answer of Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`, or a bulk string.
    Text(String),
    /// A number.
    Integer(i64),
    /// Nothing there.
    Nil,
    /// A list.
    List(Vec<Reply>),
    /// A refusal, with Redis's own words (`NOPERM …`).
    Refusal(String),
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to a server.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT).context("connecting to Redis")?;
        stream.set_read_timeout(Some(TIMEOUT)).context("limiting reads")?;
        stream.set_write_timeout(Some(TIMEOUT)).context("limiting writes")?;
        stream.set_nodelay(true).context("switching off Nagle's algorithm")?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Connects and says who is there.
    ///
    /// # Errors
    /// When nobody listens, or the password is wrong.
    pub fn open_as(address: SocketAddr, user: &str, password: &str) -> anyhow::Result<Self> {
        let mut connection = Self::open(address)?;
        match connection.call(&["AUTH", user, password])? {
            Reply::Refusal(words) => bail!("Redis refused user {user}: {words}"),
            _ => Ok(connection),
        }
    }

    /// Sends one command and waits for its answer. A refusal is an answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is none of RESP2.
    pub fn call(&mut self, words: &[&str]) -> anyhow::Result<Reply> {
        let mut message = format!("*{}\r\n", words.len());
        for word in words {
            message.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.get_mut().write_all(message.as_bytes()).context("writing to Redis")?;
        self.reply()
    }

    /// Waits for what Redis sends next: a message of a channel that was subscribed to.
    ///
    /// # Errors
    /// When the connection breaks or nothing comes within five seconds.
    pub fn next_message(&mut self) -> anyhow::Result<Reply> {
        self.reply()
    }

    fn reply(&mut self) -> anyhow::Result<Reply> {
        let line = self.line()?;
        let Some((kind, rest)) = line.split_at_checked(1) else {
            bail!("Redis answered with an empty line");
        };
        match kind {
            "+" => Ok(Reply::Text(rest.to_owned())),
            "-" => Ok(Reply::Refusal(rest.to_owned())),
            ":" => Ok(Reply::Integer(rest.parse().context("an integer of Redis")?)),
            "$" => self.bulk(rest.parse().context("a length of Redis")?),
            "*" => {
                let length: i64 = rest.parse().context("a length of Redis")?;
                if length < 0 {
                    return Ok(Reply::Nil);
                }
                (0..length).map(|_| self.reply()).collect::<anyhow::Result<_>>().map(Reply::List)
            }
            other => bail!("Redis answered with an unknown kind {other:?}"),
        }
    }

    fn bulk(&mut self, length: i64) -> anyhow::Result<Reply> {
        let Ok(length) = usize::try_from(length) else {
            return Ok(Reply::Nil);
        };
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).context("reading from Redis")?;
        self.line()?;
        Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).context("reading from Redis")? == 0 {
            bail!("Redis closed the connection");
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
