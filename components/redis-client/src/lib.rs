//! Port: commands to one Redis server.
//!
//! What lives here: the command call and its plain replies. What does not: key names, scripts, connections. Replies
//! are as poor as stock Spin's (flat, no maps), so scripts answer with one packed string.

use async_trait::async_trait;

/// One argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// An integer, written in decimal.
    Integer(i64),
    /// Anything else, sent as it is.
    Bytes(Vec<u8>),
}

impl From<i64> for Argument {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<Vec<u8>> for Argument {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

/// One element of an answer; nested arrays arrive flattened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing there.
    Nil,
    /// A status line such as `OK`.
    Status(String),
    /// An integer.
    Integer(i64),
    /// A string, as bytes.
    Bytes(Vec<u8>),
}

/// Whether a command may be sent again on a new connection after its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Doing it twice is as good as once: reads, and scripts that recognise their own earlier run.
    Safe,
    /// Doing it twice would do harm: the error goes to the caller.
    Never,
}

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// No connection, no answer in time, or the connection broke: it may or may not have been carried out.
    #[error("redis did not answer: {0}")]
    Unavailable(String),
    /// The server answered with an error: `NOSCRIPT`, `NOPERM`, `MISCONF`, `OOM`, or a script's own.
    #[error("redis refused the command: {0}")]
    Refused(String),
}

impl RedisError {
    /// Whether the server does not know the script of an EVALSHA.
    pub fn is_unknown_script(&self) -> bool {
        matches!(self, Self::Refused(message) if message.contains("NOSCRIPT") || message.contains("No matching script"))
    }
}

/// Commands to one Redis server over one shared connection.
#[async_trait]
pub trait Redis: Send + Sync {
    /// Sends one command and waits for its answer, at most as long as the adapter's time-out.
    ///
    /// # Errors
    /// [`RedisError::Unavailable`] when there is no answer, [`RedisError::Refused`] when the answer is an error.
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError>;
}
