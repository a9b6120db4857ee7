//! One connection to the service, opened again whenever it is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use heliograph_protocol::service::{ConnectionType, Decoded, Message, decode, encode};
use heliograph_protocol::wire::Deframer;
use http::HeaderValue;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, handshake};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::app::App;
use crate::endpoint::Endpoint;

/// Messages that may wait to be written. Who writes more waits.
const WAITING: usize = 1000;
/// How long the service may take to answer the handshake.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long the service may be silent, and how long we are.
const SILENCE: Duration = Duration::from_secs(30);
const PING: Duration = Duration::from_secs(5);
/// Time between two questions for the status of the hub.
const STATUS: Duration = Duration::from_secs(10);
/// Waits after failed attempts; the last one is the longest.
const BACK_OFF: [u64; 5] = [1, 2, 4, 8, 16];

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection of one hub.
#[derive(Debug)]
pub(crate) struct Link {
    /// Distinguishes it in this process.
    pub(crate) number: usize,
    pub(crate) hub: String,
    outgoing: mpsc::Sender<Vec<u8>>,
    is_up: AtomicBool,
}

impl Link {
    /// Whether the service hears what is sent.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// Says whether the service hears what is sent.
    pub(crate) fn set_up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::Release);
    }

    /// Sends a message, as soon as there is room. What is sent to a link that is lost is lost.
    pub(crate) async fn send(&self, message: &Message<'_>) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        // The receiver lives as long as the link.
        _ = self.outgoing.send(bytes).await;
    }
}

/// What a connection is made of.
pub(crate) struct Driver {
    link: Arc<Link>,
    outgoing: mpsc::Receiver<Vec<u8>>,
    endpoint: Endpoint,
    server: String,
}

impl Driver {
    /// A connection of a hub, which [`Driver::run`] opens.
    pub(crate) fn new(number: usize, hub: &str, endpoint: &Endpoint, server: &str) -> Self {
        let (sender, outgoing) = mpsc::channel(WAITING);
        let link = Arc::new(Link {
            number,
            hub: hub.to_owned(),
            outgoing: sender,
            is_up: AtomicBool::new(false),
        });
        Self {
            link,
            outgoing,
            endpoint: endpoint.clone(),
            server: server.to_owned(),
        }
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Keeps the connection open, for ever.
    pub(crate) async fn run(mut self, app: Arc<App>) {
        let (mut attempts, mut failures) = (0, 0);
        loop {
            attempts += 1;
            let ended = match self.open(attempts).await {
                Ok(socket) => self.carry(socket, &app).await,
                Err(error) => Err(error),
            };
            self.complain(ended.err().as_ref());
            if self.link.is_up.swap(false, Ordering::AcqRel) {
                // At once: it was up.
                failures = 0;
                // What nobody hears any more.
                while self.outgoing.try_recv().is_ok() {}
                app.lost(&self.link);
                continue;
            }
            let wait = BACK_OFF.get(failures).or(BACK_OFF.last());
            failures += 1;
            sleep(Duration::from_secs(wait.copied().unwrap_or_default())).await;
        }
    }

    fn complain(&self, error: Option<&anyhow::Error>) {
        let hub = &self.link.hub;
        match error {
            Some(error) => eprintln!("legacyapp: connection of {hub}: {error:#}"),
            None => eprintln!("legacyapp: connection of {hub} closed by the service"),
        }
    }

    async fn open(&self, attempt: usize) -> Result<Socket> {
        let Link { number, hub, .. } = &*self.link;
        let id = format!("{}-{number}-{attempt}", self.server);
        let token = self.endpoint.link_token(hub, &self.server)?;
        let mut request: handshake::client::Request =
            self.endpoint.link_url(hub, &id).into_client_request()?;
        for (name, value) in [
            ("authorization", format!("Bearer {token}")),
            ("x-asrs-server-id", self.server.clone()),
            ("asrs-user-agent", "legacyapp".to_owned()),
        ] {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(&value)?);
        }
        let opened = timeout(HANDSHAKE, async {
            let (mut socket, _) = connect_async_with_config(request, None, true).await?;
            let hello = Message::HandshakeRequest {
                version: 1,
                connection_type: ConnectionType::Default,
                target: "",
                migration_level: 0,
                allow_stateful_reconnects: false,
            };
            let mut bytes = Vec::new();
            encode(&hello, &mut bytes);
            socket.send(tungstenite::Message::binary(bytes)).await?;
            anyhow::Ok(socket)
        });
        opened.await.context("no answer in time")?
    }

    /// Reads and writes until the connection is lost.
    async fn carry(&mut self, mut socket: Socket, app: &Arc<App>) -> Result<()> {
        let mut deframer = Deframer::new(Deframer::DEFAULT_MAX_MESSAGE_BYTES);
        let mut ticks = interval(PING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let opened = Instant::now();
        let (mut heard, mut asked) = (opened, opened);
        loop {
            tokio::select! {
                read = socket.next() => {
                    heard = Instant::now();
                    match read {
                        Some(Ok(tungstenite::Message::Binary(bytes))) => {
                            self.take(&mut deframer, &bytes, app)?;
                        }
                        Some(Ok(tungstenite::Message::Close(_))) | None => return Ok(()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(error.into()),
                    }
                }
                Some(bytes) = self.outgoing.recv(), if self.link.is_up() => {
                    socket.feed(tungstenite::Message::binary(bytes)).await?;
                    while let Ok(bytes) = self.outgoing.try_recv() {
                        socket.feed(tungstenite::Message::binary(bytes)).await?;
                    }
                    socket.flush().await?;
                }
                _ = ticks.tick() => {
                    if !self.link.is_up() {
                        if opened.elapsed() > HANDSHAKE {
                            bail!("the service does not answer the handshake");
                        }
                        continue;
                    }
                    if heard.elapsed() > SILENCE {
                        bail!("the service is silent");
                    }
                    let mut values = Vec::new();
                    if asked.elapsed() >= STATUS {
                        asked = Instant::now();
                        values = vec!["status", "1"];
                    }
                    let mut bytes = Vec::new();
                    encode(&Message::Ping { values }, &mut bytes);
                    socket.send(tungstenite::Message::binary(bytes)).await?;
                }
            }
        }
    }

    /// Takes what the service has sent.
    fn take(&self, deframer: &mut Deframer, mut bytes: &[u8], app: &Arc<App>) -> Result<()> {
        while let Some(frame) = deframer.next_message(&mut bytes)? {
            let Decoded::Message(message) = decode(frame)? else {
                continue;
            };
            if self.link.is_up() {
                app.take(&self.link, &message);
                continue;
            }
            match message {
                Message::HandshakeResponse { error, .. }
                    if error.unwrap_or_default().is_empty() =>
                {
                    self.link.set_up(true);
                    app.changed.notify_waiters();
                }
                other => bail!("the service answers the handshake with {other:?}"),
            }
        }
        Ok(())
    }
}
