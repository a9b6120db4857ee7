//! What a legacy client receives by, and what comes there.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::http::{WAIT, request};
use super::legacy::{Legacy, Seen, Way};

/// An open channel. Signs of life are passed over.
#[derive(Debug)]
pub(crate) struct Channel {
    client: Legacy,
    carrier: Carrier,
    pub(crate) seen: Seen,
    /// Messages of envelopes that came, and nobody has asked for yet.
    messages: VecDeque<Value>,
}

enum Carrier {
    Socket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    /// Server-sent events, or a forever frame.
    Stream {
        body: Incoming,
        bytes: Vec<u8>,
    },
    /// The poll that is on its way.
    Poll(Option<Pin<Box<dyn Future<Output = Result<String>> + Send>>>),
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket(_) => "Socket",
            Self::Stream { .. } => "Stream",
            Self::Poll(_) => "Poll",
        })
    }
}

impl Channel {
    pub(super) async fn open(client: &Legacy, action: &str, seen: Seen) -> Result<Self> {
        let url = client.channel_url(action, &seen);
        let carrier = match client.way {
            Way::WebSockets => {
                let opened = timeout(WAIT, connect_async(url.replacen("http", "ws", 1))).await;
                let (socket, _) = opened.context("no upgrade in time")??;
                Carrier::Socket(Box::new(socket))
            }
            Way::ServerSentEvents | Way::ForeverFrame => {
                let response = timeout(WAIT, request("GET", &url, &[], "")).await;
                let response = response.context("no stream in time")??;
                let status = response.status();
                ensure!(status == 200, "the stream was answered with {status}");
                Carrier::Stream {
                    body: response.into_body(),
                    bytes: Vec::new(),
                }
            }
            Way::LongPolling => Carrier::Poll(Some(poll(url))),
        };
        Ok(Self {
            client: client.clone(),
            carrier,
            seen,
            messages: VecDeque::new(),
        })
    }

    /// The next document, waited for; an error at the end of the channel.
    pub(crate) async fn envelope(&mut self) -> Result<Value> {
        timeout(WAIT, self.receive())
            .await
            .context("nothing came in time")?
    }

    /// The next document, whenever it comes. It loses nothing when it is dropped.
    pub(crate) async fn receive(&mut self) -> Result<Value> {
        loop {
            let text = self.carrier.next(&self.client, &self.seen).await?;
            let document: Value = serde_json::from_str(&text).with_context(|| text.clone())?;
            if document.as_object().is_some_and(serde_json::Map::is_empty) {
                continue;
            }
            for (name, seen) in [("C", &mut self.seen.cursor), ("G", &mut self.seen.groups)] {
                if let Some(value) = document[name].as_str() {
                    value.clone_into(seen);
                }
            }
            if let Some(messages) = document["M"].as_array() {
                self.messages.extend(messages.iter().cloned());
            }
            return Ok(document);
        }
    }

    /// Messages that have come so far.
    pub(super) fn take_messages(&mut self) -> impl Iterator<Item = Value> {
        std::mem::take(&mut self.messages).into_iter()
    }

    /// The next message, waited for.
    pub(crate) async fn message(&mut self) -> Result<Value> {
        let until = tokio::time::Instant::now() + WAIT;
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Ok(message);
            }
            let received = timeout_at(until, self.receive()).await;
            let document = received.context("nothing came in time")??;
            if let Some(error) = document["E"].as_str().filter(|_| document["I"].is_null()) {
                bail!("the connection was ended: {error}");
            }
        }
    }

    /// The text of the next message, which is a call of `received`, waited for.
    pub(crate) async fn received(&mut self) -> Result<String> {
        let message = self.message().await?;
        text(&message).with_context(|| message.to_string())
    }

    /// Reads past what comes to the end of the channel.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        let past_all = async {
            while let Ok(document) = self.receive().await {
                // A poll ends with a document, and whoever is told this polls no more.
                let is_last = document["E"].is_string() || self.is_poll();
                if is_last {
                    return;
                }
            }
        };
        let ended = timeout(WAIT, past_all).await;
        ended.context("the channel was not ended in time")
    }

    /// Whether each document needs a request.
    pub(crate) fn is_poll(&self) -> bool {
        matches!(self.carrier, Carrier::Poll(_))
    }

    /// Whether the next document needs a request that has not been made.
    pub(crate) fn is_between_polls(&self) -> bool {
        matches!(self.carrier, Carrier::Poll(None))
    }

    /// Sends a message on a WebSocket.
    pub(crate) async fn send(&mut self, message: &Value) -> Result<()> {
        match &mut self.carrier {
            Carrier::Socket(socket) => Ok(socket.send(Message::text(message.to_string())).await?),
            other => bail!("{other:?} carries nothing to the server"),
        }
    }
}

/// The text of a call of `received`.
pub(super) fn text(message: &Value) -> Option<String> {
    let text = message["A"][0].as_str()?;
    (message["M"] == "received").then(|| text.to_owned())
}

/// One poll, which the server may hold for as long as it likes.
fn poll(url: String) -> Pin<Box<dyn Future<Output = Result<String>> + Send>> {
    Box::pin(async move {
        let response = request("POST", &url, &[], "").await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        ensure!(status == 200, "a poll was answered with {status} {text}");
        Ok(text)
    })
}

impl Carrier {
    async fn next(&mut self, client: &Legacy, seen: &Seen) -> Result<String> {
        match self {
            Self::Socket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                    Some(Ok(Message::Close(frame))) => {
                        // Sends our half of the closing handshake.
                        _ = socket.flush().await;
                        bail!("the channel was closed: {frame:?}");
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => bail!("the channel ended"),
                }
            },
            Self::Stream { body, bytes } => loop {
                if let Some(document) = cut_off(bytes) {
                    return Ok(document);
                }
                let frame = body.frame().await.context("the channel ended")??;
                if let Some(data) = frame.data_ref() {
                    bytes.extend_from_slice(data);
                }
            },
            Self::Poll(pending) => {
                let poll = pending.get_or_insert_with(|| poll(client.channel_url("poll", seen)));
                let document = poll.await;
                *pending = None;
                document
            }
        }
    }
}

/// Takes the first whole document off a stream.
fn cut_off(bytes: &mut Vec<u8>) -> Option<String> {
    for (start, end) in [("data: {", "\n\n"), ("<script>r(c, {", ");</script>")] {
        let find = |bytes: &[u8], part: &str| {
            let mut windows = bytes.windows(part.len());
            windows.position(|window| window == part.as_bytes())
        };
        let Some(at) = find(bytes, start) else {
            continue;
        };
        let from = at + start.len() - 1;
        let length = find(bytes.get(from..)?, end)?;
        let document = bytes.get(from..from + length)?;
        let document = String::from_utf8_lossy(document).trim_end().to_owned();
        bytes.drain(..from + length + end.len());
        return Some(document);
    }
    None
}
