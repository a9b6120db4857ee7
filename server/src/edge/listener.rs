//! Accepts connections and serves HTTP/1.1 on them.
//!
//! Per connection: one small task until it ends or is upgraded. A connection counts towards
//! [`Options::max_connections`] until its [`Stream`] is dropped, upgraded or not; one too many is
//! closed at once, unanswered.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::stream::{Slot, Stream};
use super::unread::ReadToEnd;

/// Pause after the system refused to give a connection, for example for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The log says at most this often that connections are turned away.
const FULL_LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Connections that the kernel may hold ready for us.
const BACKLOG: u32 = 4096;

/// Request extension: the address at the other end of the socket, which may be a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Request extension: how the request came to this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Under TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// How connections are accepted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Offered instead of plain HTTP when set.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Connections at a time, upgraded ones included.
    pub max_connections: usize,
    /// Largest request head (request line and headers); a larger one is answered with 431.
    /// At least 8 KiB.
    pub max_header_bytes: usize,
    /// How long a connection may wait for its next request, and how long it may take to send the
    /// head of it; also bounds the TLS handshake.
    pub head_timeout: Duration,
    /// A peer that acknowledges nothing for this long is given up.
    pub dead_peer_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: None,
            max_connections: 200_000,
            max_header_bytes: 32 * 1024,
            head_timeout: Duration::from_secs(60),
            dead_peer_timeout: Duration::from_secs(60),
        }
    }
}

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    options: Options,
}

/// How connections are told to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    Finishing,
    Cut,
}

impl Listener {
    /// Binds. Connections wait in the kernel until [`Listener::serve`] is called.
    ///
    /// # Errors
    ///
    /// When the address cannot be had.
    pub fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self {
            tcp: socket.listen(BACKLOG)?,
            options,
        })
    }

    /// The address that it is bound to, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `drain` is done, then accepts no more, lets requests under way finish (and
    /// upgraded connections end) until the time that `drain` gave, and cuts what is left. Gives
    /// the number of connections that were left. Dropping the future stops accepting; connections
    /// live on.
    pub async fn serve(self, router: Router, drain: impl Future<Output = Instant> + Send) -> usize {
        let Self { tcp, options } = self;
        let total = options.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        let slots = Arc::new(Semaphore::new(total as usize));
        let (phase, _) = watch::channel(Phase::Serving);
        let deadline = accept_all(&tcp, options, router, &slots, &phase, drain).await;
        drop(tcp);

        phase.send_replace(Phase::Finishing);
        if timeout_at(deadline, slots.acquire_many(total))
            .await
            .is_ok()
        {
            return 0;
        }
        phase.send_replace(Phase::Cut);
        (total as usize).saturating_sub(slots.available_permits())
    }
}

async fn accept_all(
    tcp: &TcpListener,
    options: Options,
    router: Router,
    slots: &Arc<Semaphore>,
    phase: &watch::Sender<Phase>,
    drain: impl Future<Output = Instant> + Send,
) -> Instant {
    let server = Arc::new(Server::new(options, router));
    let mut full_logged: Option<Instant> = None;
    tokio::pin!(drain);
    loop {
        let accepted = tokio::select! {
            deadline = &mut drain => return deadline,
            accepted = tcp.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(err) if err.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(err) => {
                tracing::error!(%err, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(slots).try_acquire_owned() else {
            if full_logged.is_none_or(|at| at.elapsed() >= FULL_LOG_INTERVAL) {
                full_logged = Some(Instant::now());
                let count = server.options.max_connections;
                tracing::warn!(count, "all connections are taken, closing new ones");
            }
            continue;
        };
        let server = Arc::clone(&server);
        let phase = phase.subscribe();
        tokio::spawn(async move { server.serve(socket, peer, Slot::new(permit), phase).await });
    }
}

/// What all connections share.
struct Server {
    options: Options,
    http: http1::Builder,
    service: TowerToHyperService<Router>,
}

impl Server {
    fn new(options: Options, router: Router) -> Self {
        let mut http = http1::Builder::new();
        let max_header_bytes = options.max_header_bytes.max(8 * 1024);
        http.timer(TokioTimer::new())
            .header_read_timeout(options.head_timeout)
            .max_header_size(max_header_bytes)
            .max_buf_size(max_header_bytes.saturating_add(8 * 1024));
        Self {
            options,
            http,
            service: TowerToHyperService::new(router),
        }
    }

    async fn serve(
        &self,
        tcp: TcpStream,
        peer: SocketAddr,
        slot: Slot,
        mut phase: watch::Receiver<Phase>,
    ) {
        if let Err(err) = tune(&tcp, self.options.dead_peer_timeout) {
            tracing::debug!(%err, "cannot set socket options");
        }
        let (stream, scheme) = match &self.options.tls {
            None => (Stream::Plain { tcp, slot }, Scheme::Http),
            Some(config) => {
                // Boxed, so that the task of a plain connection is not the larger for it.
                let handshake = Box::pin(TlsAcceptor::from(Arc::clone(config)).accept(tcp));
                match timeout(self.options.head_timeout, handshake).await {
                    Ok(Ok(tls)) => (
                        Stream::Tls {
                            tls: Box::new(tls),
                            slot,
                        },
                        Scheme::Https,
                    ),
                    Ok(Err(err)) => return tracing::debug!(%err, "TLS handshake failed"),
                    Err(_) => return tracing::debug!("TLS handshake took too long"),
                }
            }
        };
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(scheme);
            self.call(request)
        });
        let connection = self
            .http
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);
        let mut seen = Phase::Serving;
        let ended = loop {
            tokio::select! {
                ended = &mut connection => break ended,
                next = changed(&mut phase, seen) => match next {
                    Some(Phase::Cut) => return,
                    Some(now) => {
                        seen = now;
                        connection.as_mut().graceful_shutdown();
                    }
                    None => break connection.await,
                },
            }
        };
        if let Err(err) = ended {
            tracing::debug!(%err, "HTTP connection ended");
        }
    }

    async fn call(
        &self,
        request: http::Request<Incoming>,
    ) -> Result<axum::response::Response, Infallible> {
        self.service.call(request.map(ReadToEnd::new)).await
    }
}

/// The next phase; `None` when the listener is gone without a drain.
async fn changed(phase: &mut watch::Receiver<Phase>, seen: Phase) -> Option<Phase> {
    phase
        .wait_for(|now| *now != seen)
        .await
        .map(|now| *now)
        .ok()
}

/// Small frames leave at once, and a peer that vanished is noticed.
fn tune(tcp: &TcpStream, dead_peer_timeout: Duration) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(tcp);
    let keepalive = TcpKeepalive::new()
        .with_time(dead_peer_timeout / 2)
        .with_interval(dead_peer_timeout / 6)
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(dead_peer_timeout))?;
    Ok(())
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
