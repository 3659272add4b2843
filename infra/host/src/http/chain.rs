//! Requests from one component to another in the same process: `http://<component>.spin.internal/…`.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, uri::Scheme};
use http_body_util::{BodyExt as _, Empty};
use wasmtime_wasi_http::{WasiBody, handler::ProxyHandler};

use super::{
    handler::ComponentHandler,
    headers::{add_spin_headers, complete_uri},
    routes::Match,
};

/// The client address that a chained request shows.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The components with an HTTP trigger, each with its pool of instances.
#[derive(Default)]
pub struct Chain {
    handlers: OnceLock<HashMap<String, ProxyHandler<ComponentHandler>>>,
    own_authority: OnceLock<String>,
    ending: AtomicBool,
}

impl Chain {
    /// Makes the components reachable. Only the first call counts; the handlers hold this chain themselves.
    pub fn connect(&self, handlers: HashMap<String, ProxyHandler<ComponentHandler>>) {
        let _ = self.handlers.set(handlers);
    }

    /// Says where the server listens, for requests of a component to its own application.
    pub fn listens_at(&self, address: SocketAddr) {
        let _ = self.own_authority.set(address.to_string());
    }

    /// Says that the host ends, so that instances dropped from now on are no failures.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Whether the host ends.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// Where the server listens.
    #[must_use]
    pub fn own_authority(&self) -> Option<&String> {
        self.own_authority.get()
    }

    /// Calls `component`; None if there is none of that id. No time-out applies and no loop is noticed, as in stock
    /// Spin.
    pub async fn call(&self, component: &str, mut request: Request<WasiBody>) -> Option<Response<WasiBody>> {
        let handler = self.handlers.get()?.get(component)?;
        let path = request.uri().path().to_owned();
        if let Err(error) = complete_uri(&mut request, Scheme::HTTP) {
            eprintln!("Error processing request: {error:#}");
            return Some(empty(StatusCode::INTERNAL_SERVER_ERROR));
        }
        Some(respond(handler, request, &Match::chained(component, &path), CHAINED_CLIENT).await)
    }

    /// Calls the component that `found` names; an empty 500 if it fails.
    pub async fn route(&self, request: Request<WasiBody>, found: &Match<'_>, client: SocketAddr) -> Response<WasiBody> {
        match self.handlers.get().and_then(|handlers| handlers.get(&found.target.component)) {
            Some(handler) => respond(handler, request, found, client).await,
            None => empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

async fn respond(
    handler: &ProxyHandler<ComponentHandler>,
    mut request: Request<WasiBody>,
    found: &Match<'_>,
    client: SocketAddr,
) -> Response<WasiBody> {
    let response = match add_spin_headers(&mut request, found, client) {
        Ok(()) => handler.handle((), request).await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    response.unwrap_or_else(|error| {
        eprintln!("Error processing request of component {}: {error:#}", found.target.component);
        empty(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

/// A response without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Empty::<Bytes>::new().map_err(Into::into).boxed_unsync());
    *response.status_mut() = status;
    response
}
