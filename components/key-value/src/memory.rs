//! Test double: a map behind a mutex.

use crate::{KeyValue, KeyValueError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryKeyValue(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl MemoryKeyValue {
    fn map(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyValue for MemoryKeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        Ok(self.map().get(key).cloned())
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        self.map().insert(key.to_owned(), value);
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.map().remove(key);
        Ok(())
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        Ok(self.map().keys().cloned().collect())
    }
}
