//! What one instance of a component holds and may touch: the data of its wasmtime store.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::sync::Semaphore;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView, sockets::SocketAddrUse};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    http::chain::Chain,
    key_value::Backends,
    outbound::{
        allowed_hosts::AllowedHosts,
        blocked_networks::BlockedNetworks,
        http::{HttpClients, Outbound},
    },
    stdio::Output,
};

/// Everything granted to a component, resolved once and shared by its instances.
pub struct Grants {
    /// The component's id.
    pub id: String,
    /// Its variables, templates filled.
    pub variables: HashMap<String, String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Labels it may open.
    pub stores: BTreeSet<String>,
    /// Backends of the application by label.
    pub backends: Arc<Backends>,
    /// Hosts it may reach.
    pub allowed: Arc<AllowedHosts>,
    /// Networks that nobody may reach.
    pub blocked: Arc<BlockedNetworks>,
    /// Outbound HTTP connections of the application.
    pub clients: Arc<HttpClients>,
    /// Permits for outbound Redis connections, if they are limited.
    pub redis_permits: Option<Arc<Semaphore>>,
    /// Where it prints.
    pub stdout: Output,
    /// Where it complains.
    pub stderr: Output,
}

/// The data of one instance.
pub struct Host {
    /// What the component is granted.
    pub component: Arc<Grants>,
    /// Handles that the guest holds.
    pub table: ResourceTable,
    /// Outbound Redis connections that it holds open.
    pub redis_connections: usize,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

impl Host {
    /// The data of a new instance. Without a `chain` neighbours are out of reach, as for components that stock Spin
    /// wakes by Redis.
    #[must_use]
    pub fn new(component: Arc<Grants>, chain: Option<Arc<Chain>>, trap: Trap) -> Self {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(component.stdout.clone()).stderr(component.stderr.clone());
        for (name, value) in &component.environment {
            wasi.env(name, value);
        }
        // Off by default in this engine and on in Spin's, which asks the grants for each address; look-up is off in both.
        wasi.allow_tcp(true).allow_udp(true);
        let grants = component.clone();
        wasi.socket_addr_check(move |address, purpose| {
            let admitted = admits_socket(&grants, address, purpose);
            Box::pin(async move { admitted })
        });
        let outbound = Outbound { allowed: component.allowed.clone(), clients: component.clients.clone(), chain, trap };
        Self {
            component,
            table: ResourceTable::new(),
            redis_connections: 0,
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound,
        }
    }
}

fn admits_socket(grants: &Grants, address: SocketAddr, purpose: SocketAddrUse) -> bool {
    let scheme = match purpose {
        SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => return false,
        // Every connect binds its socket to any free port first; a port of one's own choice is a server's.
        SocketAddrUse::TcpBind => return address.ip().is_unspecified() && address.port() == 0,
        SocketAddrUse::TcpConnect => "tcp",
        SocketAddrUse::UdpBind | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => "udp",
    };
    grants.allowed.allows(&format!("{scheme}://{address}"), scheme) && !grants.blocked.blocks(address.ip())
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Ends an instance from within one of its imports.
///
/// wasi:http's hooks can only answer with an error code, where stock Spin traps the caller (an unknown chaining
/// target); the worker polls this beside the guest and drops the instance with all its requests.
#[derive(Clone, Default)]
pub struct Trap(Arc<Mutex<Sprung>>);

#[derive(Default)]
struct Sprung {
    reason: Option<String>,
    waker: Option<Waker>,
}

impl Trap {
    /// Ends the instance. The caller must not come back to the guest.
    pub fn spring(&self, reason: String) {
        let mut sprung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sprung.reason = Some(reason);
        if let Some(waker) = sprung.waker.take() {
            waker.wake();
        }
    }

    /// Ready with the reason once [`Trap::spring`] was called.
    pub fn poll_sprung(&self, cx: &mut Context<'_>) -> Poll<String> {
        let mut sprung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = sprung.reason.take() {
            return Poll::Ready(reason);
        }
        if !sprung.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            sprung.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}
