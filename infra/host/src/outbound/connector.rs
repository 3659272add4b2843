//! How the pool of outbound connections opens a new one: resolve, leave out blocked networks, connect in time, TLS.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls};

use super::blocked_networks::BlockedNetworks;

tokio::task_local! {
    /// Time-out of a connection that the current request may have to open. The pool has no place for it.
    pub static CONNECT_TIMEOUT: Duration;
}

/// Opens connections for the pool.
#[derive(Clone)]
pub struct Connector {
    /// Networks to leave out.
    pub blocked: Arc<BlockedNetworks>,
    /// Permits of `max_connections`, if configured.
    pub permits: Option<Arc<Semaphore>>,
    /// How to speak TLS; None for plain HTTP.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// Why no connection was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The name has no address.
    Dns,
    /// All its addresses are in blocked networks.
    Prohibited,
    /// Nobody accepts there.
    Refused,
    /// It took longer than the connect time-out.
    Timeout,
    /// `max_connections` are open.
    LimitReached,
    /// The TLS handshake failed.
    Tls,
    /// The URI names no host.
    Uri,
}

impl std::fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot connect: {self:?}")
    }
}

impl std::error::Error for ConnectFailure {}

impl Connector {
    async fn connect(self, uri: Uri, timeout: Duration) -> Result<Stream, ConnectFailure> {
        let host = uri.host().ok_or(ConnectFailure::Uri)?;
        let bare_host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let mut addresses: Vec<_> =
            tokio::net::lookup_host((bare_host, port)).await.map_err(|_| ConnectFailure::Dns)?.collect();
        if self.blocked.remove_blocked(&mut addresses) {
            eprintln!("Outbound request to {host}: all destination IP(s) prohibited by runtime config");
            return Err(ConnectFailure::Prohibited);
        }
        let connect = async {
            let permit = match &self.permits {
                Some(permits) => Some(permits.clone().acquire_owned().await.map_err(|_| ConnectFailure::LimitReached)?),
                None => None,
            };
            let tcp = TcpStream::connect(&*addresses).await.map_err(|error| match error.kind() {
                io::ErrorKind::AddrNotAvailable => ConnectFailure::Dns,
                _ => ConnectFailure::Refused,
            })?;
            Ok((tcp, permit))
        };
        let (tcp, permit) = tokio::time::timeout(timeout, connect).await.map_err(|_| ConnectFailure::Timeout)??;
        // A socket that cannot switch Nagle off still works.
        let _ = tcp.set_nodelay(true);
        let transport = match self.tls {
            None => Transport::Plain(tcp),
            Some(config) => {
                let name =
                    rustls::pki_types::ServerName::try_from(bare_host.to_owned()).map_err(|_| ConnectFailure::Dns)?;
                let tls = TlsConnector::from(config).connect(name, tcp).await.map_err(|_| ConnectFailure::Tls)?;
                Transport::Tls(Box::new(tls))
            }
        };
        Ok(Stream { transport, _permit: permit })
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectFailure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // Read here: the pool may finish the connection on a task of its own, outside of the request's scope.
        let timeout = CONNECT_TIMEOUT.try_with(|timeout| *timeout).unwrap_or(super::http::DEFAULT_TIMEOUT);
        let connector = self.clone();
        Box::pin(async move { connector.connect(uri, timeout).await.map(TokioIo::new) })
    }
}

/// An open connection; its permit returns when it closes.
pub struct Stream {
    transport: Transport,
    _permit: Option<OwnedSemaphorePermit>,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
