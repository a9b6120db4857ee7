//! The three transports, as a client sees them.

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::http::{WAIT, request, send};

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSockets,
    ServerSentEvents,
    LongPolling,
}

impl Transport {
    pub(crate) const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];
}

/// One open connection.
#[derive(Debug)]
pub(super) enum Carrier {
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Events {
        place: Place,
        body: Incoming,
        /// What came of the next event.
        text: String,
    },
    Polls(Place),
}

/// Where a client's requests go, and with which headers.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        let pairs = self.headers.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    pub(super) async fn post(&self, url: &str, body: &[u8]) -> Result<super::Answer> {
        send("POST", url, &self.headers(), body.to_vec()).await
    }
}

impl Carrier {
    pub(super) async fn open(place: Place, transport: Transport) -> Result<Self> {
        match transport {
            Transport::WebSockets => Self::web_socket(&place).await,
            Transport::ServerSentEvents => {
                let mut headers = place.headers();
                headers.push(("accept", "text/event-stream"));
                let response = timeout(WAIT, request("GET", &place.url, &headers, ""))
                    .await
                    .context("no event stream in time")??;
                if response.status() != 200 {
                    bail!("the event stream was answered with {}", response.status());
                }
                Ok(Self::Events {
                    body: response.into_body(),
                    text: String::new(),
                    place,
                })
            }
            Transport::LongPolling => {
                let mut polls = Self::Polls(place);
                // The first one is answered at once.
                match polls.receive().await?.as_slice() {
                    [] => Ok(polls),
                    other => bail!("the first poll gave {other:?}"),
                }
            }
        }
    }

    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::WebSocket(_) => None,
            Self::Events { place, .. } | Self::Polls(place) => Some(place),
        }
    }

    async fn web_socket(place: &Place) -> Result<Self> {
        let mut request = place.url.replacen("http", "ws", 1).into_client_request()?;
        for (name, value) in &place.headers {
            let name: ::http::HeaderName = name.parse()?;
            request.headers_mut().insert(name, value.parse()?);
        }
        let (socket, _) = timeout(WAIT, connect_async(request))
            .await
            .context("no upgrade in time")??;
        Ok(Self::WebSocket(Box::new(socket)))
    }

    pub(super) async fn send(&mut self, bytes: &[u8], is_text: bool) -> Result<()> {
        match self {
            Self::WebSocket(socket) => {
                let message = if is_text {
                    Message::text(String::from_utf8_lossy(bytes).into_owned())
                } else {
                    Message::binary(bytes.to_vec())
                };
                Ok(socket.send(message).await?)
            }
            Self::Events { place, .. } | Self::Polls(place) => {
                let answer = place.post(&place.url, bytes).await?;
                if answer.status != 200 {
                    bail!("a send was answered with {} {}", answer.status, answer.body);
                }
                Ok(())
            }
        }
    }

    /// What comes next; an error at the end of the connection.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>> {
        match self {
            Self::WebSocket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.as_bytes().to_vec()),
                    Some(Ok(Message::Binary(bytes))) => return Ok(bytes.to_vec()),
                    Some(Ok(Message::Close(frame))) => {
                        // Sends our half of the closing handshake.
                        _ = socket.flush().await;
                        bail!("the connection ended: {frame:?}");
                    }
                    None => bail!("the connection ended"),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                }
            },
            Self::Events { body, text, .. } => loop {
                if let Some((event, rest)) = text.split_once("\r\n\r\n") {
                    let data = event.lines().filter_map(|line| line.strip_prefix("data: "));
                    let data = data.collect::<Vec<_>>().join("\n").into_bytes();
                    *text = rest.to_owned();
                    if !data.is_empty() {
                        return Ok(data);
                    }
                    continue;
                }
                let frame = body.frame().await.context("the connection ended")??;
                if let Some(data) = frame.data_ref() {
                    text.push_str(&String::from_utf8_lossy(data));
                }
            },
            Self::Polls(place) => {
                let answer = request("GET", &place.url, &place.headers(), "").await?;
                match answer.status().as_u16() {
                    200 => Ok(answer.into_body().collect().await?.to_bytes().to_vec()),
                    204 => bail!("the connection ended"),
                    other => bail!("a poll was answered with {other}"),
                }
            }
        }
    }
}
