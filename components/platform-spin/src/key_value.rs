//! A key-value store over the host: opened once an instance and label, kept in a static.

use async_trait::async_trait;
use core::pin::pin;
use core::time::Duration;
use futures::future::{Either, select};
use key_value::{KeyValue, KeyValueError};
use spin_sdk::key_value::{Error, Store};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long one call may take: a file's synchronisation queues behind others.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long a walk over all keys may take.
const WALK_TIMEOUT: Duration = Duration::from_secs(60);

/// The open stores of this instance, by label.
static OPEN: Mutex<BTreeMap<String, Arc<Store>>> = Mutex::new(BTreeMap::new());

/// Never held across an await.
fn open_stores() -> MutexGuard<'static, BTreeMap<String, Arc<Store>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store behind one label, which the manifest must grant.
#[derive(Clone)]
pub struct SpinKeyValue {
    label: String,
}

impl SpinKeyValue {
    /// The store behind a label such as `payments`; opens nothing yet.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into() }
    }

    async fn store(&self) -> Result<Arc<Store>, KeyValueError> {
        if let Some(store) = open_stores().get(&self.label) {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(Store::open(&self.label).await.map_err(classified)?);
        open_stores().insert(self.label.clone(), Arc::clone(&store));
        Ok(store)
    }

    /// Does something twice at most: all three calls do no harm twice, and the host mends a broken connection of its
    /// own only after a call has failed on it.
    async fn attempt<T, F>(&self, timeout: Duration, act: impl Fn(Arc<Store>) -> F + Send) -> Result<T, KeyValueError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let calls = pin!(async {
            match act(self.store().await?).await {
                Err(Error::Other(_) | Error::StoreTableFull) => {
                    open_stores().remove(&self.label);
                    act(self.store().await?).await.map_err(classified)
                }
                answer => answer.map_err(classified),
            }
        });
        match select(calls, pin!(spin_sdk::time::sleep(timeout))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                Err(KeyValueError::Unavailable(format!("no answer in {} ms", timeout.as_millis())))
            }
        }
    }
}

#[async_trait]
impl KeyValue for SpinKeyValue {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.attempt(TIMEOUT, |store| async move { store.get(key).await }).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        let value = value.as_slice();
        self.attempt(TIMEOUT, |store| async move { store.set(key, value).await }).await
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.attempt(TIMEOUT, |store| async move { store.delete(key).await }).await
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.attempt(WALK_TIMEOUT, |store| async move { store.get_keys().await.collect().await }).await
    }
}

fn classified(error: Error) -> KeyValueError {
    match error {
        Error::NoSuchStore => KeyValueError::Denied("there is no store with this label".to_owned()),
        Error::AccessDenied => KeyValueError::Denied("the manifest does not grant this label".to_owned()),
        Error::StoreTableFull => KeyValueError::Unavailable("too many stores are open".to_owned()),
        Error::Other(message) => KeyValueError::Unavailable(message),
    }
}
