//! Instances that serve HTTP: how many requests one serves, how many at a time, when it is dropped. The pool itself
//! is wasmtime's, the one stock Spin uses too.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use wasmtime::{Engine, Store, StoreContextMut, component::GuestTaskId};
use wasmtime_wasi_http::{
    WasiHttpView as _,
    handler::{HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus},
};

use super::chain::Chain;
use crate::{
    cli::ranges::Range,
    instance::{Grants, Host, Trap},
};

/// How instances are reused; each value is drawn anew for each instance.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    /// Requests in an instance's life. WASI 0.2 components serve one.
    pub total: Range<u64>,
    /// Requests at a time. WASI 0.2 components serve one.
    pub concurrent: Range<u64>,
    /// How long an idle instance is kept.
    pub idle: Range<Duration>,
    /// How long a request may take; None is no limit.
    pub request_timeout: Option<Range<Duration>>,
}

/// Makes instances of one component.
pub struct ComponentHandler {
    /// The engine of the host.
    pub engine: Engine,
    /// The component, linked.
    pub pre: ProxyPre<Host>,
    /// What it is granted.
    pub grants: Arc<Grants>,
    /// Its neighbours.
    pub chain: Arc<Chain>,
    /// How its instances are reused.
    pub reuse: Reuse,
}

impl HandlerState for ComponentHandler {
    type StoreData = Host;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Host, Expiration, Worker>> {
        let trap = Trap::default();
        let host = Host::new(self.grants.clone(), Some(self.chain.clone()), trap.clone());
        let mut store = Store::new(&self.engine, host);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        let request_timeout = self.reuse.request_timeout.map(|range| range.pick());
        let (total, concurrent) = match &self.pre {
            ProxyPre::P2(_) => (1, 1),
            ProxyPre::P3(_) => (self.reuse.total.pick(), self.reuse.concurrent.pick()),
        };
        Ok(Instance {
            store,
            proxy,
            view: Host::http,
            expiration: Expiration {
                component: self.grants.clone(),
                idle: self.reuse.idle.pick(),
                request_timeout,
                trap,
                sleep: None,
            },
            state: Worker {
                component: self.grants.clone(),
                chain: self.chain.clone(),
                total,
                concurrent,
                request_timeout,
            },
        })
    }
}

/// When an instance ends: idle for too long, a request for too long, or trapped by an import.
pub struct Expiration {
    component: Arc<Grants>,
    idle: Duration,
    request_timeout: Option<Duration>,
    trap: Trap,
    /// The moment it waits for and the timer; made at the first need, moved from then on.
    sleep: Option<(tokio::time::Instant, Pin<Box<tokio::time::Sleep>>)>,
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        if let Poll::Ready(reason) = self.trap.poll_sprung(cx) {
            eprintln!("worker of component {} trapped: {reason}", self.component.id);
            return Poll::Ready(());
        }
        let limit = match status {
            WorkerStatus::Idle => Some(self.idle),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.request_timeout,
        };
        let Some(deadline) = limit.and_then(|limit| start.checked_add(limit)) else {
            return Poll::Pending;
        };
        let deadline = deadline.into();
        let (set, sleep) = self.sleep.get_or_insert_with(|| (deadline, Box::pin(tokio::time::sleep_until(deadline))));
        if *set != deadline {
            *set = deadline;
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }
}

/// What an instance still accepts.
pub struct Worker {
    component: Arc<Grants>,
    chain: Arc<Chain>,
    total: u64,
    concurrent: u64,
    request_timeout: Option<Duration>,
}

impl WorkerState for Worker {
    type StoreData = Host;
    type RequestData = ();

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total as u64 >= self.total {
            ShouldAccept::Never
        } else if concurrent as u64 >= self.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Host>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        match self.request_timeout {
            Some(timeout) => Box::pin(tokio::time::sleep(timeout)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, store: Store<Host>, result: wasmtime::Result<()>) {
        if let (Err(error), false) = (result, self.chain.is_ending()) {
            eprintln!("worker of component {} failed: {error:?}", self.component.id);
        }
        drop(store);
    }
}
