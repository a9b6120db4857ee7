//! An app server that does only what a scenario says.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use heliograph_protocol::service::{
    ConnectionType, DataMessageType, Decoded, Extensions, Message, decode, encode,
};
use heliograph_protocol::wire::Deframer;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Claims;
use super::http::WAIT;
use crate::process::Server;

/// A silent app server is given up after 15 s, which are looked at every 5 s.
const GIVEN_UP: Duration = Duration::from_secs(25);

/// One server connection of the hub `stub`.
#[derive(Debug)]
pub(crate) struct Stub {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    deframer: Deframer,
    frames: VecDeque<Vec<u8>>,
}

impl Stub {
    pub(crate) const HUB: &'static str = "stub";

    /// Connects and says nothing. The status, if that is refused.
    pub(crate) async fn connect(service: &Server) -> Result<Self> {
        let token = Claims::new(service.url(), "server", Self::HUB)
            .with("asrs.s.sn", json!("stub"))
            .sign()?;
        Self::connect_with(service, "hub=stub&cid=stub-link", Some(&token)).await
    }

    /// Connects as the app server of this name and shakes hands.
    pub(crate) async fn named(service: &Server, name: &str) -> Result<Self> {
        Self::named_with(service, name, 0).await
    }

    /// The same; level 1 lets clients move to another app server.
    pub(crate) async fn named_with(service: &Server, name: &str, migration: i32) -> Result<Self> {
        let token = Claims::new(service.url(), "server", Self::HUB)
            .with("asrs.s.sn", json!(name))
            .sign()?;
        let query = format!("hub=stub&cid={name}-link");
        let mut stub = Self::connect_as(service, name, &query, Some(&token)).await?;
        stub.greet(migration).await?;
        Ok(stub)
    }

    /// Connects with any query and token.
    pub(crate) async fn connect_with(
        service: &Server,
        query: &str,
        token: Option<&str>,
    ) -> Result<Self> {
        Self::connect_as(service, "stub", query, token).await
    }

    async fn connect_as(
        service: &Server,
        name: &str,
        query: &str,
        token: Option<&str>,
    ) -> Result<Self> {
        let url = format!("ws://{}/server/?{query}", service.address());
        let mut request = url.into_client_request()?;
        let headers = request.headers_mut();
        if let Some(token) = token {
            headers.insert("authorization", format!("Bearer {token}").parse()?);
        }
        headers.insert("x-asrs-server-id", name.parse()?);
        match timeout(WAIT, connect_async(request)).await? {
            Ok((socket, _)) => Ok(Self {
                socket,
                deframer: Deframer::new(Deframer::DEFAULT_MAX_MESSAGE_BYTES),
                frames: VecDeque::new(),
            }),
            Err(Error::Http(response)) => bail!("refused with {}", response.status().as_u16()),
            Err(error) => Err(error.into()),
        }
    }

    /// Connects and shakes hands.
    pub(crate) async fn start(service: &Server) -> Result<Self> {
        let mut stub = Self::connect(service).await?;
        stub.shake_hands().await?;
        Ok(stub)
    }

    pub(crate) async fn shake_hands(&mut self) -> Result<()> {
        self.greet(0).await
    }

    async fn greet(&mut self, migration_level: i32) -> Result<()> {
        self.send(&Message::HandshakeRequest {
            version: 1,
            connection_type: ConnectionType::Default,
            target: "",
            migration_level,
            allow_stateful_reconnects: false,
        })
        .await?;
        self.next("the handshake's answer", |message| {
            matches!(message, Message::HandshakeResponse { .. }).then_some(())
        })
        .await
    }

    pub(crate) async fn send(&mut self, message: &Message<'_>) -> Result<()> {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        self.send_bytes(&bytes).await
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let message = tungstenite::Message::binary(bytes.to_vec());
        Ok(timeout(WAIT, self.socket.send(message))
            .await
            .context("the service takes nothing")??)
    }

    /// Sends a hub message to a client of this connection.
    pub(crate) async fn send_data(&mut self, id: &str, payload: &str) -> Result<()> {
        self.data(id, payload.as_bytes(), None).await
    }

    /// Sends one whole hub message of any protocol to a client.
    pub(crate) async fn send_message(&mut self, id: &str, framed: &[u8]) -> Result<()> {
        self.data(id, framed, Some(DataMessageType::Invocation))
            .await
    }

    /// Waits for a client and answers its handshake; gives its id.
    pub(crate) async fn accept(&mut self) -> Result<String> {
        let id = self.opened().await?;
        self.answer(&id).await?;
        Ok(id)
    }

    /// Answers a client's handshake.
    pub(crate) async fn answer(&mut self, id: &str) -> Result<()> {
        self.data(id, b"{}\x1e", Some(DataMessageType::Handshake))
            .await
    }

    /// Waits for a client; gives its id.
    pub(crate) async fn opened(&mut self) -> Result<String> {
        self.next("a client", |message| match message {
            Message::OpenConnection { connection_id, .. } => Some((*connection_id).to_owned()),
            _ => None,
        })
        .await
    }

    /// Waits until the service has said that a client is gone.
    pub(crate) async fn closed(&mut self, id: &str) -> Result<()> {
        self.next("the client's end", |message| match message {
            Message::CloseConnection { connection_id, .. } if *connection_id == id => Some(()),
            _ => None,
        })
        .await
    }

    async fn data(
        &mut self,
        id: &str,
        payload: &[u8],
        kind: Option<DataMessageType>,
    ) -> Result<()> {
        self.send(&Message::ConnectionData {
            connection_id: id,
            payload,
            extensions: Extensions {
                data_type: kind,
                ..Extensions::default()
            },
        })
        .await
    }

    /// The next message that is wanted; those before it are dropped.
    pub(crate) async fn next<T>(
        &mut self,
        what: &str,
        wanted: impl FnMut(&Message<'_>) -> Option<T>,
    ) -> Result<T> {
        self.next_within(WAIT, what, wanted).await
    }

    async fn next_within<T>(
        &mut self,
        limit: Duration,
        what: &str,
        mut wanted: impl FnMut(&Message<'_>) -> Option<T>,
    ) -> Result<T> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            while let Some(frame) = self.frames.pop_front() {
                if let Decoded::Message(message) = decode(&frame)?
                    && let Some(found) = wanted(&message)
                {
                    return Ok(found);
                }
            }
            let received = tokio::time::timeout_at(deadline, self.socket.next()).await;
            let received = received.with_context(|| format!("{what} did not come in time"))?;
            match received {
                Some(Ok(tungstenite::Message::Binary(bytes))) => {
                    let mut bytes: &[u8] = &bytes;
                    while let Some(frame) = self.deframer.next_message(&mut bytes)? {
                        self.frames.push_back(frame.to_vec());
                    }
                }
                Some(Ok(tungstenite::Message::Close(frame))) => {
                    bail!("closed before {what} came: {frame:?}")
                }
                Some(Ok(_)) => {}
                other => bail!("ended before {what} came: {other:?}"),
            }
        }
    }

    /// The service ends the connection.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        let end = self.next_within::<()>(GIVEN_UP, "more", |_| None).await;
        let text = end.err().map(|error| error.to_string()).unwrap_or_default();
        ensure!(
            !text.contains("in time"),
            "the service keeps the connection"
        );
        Ok(())
    }
}
