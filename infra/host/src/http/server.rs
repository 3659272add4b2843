//! The HTTP server: accepts connections, routes requests, sheds what is too much, drains when told to.

use std::{collections::HashMap, convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use wasmtime_wasi_http::{
    Error, WasiBody,
    handler::{ProxyHandler, ProxyPre},
    p2::bindings::ProxyPre as P2Pre,
    p3::bindings::ServicePre as P3Pre,
};

use super::{
    chain::{Chain, empty},
    handler::{ComponentHandler, Reuse},
    headers::{complete_uri, strip_forbidden},
    routes::{Routes, WELL_KNOWN_PREFIX},
};
use crate::app::App;

/// Pause after a failed accept, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The HTTP side of an application.
pub struct Server {
    routes: Routes,
    chain: Arc<Chain>,
    /// The answer of `/.well-known/spin/info`.
    info: Bytes,
    /// Requests at a time before the server sheds; None is no limit, as in stock Spin.
    permits: Option<Semaphore>,
}

impl Server {
    /// Readies the components that have an HTTP trigger.
    ///
    /// # Errors
    /// A route is malformed, or a component exports neither `wasi:http/handler@0.3` nor `incoming-handler@0.2`.
    pub fn new(app: &App, reuse: Reuse, max_concurrent_requests: Option<usize>) -> anyhow::Result<Self> {
        let chain = Arc::new(Chain::default());
        let mut handlers = HashMap::new();
        for trigger in &app.http {
            let id = &trigger.component;
            let component = app.components.get(id).with_context(|| format!("component {id} was not loaded"))?;
            let pre = match P3Pre::new(component.pre.clone()) {
                Ok(pre) => ProxyPre::P3(pre),
                Err(_) => ProxyPre::P2(P2Pre::new(component.pre.clone()).map_err(anyhow::Error::from).with_context(|| {
                    format!("component {id} has an HTTP trigger but exports neither wasi:http/handler@0.3.0 nor wasi:http/incoming-handler@0.2")
                })?),
            };
            let handler = ComponentHandler {
                engine: app.engine.clone(),
                pre,
                grants: component.grants.clone(),
                chain: chain.clone(),
                reuse,
            };
            handlers.insert(id.clone(), ProxyHandler::new(handler));
        }
        chain.connect(handlers);
        let mut info = serde_json::json!({ "name": app.name });
        if let (false, Some(object)) = (app.version.is_empty(), info.as_object_mut()) {
            object.insert("version".into(), app.version.clone().into());
        }
        Ok(Self {
            routes: Routes::new(&app.http)?,
            chain,
            info: serde_json::to_vec_pretty(&info)?.into(),
            permits: max_concurrent_requests.map(Semaphore::new),
        })
    }

    /// The routes, for the start message.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Serves until `draining` turns true, then until the requests in flight are answered. The caller bounds that.
    ///
    /// # Errors
    /// None today: failed accepts are logged and survived.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        mut draining: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        self.chain.listens_at(listener.local_addr()?);
        let mut connections = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, client)) => {
                        // Without it a head and a body that leave apart wait for each other on keep-alive connections.
                        let _ = stream.set_nodelay(true);
                        connections.spawn(self.clone().serve_connection(stream, client, draining.clone()));
                    }
                    Err(error) => {
                        eprintln!("cannot accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = told(&mut draining) => break,
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
        self.chain.end();
        Ok(())
    }

    async fn serve_connection(
        self: Arc<Self>,
        stream: TcpStream,
        client: SocketAddr,
        mut draining: watch::Receiver<bool>,
    ) {
        let service = service_fn(|request| self.answer(request, client));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        // Broken connections are the client's affair.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = told(&mut draining) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }

    async fn answer(&self, mut request: Request<Incoming>, client: SocketAddr) -> anyhow::Result<Response<WasiBody>> {
        strip_forbidden(&mut request);
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN_PREFIX) {
            return Ok(self.well_known(name));
        }
        let Some(found) = self.routes.find(&path) else {
            return Ok(empty(StatusCode::NOT_FOUND));
        };
        let _permit = match &self.permits {
            Some(permits) => match permits.try_acquire() {
                Ok(permit) => Some(permit),
                Err(_) => return Ok(shed()),
            },
            None => None,
        };
        // Stock Spin closes the connection where the authority is unclear.
        complete_uri(&mut request, Scheme::HTTP)?;
        let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
        Ok(self.chain.route(request, &found, client).await)
    }

    fn well_known(&self, name: &str) -> Response<WasiBody> {
        match name {
            "health" => Response::new(full(Bytes::from_static(b"OK"))),
            "info" => {
                let mut response = Response::new(full(self.info.clone()));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

/// Resolves once the server is told to drain.
async fn told(draining: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = draining.wait_for(|draining| *draining).await;
}

fn shed() -> Response<WasiBody> {
    let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn full(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}
