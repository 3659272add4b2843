//! The SQLite backend, `type = "spin"`: one connection behind one lock a label, in stock Spin's table, so that both
//! read each other's files.
//!
//! As in stock Spin a walk over the keys holds the lock until its reader has taken them all: a component that reads
//! a value inside the walk waits for itself. Collect the names first.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::Context as _;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _};
use tokio::{
    sync::{mpsc, oneshot},
    task,
};

use super::{Backend, Error, MAX_ANSWER_BYTES, Store, failed};

/// How long a write waits for the other process that has the file open.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Stores in one SQLite file, or in memory.
pub struct Sqlite {
    /// None: in memory.
    path: Option<PathBuf>,
    connection: OnceLock<Arc<Mutex<Connection>>>,
}

impl Sqlite {
    /// A backend at `path`, whose folder is created if it is missing; in memory without a path.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn new(path: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(folder) = path.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        Ok(Self { path, connection: OnceLock::new() })
    }

    fn connection(&self) -> Result<Arc<Mutex<Connection>>, Error> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection.clone());
        }
        let connection = match &self.path {
            Some(path) => Connection::open(path),
            None => Connection::open_in_memory(),
        }
        .map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        connection
            .execute(
                "CREATE TABLE IF NOT EXISTS spin_key_value (
                   store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))",
                [],
            )
            .map_err(failed)?;
        // Two may open at once; the first stays.
        Ok(self.connection.get_or_init(|| Arc::new(Mutex::new(connection))).clone())
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn open(&self, label: &str) -> Result<Arc<dyn Store>, Error> {
        let connection = task::block_in_place(|| self.connection())?;
        Ok(Arc::new(SqliteStore { label: label.to_owned(), connection }))
    }
}

struct SqliteStore {
    label: String,
    connection: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    fn run<A>(&self, work: impl FnOnce(&Connection, &str) -> rusqlite::Result<A>) -> Result<A, Error> {
        task::block_in_place(|| {
            let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection, &self.label).map_err(failed)
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.run(|connection, label| {
            connection
                .prepare_cached("SELECT value FROM spin_key_value WHERE store=$1 AND key=$2")?
                .query_row([label, key], |row| row.get(0))
                .optional()
        })
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.run(|connection, label| {
            connection
                .prepare_cached(
                    "INSERT INTO spin_key_value (store, key, value) VALUES ($1, $2, $3)
                     ON CONFLICT(store, key) DO UPDATE SET value=$3",
                )?
                .execute(rusqlite::params![label, key, value])
                .map(drop)
        })
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.run(|connection, label| {
            connection
                .prepare_cached("DELETE FROM spin_key_value WHERE store=$1 AND key=$2")?
                .execute([label, key])
                .map(drop)
        })
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.run(|connection, label| {
            connection.prepare_cached("SELECT 1 FROM spin_key_value WHERE store=$1 AND key=$2")?.exists([label, key])
        })
    }

    async fn keys(&self) -> (mpsc::Receiver<String>, oneshot::Receiver<Result<(), Error>>) {
        let (keys, taken) = mpsc::channel(4);
        let (end, ended) = oneshot::channel();
        let (label, connection) = (self.label.clone(), self.connection.clone());
        task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            // A guest that dropped the future does not want to know.
            let _ = end.send(walk(&connection, &label, &keys));
        });
        (taken, ended)
    }
}

fn walk(connection: &Connection, label: &str, keys: &mpsc::Sender<String>) -> Result<(), Error> {
    let mut statement = connection.prepare_cached("SELECT key FROM spin_key_value WHERE store=$1").map_err(failed)?;
    let mut rows = statement.query([label]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let key: String = row.get(0).map_err(failed)?;
        if key.len() > MAX_ANSWER_BYTES {
            return Err(Error::Other(format!("query result exceeds limit of {MAX_ANSWER_BYTES} bytes")));
        }
        keys.blocking_send(key).map_err(failed)?;
    }
    Ok(())
}
