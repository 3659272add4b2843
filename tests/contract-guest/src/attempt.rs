//! What the guest `prober` is asked to try and what it says of it: JSON in both directions.
//!
//! The test that asks (`tests/tests/component_grants`) takes this file in, so that both speak of the same things.

use serde::{Deserialize, Serialize};

/// One thing to try.
///
/// **Shape**: `{"redis":{"url":"redis://127.0.0.1:6379","command":["GET","key"]}}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Open a store and read one key.
    Read {
        /// The store's label.
        label: String,
        /// The key.
        key: String,
    },
    /// Open a store and write one key.
    Write {
        /// The store's label.
        label: String,
        /// The key.
        key: String,
    },
    /// Send one command; all commands to one URL share a connection.
    Redis {
        /// Where to, and as whom.
        url: String,
        /// The command and its arguments.
        command: Vec<String>,
    },
    /// Read a variable.
    Variable(String),
    /// Send a GET.
    Http(String),
    /// Open a socket, past every import of Spin's: `127.0.0.1:6379`.
    Tcp(String),
    /// Send a datagram likewise.
    Udp(String),
    /// List what lies in a folder.
    Folder(String),
    /// List the variables of the environment.
    Environment,
}

/// What became of it.
///
/// **Shape**: `{"done":"the value"}`, `"denied"`, `{"failed":"NOPERM: …"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done; what came back, empty where nothing did.
    Done(String),
    /// The host refused before it did anything.
    Denied,
    /// The host tried, and this is what it says of it: the other side's refusal, a connection that broke.
    Failed(String),
}
