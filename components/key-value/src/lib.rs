//! Port: one key-value store that holds bodies, each written once under a key never reused.
//!
//! No time-to-live, no compare-and-swap, no batch: stock Spin's are unusable and nothing here needs them.

mod memory;

pub use memory::MemoryKeyValue;

use async_trait::async_trait;

/// Why the store has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueError {
    /// The backend is gone, slow or full: a write may or may not have happened.
    #[error("the key-value store did not answer: {0}")]
    Unavailable(String),
    /// The component was not granted this store, or the store does not exist.
    #[error("the key-value store is closed to this component: {0}")]
    Denied(String),
}

/// One store, granted to one component.
#[async_trait]
pub trait KeyValue: Send + Sync {
    /// The value, or nothing.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError>;
    /// Writes the value, durable at least as Redis is.
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError>;
    /// Removes the value; not an error where there is none.
    async fn delete(&self, key: &str) -> Result<(), KeyValueError>;
    /// Every key. For maintenance only: its cost grows with the store, and on SQLite nothing may be read before the
    /// walk has ended (the host would wait for itself).
    async fn keys(&self) -> Result<Vec<String>, KeyValueError>;
}
