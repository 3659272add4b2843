//! Outbound HTTP of a component: the allow-list, requests to the application itself, chaining to a neighbour in
//! process, and for all else the pool of connections, with stock Spin's time-outs.

use std::{
    error::Error as _,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri, header::HOST, uri::Scheme};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::sync::Semaphore;
use tokio_rustls::rustls;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::{
    allowed_hosts::{AllowedHosts, chaining_target},
    blocked_networks::BlockedNetworks,
    connector::{CONNECT_TIMEOUT, ConnectFailure, Connector},
};
use crate::{http::chain::Chain, instance::Trap, runtime_config::OutboundHttp};

/// Each of the three time-outs if the component sets none, as in stock Spin.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// The pools of the whole application.
pub struct HttpClients {
    plain: Client<Connector, WasiBody>,
    tls: Client<Connector, WasiBody>,
}

impl HttpClients {
    /// Pools as the runtime configuration wants them.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(config: &OutboundHttp, blocked: Arc<BlockedNetworks>) -> anyhow::Result<Self> {
        let permits = config.max_connections.map(|max| Arc::new(Semaphore::new(max)));
        let tls = {
            let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
        };
        let build = |tls: Option<Arc<rustls::ClientConfig>>| {
            let mut builder = Client::builder(TokioExecutor::new());
            if !config.connection_pooling {
                builder.pool_max_idle_per_host(0);
            }
            builder.build(Connector { blocked: blocked.clone(), permits: permits.clone(), tls })
        };
        Ok(Self { plain: build(None), tls: build(Some(Arc::new(tls))) })
    }
}

/// What one instance may send, handed to wasi:http as its hooks.
#[derive(Clone)]
pub struct Outbound {
    /// The component's allow-list.
    pub allowed: Arc<AllowedHosts>,
    /// The pools of the application.
    pub clients: Arc<HttpClients>,
    /// Neighbours reachable in process, and the application's own address; None for a component woken by Redis,
    /// which stock Spin runs in a process of its own.
    pub chain: Option<Arc<Chain>>,
    /// Ends this instance where stock Spin would trap the caller.
    pub trap: Trap,
}

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        // Nothing here can act on the guest's trouble with a response body; dropping that body is enough.
        drop(processed);
        let outbound = self.clone();
        Box::new(async move {
            let response = outbound.send(request, options.unwrap_or_default()).await?;
            let io: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            Ok((response, io))
        })
    }
}

impl Outbound {
    async fn send(self, mut request: Request<WasiBody>, options: RequestOptions) -> Result<Response<WasiBody>, Error> {
        self.admit(&mut request)?;
        let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let target = request.uri().host().and_then(chaining_target).map(str::to_owned);
        let response = match (target, &self.chain) {
            (Some(component), Some(chain)) => match chain.call(&component, request).await {
                Some(response) => response,
                None => {
                    self.trap.spring(format!("unknown routing destination '{component}'"));
                    std::future::pending().await
                }
            },
            _ => self.send_over_network(request, &options).await?,
        };
        Ok(response.map(|body| WatchedBody { body: Some(body), sleep: None, timeout: between_bytes }.boxed_unsync()))
    }

    /// Checks the allow-list and turns a request to the application itself into one to its own address.
    fn admit(&self, request: &mut Request<WasiBody>) -> Result<(), Error> {
        let authority = request.uri().authority().filter(|authority| !authority.host().is_empty());
        if authority.is_none_or(|authority| authority.host() == "self.alt") {
            if !self.allowed.allows_itself() {
                eprintln!("A component tried to make an HTTP request to its own app but it does not have permission.");
                eprintln!(
                    "To allow this request, add 'allowed_outbound_hosts = [\"http://self\"]' to the manifest component section."
                );
                return Err(Error::HttpRequestDenied);
            }
            let Some(origin) = self.chain.as_ref().and_then(|chain| chain.own_authority()) else {
                return Err(Error::HttpRequestUriInvalid);
            };
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            *request.uri_mut() = Uri::builder()
                .scheme(Scheme::HTTP)
                .authority(origin.as_str())
                .path_and_query(path)
                .build()
                .map_err(|_| Error::HttpRequestUriInvalid)?;
        } else if !self.allowed.allows(&request.uri().to_string(), "https") {
            let uri = request.uri();
            let pattern =
                format!("{}://{}", uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |a| a.as_str()));
            eprintln!(
                "A component tried to make an outbound network connection to disallowed destination '{pattern}'."
            );
            eprintln!(
                "To allow this request, add 'allowed_outbound_hosts = [\"{pattern}\"]' to the manifest component section."
            );
            return Err(Error::HttpRequestDenied);
        }
        request.headers_mut().remove(HOST);
        Ok(())
    }

    async fn send_over_network(
        &self,
        request: Request<WasiBody>,
        options: &RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let client =
            if request.uri().scheme() == Some(&Scheme::HTTPS) { &self.clients.tls } else { &self.clients.plain };
        let connect_timeout = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let first_byte_timeout = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let sending = CONNECT_TIMEOUT.scope(connect_timeout, client.request(request));
        let response = tokio::time::timeout(first_byte_timeout, sending)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| error_of(&error))?;
        Ok(response.map(|body| body.map_err(Error::from).boxed_unsync()))
    }
}

/// The wasi:http error of a failed exchange.
fn error_of(error: &hyper_util::client::legacy::Error) -> Error {
    let failure = error.source().and_then(|source| source.downcast_ref::<ConnectFailure>());
    match failure {
        Some(ConnectFailure::Dns) => {
            Error::DnsError { rcode: Some("address not available".into()), info_code: Some(0) }
        }
        Some(ConnectFailure::Prohibited) => Error::DestinationIpProhibited,
        Some(ConnectFailure::Refused) => Error::ConnectionRefused,
        Some(ConnectFailure::Timeout) => Error::ConnectionTimeout,
        Some(ConnectFailure::LimitReached) => Error::ConnectionLimitReached,
        Some(ConnectFailure::Tls) => Error::TlsProtocolError,
        Some(ConnectFailure::Uri) => Error::HttpRequestUriInvalid,
        None => Error::HttpProtocolError,
    }
}

/// A response body that gives up when nothing comes for too long, and frees its connection at once.
struct WatchedBody {
    body: Option<WasiBody>,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    timeout: Duration,
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = pin!(body).poll_frame(cx) {
            self.sleep = None;
            return Poll::Ready(frame);
        }
        let timeout = self.timeout;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(sleep.as_mut().poll(cx));
        self.body = None;
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
