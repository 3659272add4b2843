//! The import `spin:key-value`: stores opened by label, granted per component, kept by one of two backends.
//!
//! Which backend a label has is the runtime configuration's business ([`crate::runtime_config`]).

pub mod redis;
pub mod sqlite;

use std::{
    collections::{BTreeSet, HashMap},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use anyhow::ensure;
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use wasmtime::{
    StoreContextMut,
    component::{Accessor, Destination, FutureReader, Resource, StreamProducer, StreamReader, StreamResult, VecBuffer},
};

use crate::{
    bindings::{SpinImports, key_value as wit},
    instance::Host,
    manifest::Component,
};

pub use wit::Error;

/// Most bytes that one answer may have, as in stock Spin.
pub const MAX_ANSWER_BYTES: usize = 128 << 20;

/// Where a label's values lie.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Opens the store `label`, connecting if that has not happened yet.
    async fn open(&self, label: &str) -> Result<Arc<dyn Store>, Error>;
}

/// An open store.
#[async_trait]
pub trait Store: Send + Sync {
    /// The value of `key`.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Writes the value of `key`.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), Error>;
    /// Removes `key`, whether it is there or not.
    async fn delete(&self, key: &str) -> Result<(), Error>;
    /// Whether `key` has a value.
    async fn exists(&self, key: &str) -> Result<bool, Error>;
    /// All keys, one by one, and how the walk ended.
    async fn keys(&self) -> (mpsc::Receiver<String>, oneshot::Receiver<Result<(), Error>>);
}

/// The store behind a guest's handle.
pub struct OpenStore(Arc<dyn Store>);

/// Backends by label.
pub type Backends = HashMap<String, Arc<dyn Backend>>;

/// Checks that every label a component is granted has a backend.
///
/// # Errors
/// Names the first that has none.
pub fn check_labels(id: &str, component: &Component, backends: &Backends) -> anyhow::Result<BTreeSet<String>> {
    for label in &component.key_value_stores {
        ensure!(
            backends.contains_key(label),
            "unknown key_value_stores label {label:?} for component {id:?}: give it a [key_value_store.{label}] in the runtime configuration file"
        );
    }
    Ok(component.key_value_stores.iter().cloned().collect())
}

/// A failure of a backend as the guest sees it; the host's own log has it too.
pub(crate) fn failed(error: impl std::fmt::Display) -> Error {
    eprintln!("key-value error: {error}");
    Error::Other(error.to_string())
}

fn bounded(value: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Error> {
    if value.as_ref().is_some_and(|value| value.len() > MAX_ANSWER_BYTES) {
        return Err(Error::Other(format!("query result exceeds limit of {MAX_ANSWER_BYTES} bytes")));
    }
    Ok(value)
}

impl wit::Host for Host {}

impl wit::HostStore for Host {
    fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl SpinImports {
    fn store<T: Send>(accessor: &Accessor<T, Self>, store: &Resource<OpenStore>) -> wasmtime::Result<Arc<dyn Store>> {
        accessor.with(|mut access| Ok(access.get().table.get(store)?.0.clone()))
    }
}

impl<T: Send> wit::HostStoreWithStore<T> for SpinImports {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> wasmtime::Result<Result<Resource<OpenStore>, Error>> {
        let component = accessor.with(|mut access| access.get().component.clone());
        if !component.stores.contains(&label) {
            return Ok(Err(Error::AccessDenied));
        }
        let Some(backend) = component.backends.get(&label) else {
            return Ok(Err(Error::NoSuchStore));
        };
        match backend.open(&label).await {
            Ok(store) => accessor.with(|mut access| Ok(Ok(access.get().table.push(OpenStore(store))?))),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let store = Self::store(accessor, &store)?;
        Ok(store.get(&key).await.and_then(bounded))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = Self::store(accessor, &store)?;
        Ok(store.set(&key, &value).await)
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        let store = Self::store(accessor, &store)?;
        Ok(store.delete(&key).await)
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        let store = Self::store(accessor, &store)?;
        Ok(store.exists(&key).await)
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let store = Self::store(accessor, &store)?;
        let (keys, ended) = store.keys().await;
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, Keys(keys))?;
            let ended = FutureReader::new(&mut access, async move { wasmtime::error::Ok(ended.await?) })?;
            Ok((keys, ended))
        })
    }
}

/// Hands the keys of a walk to the guest's stream.
struct Keys(mpsc::Receiver<String>);

impl<D> StreamProducer<D> for Keys {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of no items asks whether there will be any: stay ready.
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        match self.0.poll_recv(cx) {
            Poll::Ready(Some(key)) => {
                destination.set_buffer(vec![key].into());
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Poll::Ready(None) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
        }
    }
}
